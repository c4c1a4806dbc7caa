"""Records the requests of other people's agents, and checks them in tests."""
