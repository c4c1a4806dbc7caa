"""Tests of agentmem.report."""
