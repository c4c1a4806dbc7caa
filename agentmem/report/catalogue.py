"""Remembers the rows of logs, so that a large folder is read once: a file that did not change is not opened again.

    with LogCatalogue(user_cache / "logs.db") as catalogue:
        for one in catalogue.load([Path("~/.claude/projects").expanduser()]):
            print(one.name, len(one.turns))

It is a cache, by a file's path, size and time: it may be deleted at any moment. It holds numbers and names, no text of
a conversation. What needs the text (a page, `why`, `context`) reads the logs themselves.
"""

import json
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from agentmem.closing import Closing
from agentmem.meter.ledger import Row, row_of, value
from agentmem.meter.own_prices import in_use
from agentmem.meter.price_table import table_name
from agentmem.replay.recordings import files
from agentmem.replay.session import SkippedLine
from agentmem.report.cache_file import open_cache
from agentmem.report.loading import ALL, Choice, Observed, chosen, load_paths
from agentmem.report.turns import ReportTurn

VERSION = 2
"""The version of what is kept. What another one kept, or was counted at other prices, is read anew."""
_TABLE = """
CREATE TABLE IF NOT EXISTS files (
    path TEXT PRIMARY KEY, version TEXT, size INTEGER, time INTEGER, found TEXT
) WITHOUT ROWID
"""
_KNOWN = "SELECT found FROM files WHERE path = ? AND version = ? AND size = ? AND time = ?"


class LogCatalogue(Closing):
    """The rows of logs in a database at ``path``, which only its owner may read. One that is damaged is made anew."""

    def __init__(self, path: Path) -> None:
        self._version = f"{VERSION} {table_name()} {in_use().digest}"
        self._database = open_cache(path, _TABLE)

    def close(self) -> None:
        """Close the database."""
        self._database.close()

    def load(self, paths: Iterable[Path], choice: Choice = ALL) -> Iterator[Observed | SkippedLine]:
        """What `load_paths` gives, without parts, losses and windows; files that did not change are not read."""
        return chosen(self._every(paths, choice), choice)

    def _every(self, paths: Iterable[Path], choice: Choice) -> Iterator[Observed | SkippedLine]:
        for file in files(paths):
            if isinstance(file, SkippedLine):
                yield file
            elif choice.takes_file(file):
                yield from self._of(file)

    def _of(self, file: Path) -> Iterator[Observed | SkippedLine]:
        at = file.stat()
        key = (str(file.resolve()), self._version, at.st_size, at.st_mtime_ns)
        known = self._database.execute(_KNOWN, key).fetchone()
        if known is None:
            found = json.dumps([_kept(one) for one in load_paths([file])])
            with suppress(sqlite3.Error), self._database:  # a full disk costs the next opening time, and nothing else
                self._database.execute("INSERT OR REPLACE INTO files VALUES (?, ?, ?, ?, ?)", (*key, found))
            known = (found,)
        yield from map(_back, json.loads(known[0]))


def _kept(one: Observed | SkippedLine) -> dict[str, Any]:
    if isinstance(one, SkippedLine):
        return {"path": one.path, "line": one.line, "reason": one.reason}
    rows = [[turn.number, {**value(turn.row), **_exact(turn.row)}] for turn in one.turns]
    return {"name": one.name, "format": one.format, "path": one.path, "text": one.text, "rows": rows}


def _exact(row: Row) -> dict[str, float | None]:
    """What a journal's row rounds."""
    return {"at": row.at, "usd": row.cost_usd, "usd0": row.cost_uncached_usd}


def _back(kept: dict[str, Any]) -> Observed | SkippedLine:
    if "reason" in kept:
        return SkippedLine(kept["path"], kept["line"], kept["reason"])
    turns = tuple(ReportTurn(number, row_of(kept["name"], row)) for number, row in kept["rows"])
    return Observed(kept["name"], kept["format"], kept["path"], turns, text=kept["text"])
