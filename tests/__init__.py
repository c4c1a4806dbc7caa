"""The tests of agentmem."""
