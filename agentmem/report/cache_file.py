"""Opens a cache of numbers of logs: a database that may be deleted at any moment, and that its owner alone may read."""

import sqlite3
from pathlib import Path


def open_cache(path: Path, table: str) -> sqlite3.Connection:
    """The database at ``path``, with its ``table`` (an SQL statement). One that is damaged is made anew."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    path.touch(mode=0o600)
    try:
        return _opened(path, table)
    except sqlite3.DatabaseError:
        path.unlink()
        return _opened(path, table)


def _opened(path: Path, table: str) -> sqlite3.Connection:
    database = sqlite3.connect(path, timeout=30, check_same_thread=False)
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("PRAGMA synchronous = NORMAL")
    database.execute(table)
    return database
