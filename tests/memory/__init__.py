"""Tests of agentmem.memory."""
