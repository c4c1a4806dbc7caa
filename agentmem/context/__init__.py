"""The context of an agent: an append-only transcript, and the pure functions that turn it into a request."""
