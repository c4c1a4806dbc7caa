"""Recorded sessions, replayed: what they used, what another context policy would have used, what it still shows."""
