"""Explains why a prefix was not read from the cache, by comparing requests."""
