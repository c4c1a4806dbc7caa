"""Providers' KV caches: cache keys, rules, breakpoints, a simulator, and why a prefix was not read."""
