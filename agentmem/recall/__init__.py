"""Recall: what has left a window is archived, and found again by words, by meaning and by reference."""
