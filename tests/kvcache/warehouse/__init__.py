"""Tests of the token warehouse: made payloads, real files, real processes."""
