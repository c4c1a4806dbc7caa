"""Compaction: when a context is cut, what leaves, and what stands for it. It calls no model and reads no clock."""
