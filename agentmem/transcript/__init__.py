"""Transcripts: entries, the journal that keeps them in SQLite or Postgres, leases and checkpoints."""
