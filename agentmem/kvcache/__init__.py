"""Providers' KV caches: what their keys are made of, their rules, where to put breakpoints, why a prefix broke."""
