"""The context of an agent: pure functions that turn an append-only transcript into a request."""
