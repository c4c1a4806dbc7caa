"""agentmem beside other people's agents: recording their requests, checking them in tests."""
