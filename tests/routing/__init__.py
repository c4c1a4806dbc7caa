"""Tests of agentmem.routing."""
