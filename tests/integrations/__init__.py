"""Tests of agentmem.integrations."""
