"""Tests of the tools, their cards and their making."""
