"""Decides when a context is cut, what leaves, and what replaces it. It calls no model and reads no clock."""
