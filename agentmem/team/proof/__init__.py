"""Proof of a change: tests run in one process, the changed code in another, and only plain values pass between them."""
