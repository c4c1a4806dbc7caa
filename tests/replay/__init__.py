"""Tests of agentmem/replay."""
