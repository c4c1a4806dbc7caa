"""The list of all sessions in folders of logs, read once: a file that did not change is not opened again.

    with LogIndex(user_cache / "sessions.db") as index:
        for one in index.load([Path("~/.claude/projects").expanduser()]):
            print(one.name, one.sums.input, one.sums.usd)

It is a cache, by a file's path, size and time: it may be deleted at any moment. It holds numbers and names, no text of
a conversation, and only its owner may read it. `agentmem logs`, `report` on a folder and the served page list by it.
"""

import json
import os
import sqlite3
import time
from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Lock
from typing import Any

from agentmem.closing import Closing
from agentmem.meter.own_prices import in_use
from agentmem.meter.price_table import table_name
from agentmem.replay.pool import worker_pool
from agentmem.replay.recordings import files
from agentmem.replay.session import SkippedLine
from agentmem.report.cache_file import open_cache
from agentmem.report.loading import ALL, Choice, Observed, chosen
from agentmem.report.logs.columns import unpacked
from agentmem.report.logs.listed import LoggedSession, read_kept, summed
from agentmem.report.logs.reading import QUICK, ReadLog, WorkItem, read_log
from agentmem.report.logs.rows import column_rows, read_rows

VERSION = 4
"""The version of what is kept. Another one's is read anew."""
MANY = 32 * 1024 * 1024
"""Bytes to read from which on a second process is worth its start."""
MOST_JOBS = 4
_TABLE = """
CREATE TABLE IF NOT EXISTS indexed (
    path TEXT PRIMARY KEY, key TEXT, size INTEGER, time INTEGER,
    sessions TEXT, skipped TEXT, identities BLOB, columns BLOB, rows BLOB
) WITHOUT ROWID
"""
_LIGHT = "SELECT path, size, time, sessions, skipped, identities FROM indexed WHERE key = ?"
_WHOLE = "SELECT columns, rows FROM indexed WHERE path = ? AND key = ?"
_KEEP = "INSERT OR REPLACE INTO indexed VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"

Stamp = tuple[int, int]


@dataclass(frozen=True, slots=True)
class IndexedLog:
    """What is known of a file: its conversations, what could not be read, and the ids of its replies."""

    sessions: tuple[LoggedSession, ...]
    skipped: tuple[SkippedLine, ...]
    identities: "array[int]"

    @classmethod
    def of(cls, sessions: Iterable[Mapping[str, Any]], skipped: Iterable[Any], identities: bytes) -> "IndexedLog":
        """From what `read_log` gives."""
        own = array("Q")
        own.frombytes(identities)
        return cls(tuple(map(read_kept, sessions)), tuple(SkippedLine(*line) for line in skipped), own)


class LogIndex(Closing):
    """An index in a database at ``path``, None for one that is forgotten at the end. One that is damaged is made anew.

    ``jobs`` processes read what is new where that is much; 0 takes as many as the machine has cores, up to MOST_JOBS.
    More than one starts its program anew, so that belongs under `if __name__ == "__main__"`. Its methods may be called
    from any thread.
    """

    def __init__(self, path: Path | None, jobs: int = 1) -> None:
        self._jobs = jobs or min(MOST_JOBS, os.cpu_count() or 1)
        self._key = f"{VERSION} {table_name()} {in_use().digest} {'/'.join(time.tzname)}"
        self._folder = TemporaryDirectory(prefix="agentmem-") if path is None else None
        self._database = open_cache(path or Path(self._folder.name if self._folder else "") / "sessions.db", _TABLE)
        self._lock = Lock()

    def close(self) -> None:
        """Close the database. May be called twice."""
        self._database.close()
        if self._folder is not None:
            self._folder.cleanup()

    def load(
        self,
        paths: Iterable[Path],
        *,
        since: float = 0.0,
        takes: Callable[[Path], bool] = lambda path: True,
    ) -> Iterator[LoggedSession | SkippedLine]:
        """Every conversation in ``paths``, files or folders, in the order of the files, and what could not be read.

        Of folders those files that ``takes`` is true for; requests from ``since`` on, in seconds since the epoch. A
        reply that stands in several logs counts where it is first met. Raises ConfigError if there is no such file.
        """
        stamps, unread = there(paths, takes)
        yield from unread
        known = dict(self.refresh(stamps))
        for path in stamps:
            yield from known[path].skipped
        yield from self.counted({path: known[path] for path in stamps}, since)

    def observed(self, paths: Iterable[Path], choice: Choice = ALL) -> Iterator[Observed | SkippedLine]:
        """What `load_paths` gives, in the order of the files, without parts, losses, windows and bounds."""
        return chosen(self._observed(paths, choice), choice)

    def _observed(self, paths: Iterable[Path], choice: Choice) -> Iterator[Observed | SkippedLine]:
        stamps, unread = there(paths, choice.takes_file)
        yield from unread
        known = dict(self.refresh(stamps))
        for path in stamps:
            yield from known[path].skipped
            yield from self.rows(path)

    def rows(self, path: str) -> Iterator[Observed]:
        """The requests of a file that `refresh` has read, by conversation."""
        columns, rows = self._whole(path)
        if columns:
            yield from read_rows(rows) if rows else column_rows(unpacked(columns), path, QUICK)

    def refresh(self, stamps: Mapping[str, Stamp]) -> Iterator[tuple[str, IndexedLog]]:
        """Of each file what it holds: at first of those that did not change, then of each other when it was read."""
        fresh = dict(stamps)
        for path, size, changed, sessions, skipped, identities in self._select(_LIGHT, (self._key,)):
            if fresh.get(path) == (size, changed):
                del fresh[path]
                yield path, IndexedLog.of(json.loads(sessions), json.loads(skipped), identities)
        work = [WorkItem(path, *stamp) for path, stamp in fresh.items()]
        for item, read in _read(work, self._jobs):
            yield item.path, self.keep(item, read)

    def keep(self, item: WorkItem, read: ReadLog) -> IndexedLog:
        """Remember what was read of a file."""
        values = (item.path, self._key, item.size, item.time, json.dumps(read.sessions), json.dumps(read.skipped))
        # A full disk costs the next opening time, and nothing else.
        with suppress(sqlite3.Error), self._lock, self._database:
            self._database.execute(_KEEP, (*values, read.identities, read.columns, read.rows))
        return IndexedLog.of(read.sessions, read.skipped, read.identities)

    def counted(self, logs: Mapping[str, IndexedLog], since: float = 0.0) -> Iterator[LoggedSession]:
        """The conversations of files as they count, in that order: each reply once, and only from ``since`` on."""
        seen: set[int] = set()
        for path, one in logs.items():
            if seen.isdisjoint(one.identities) and all(each.started >= since for each in one.sessions):
                yield from one.sessions
            elif any(each.ended >= since for each in one.sessions):
                yield from self._recounted(path, one.sessions[0], since, seen)
            seen.update(one.identities)
            seen.discard(0)

    def _recounted(self, path: str, first: LoggedSession, since: float, seen: set[int]) -> Iterator[LoggedSession]:
        about: dict[str, Any] = {"path": path, "format": first.format, "project": first.project}
        about |= {"redo_basis": first.redo_basis}
        columns, _ = self._whole(path)
        if columns:
            yield from summed(unpacked(columns), about, since=since, seen=seen)

    def _whole(self, path: str) -> tuple[bytes, bytes]:
        """A file's columns and rows; where the disk was too full to keep them, the file is read again."""
        for columns, rows in self._select(_WHOLE, (path, self._key)):
            return columns, rows
        again = read_log(WorkItem(path, 0, 0))
        return again.columns, again.rows

    def _select(self, query: str, values: tuple[Any, ...]) -> list[Any]:
        with self._lock:
            return self._database.execute(query, values).fetchall()


def there(
    paths: Iterable[Path], takes: Callable[[Path], bool] = lambda path: True
) -> tuple[dict[str, Stamp], list[SkippedLine]]:
    """The files in ``paths`` with their sizes and times, by their whole paths, and folders that cannot be read."""
    found: dict[str, Stamp] = {}
    unread: list[SkippedLine] = []
    for file in files(paths):
        if isinstance(file, SkippedLine):
            unread.append(file)
        elif takes(file) and (at := stamp(file)) is not None:
            found[str(file.resolve())] = at
    return found, unread


def stamp(path: Path) -> Stamp | None:
    """Size and time of a file, with those of what a database writes beside it; None if it is gone."""
    beside = path.with_name(f"{path.name}-wal")
    try:
        at = path.stat()
        more = beside.stat() if path.suffix in _DATABASES and beside.exists() else None
    except OSError:
        return None
    if more is None:
        return at.st_size, at.st_mtime_ns
    return at.st_size + more.st_size, max(at.st_mtime_ns, more.st_mtime_ns)


_DATABASES = (".db", ".sqlite", ".sqlite3")


def _read(work: list[WorkItem], jobs: int) -> Iterator[tuple[WorkItem, ReadLog]]:
    """Read the files, the largest first, in several processes if there is much."""
    ordered = sorted(work, key=lambda one: -one.size)
    much = len(work) > 1 and sum(one.size for one in work) >= MANY
    with _mapping(jobs if much else 1) as mapping:
        yield from zip(ordered, mapping(read_log, ordered), strict=True)


@contextmanager
def _mapping(jobs: int) -> Iterator[Callable[..., Iterable[Any]]]:
    if jobs == 1:
        yield map
        return
    with worker_pool(jobs) as pool:
        yield pool.map
