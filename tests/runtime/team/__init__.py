"""Tests of the team."""
