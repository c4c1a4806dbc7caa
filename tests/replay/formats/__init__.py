"""Tests of agentmem/replay/formats."""
