"""The list of all sessions in folders of logs, read once: a file that did not change is not opened again.

    with LogIndex(user_cache / "sessions.db") as index:
        for one in index.load([Path("~/.claude/projects").expanduser()]):
            print(one.name, one.sums.input, one.sums.usd)

It is a cache, by a file's path, size and time: it may be deleted at any moment. A log of Claude Code that has only
grown is read on from its old end. It holds numbers and names, no text of a conversation, and only its
owner may read it.
"""

import json
import os
import sqlite3
import time
from array import array
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from agentmem.closing import Closing
from agentmem.meter.own_prices import in_use
from agentmem.meter.price_table import table_name
from agentmem.replay.recordings import files
from agentmem.replay.session import SkippedLine
from agentmem.report.cache_file import open_cache
from agentmem.report.logs.columns import unpacked
from agentmem.report.logs.listed import LoggedSession, read_kept, summed
from agentmem.report.logs.reading import ReadLog, WorkItem, begin, read_log

VERSION = 1
"""The version of what is kept. Another one's is read anew."""
MANY = 32 * 1024 * 1024
"""Bytes to read from which on a second process is worth its start."""
MOST_JOBS = 4
_TABLE = """
CREATE TABLE IF NOT EXISTS logs (
    path TEXT PRIMARY KEY, key TEXT, size INTEGER, time INTEGER, start BLOB,
    sessions TEXT, skipped TEXT, identities BLOB, resume TEXT, columns BLOB
) WITHOUT ROWID
"""
_LIGHT = "SELECT path, key, size, time, sessions, skipped, identities FROM logs"
_WHOLE = "SELECT start, size, resume, columns FROM logs WHERE path = ? AND key = ?"
_KEEP = "INSERT OR REPLACE INTO logs VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"

Heard = Callable[[int, int], None]
"""Hears how far reading is: bytes read, and bytes to read."""


def silent(done: int, whole: int) -> None:
    """Progress that nobody looks at."""


@dataclass(frozen=True, slots=True)
class _Known:
    """What the index has of a file, without its columns."""

    sessions: str
    skipped: str
    identities: bytes


class LogIndex(Closing):
    """An index in a database at ``path``. One that is damaged is made anew. ``jobs`` processes read what is new."""

    def __init__(self, path: Path, jobs: int = 0) -> None:
        self._jobs = jobs or min(MOST_JOBS, os.cpu_count() or 1)
        self._key = f"{VERSION} {table_name()} {in_use().digest} {'/'.join(time.tzname)}"
        self._database = open_cache(path, _TABLE)

    def close(self) -> None:
        """Close the database."""
        self._database.close()

    def load(
        self,
        paths: Iterable[Path],
        *,
        since: float = 0.0,
        takes: Callable[[Path], bool] = lambda path: True,
        heard: Heard = silent,
    ) -> Iterator[LoggedSession | SkippedLine]:
        """Every conversation in ``paths``, files or folders, in the order of the files, and what could not be read.

        Of folders those files that ``takes`` is true for; requests from ``since`` on, in seconds since the epoch. A
        reply that stands in several logs counts where it is first met. Raises ConfigError if there is no such file.
        """
        chosen, unread = _chosen(paths, takes)
        yield from unread
        known = self._refreshed(chosen, heard)
        seen: set[int] = set()
        for path in chosen:
            if (one := known.get(path)) is not None:
                yield from self._of(path, one, since, seen)

    def _of(self, path: str, one: _Known, since: float, seen: set[int]) -> Iterator[LoggedSession | SkippedLine]:
        """A file's conversations, as they were added up, unless some of it does not count."""
        own = array("Q")
        own.frombytes(one.identities)
        yield from (SkippedLine(*line) for line in json.loads(one.skipped))
        sessions = [read_kept(value) for value in json.loads(one.sessions)]
        if seen.isdisjoint(own) and all(each.started >= since for each in sessions):
            yield from sessions
        elif any(each.ended >= since for each in sessions):
            yield from self._recounted(path, sessions[0], since, seen)
        seen.update(own)
        seen.discard(0)

    def _recounted(self, path: str, first: LoggedSession, since: float, seen: set[int]) -> Iterator[LoggedSession]:
        found = self._database.execute(_WHOLE, (path, self._key)).fetchone()
        about: dict[str, Any] = {"path": path, "format": first.format, "project": first.project}
        about |= {"redo_estimated": first.redo_estimated}
        if found is not None:
            yield from summed(unpacked(found[3]), about, since=since, seen=seen)

    def _refreshed(self, chosen: dict[str, os.stat_result], heard: Heard) -> dict[str, _Known]:
        """What the index has of the files, after what is new was read."""
        known: dict[str, _Known] = {}
        for path, key, size, changed, *rest in self._database.execute(_LIGHT):
            at = chosen.get(path)
            if at is not None and (key, size, changed) == (self._key, at.st_size, at.st_mtime_ns):
                known[path] = _Known(*rest)
        work = [self._item(path, at) for path, at in chosen.items() if path not in known]
        whole, done = sum(one.bytes for one in work), 0
        for item, read in _read(work, self._jobs, whole):
            known[item.path] = self._keep(item, read)
            done += item.bytes
            heard(done, whole)
        with suppress(sqlite3.Error):
            self._database.commit()
        return known

    def _item(self, path: str, at: os.stat_result) -> WorkItem:
        """What to read of a file: all of it, or what it has grown by."""
        found = self._database.execute(_WHOLE, (path, self._key)).fetchone()
        if found is None or not found[2] or found[1] >= at.st_size:
            return WorkItem(path, at.st_size, at.st_mtime_ns)
        start, size, resume, columns = found
        return WorkItem(path, at.st_size, at.st_mtime_ns, start, size, json.loads(resume), columns)

    def _keep(self, item: WorkItem, read: ReadLog) -> _Known:
        known = _Known(json.dumps(read.sessions), json.dumps(read.skipped), read.identities)
        resume = json.dumps(read.resume) if read.resume else ""
        values = (item.path, self._key, item.size, item.time, read.start)
        with suppress(sqlite3.Error):  # a full disk costs the next opening time, and nothing else
            self._database.execute(
                _KEEP, (*values, known.sessions, known.skipped, known.identities, resume, read.columns)
            )
        return known


def _chosen(
    paths: Iterable[Path], takes: Callable[[Path], bool]
) -> tuple[dict[str, os.stat_result], list[SkippedLine]]:
    """The files with their sizes and times, by their whole paths, and folders that cannot be read."""
    found: dict[str, os.stat_result] = {}
    unread: list[SkippedLine] = []
    for file in files(paths):
        if isinstance(file, SkippedLine):
            unread.append(file)
        elif takes(file):
            with suppress(OSError):  # it was there a moment ago
                found[str(file.resolve())] = file.stat()
    return found, unread


def _read(work: list[WorkItem], jobs: int, whole: int) -> Iterator[tuple[WorkItem, ReadLog]]:
    """Read the files, the largest first, in several processes if there is much."""
    ordered = sorted(work, key=lambda one: -one.bytes)
    with _mapping(jobs if whole >= MANY and len(work) > 1 else 1) as mapping:
        yield from zip(ordered, mapping(read_log, ordered), strict=True)


@contextmanager
def _mapping(jobs: int) -> Iterator[Callable[..., Iterable[Any]]]:
    if jobs == 1:
        yield map
        return
    with ProcessPoolExecutor(jobs, get_context("spawn"), begin, (in_use(),)) as pool:
        try:
            yield pool.map
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
