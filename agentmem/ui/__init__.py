"""The report's page served live on loopback: lists of sessions, one session with its texts, and what changes."""
