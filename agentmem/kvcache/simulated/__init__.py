"""A provider's cache, simulated by its published rules, and a loopback server on it."""
