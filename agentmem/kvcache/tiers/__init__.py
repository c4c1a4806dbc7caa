"""Tiers of memory for KV state: what a capacity would have found, exactly, and what a fleet of engines makes of it."""
