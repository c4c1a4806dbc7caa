"""Reads one file for the index: a Claude Code log in its own quick way, any other by its format's reader."""

import signal
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any

from agentmem.meter.own_prices import OwnPrices, use
from agentmem.report.logs.columns import RequestColumns, add_row, unpacked
from agentmem.report.logs.listed import summed
from agentmem.report.logs.scanning import ResumePoint, Scanned, Unfit, scan

QUICK = "claude-code"
"""The format that `scan` reads."""
_START = 4096
"""Bytes at the beginning of a file by which it is known to be the same that has grown."""


@dataclass(frozen=True, slots=True)
class WorkItem:
    """A file to read. The rest is what was kept of it when it was shorter: nothing for one that is new."""

    path: str
    size: int
    time: int
    start: bytes = b""
    known_size: int = 0
    resume: Sequence[Any] = ()
    columns: bytes = b""

    @property
    def bytes(self) -> int:
        """The bytes that are new."""
        return self.size - self.known_size


@dataclass(frozen=True, slots=True)
class ReadLog:
    """What the index keeps of a file."""

    start: bytes
    sessions: list[dict[str, Any]]
    skipped: list[tuple[str, int, str]]
    identities: bytes
    resume: list[Any]
    columns: bytes


def begin(own: OwnPrices) -> None:
    """A worker counts by the same prices. Ctrl-C is for the process that the person started; it ends the workers."""
    use(own)
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def read_log(item: WorkItem) -> ReadLog:
    """All conversations of a file. Whatever a stranger's file is like, the others are read."""
    path = Path(item.path)
    try:
        start = _start_of(path, item.known_size or item.size)
        known = _known(item) if item.columns and start == item.start else None
        quick = _scanned(path, known)
        if quick is not None:
            point = quick.resume
            resume = [point.offset, point.requests, sorted(point.cut), quick.project]
            return _kept(quick.columns, _about(item.path, QUICK, quick.project), _start_of(path, item.size), resume)
        return _by_reader(path, item)
    except Exception as error:
        return ReadLog(b"", [], [(item.path, 0, f"it cannot be read: {type(error).__name__}: {error}")], b"", [], b"")


def _scanned(path: Path, known: Scanned | None) -> Scanned | None:
    from agentmem.replay.recordings import format_of

    if known is None and format_of(path) != QUICK:
        return None
    try:
        return scan(path, known)
    except Unfit:
        return None


def _known(item: WorkItem) -> Scanned:
    offset, requests, cut, project = item.resume
    return Scanned(unpacked(item.columns), ResumePoint(offset, requests, frozenset(cut)), project)


def _start_of(path: Path, size: int) -> bytes:
    """A hash of the beginning of a file, of which it had ``size`` bytes."""
    with path.open("rb") as file:
        return blake2b(file.read(min(size, _START)), digest_size=16).digest()


def _by_reader(path: Path, item: WorkItem) -> ReadLog:
    """What the reader of the file's format gives, turn by turn."""
    from agentmem.replay.session import SkippedLine
    from agentmem.report.loading import load_paths

    columns, skipped, form = RequestColumns(), list[tuple[str, int, str]](), ""
    for one in load_paths([path]):
        if isinstance(one, SkippedLine):
            skipped.append((one.path, one.line, one.reason))
            continue
        form = one.format
        of_agent = "/agent-" in one.name
        for row in one.rows:
            add_row(columns, (one.name, of_agent), row)
    about = _about(item.path, form, "")
    return _kept(columns, {**about, "redo_estimated": False}, b"", [], skipped)


def _about(path: str, form: str, project: str) -> dict[str, Any]:
    return {"path": path, "format": form, "project": project or Path(path).parent.name, "redo_estimated": True}


def _kept(
    columns: RequestColumns,
    about: dict[str, Any],
    start: bytes,
    resume: list[Any],
    skipped: Sequence[tuple[str, int, str]] = (),
) -> ReadLog:
    sessions = [one.kept() for one in summed(columns, about)]
    return ReadLog(start, sessions, list(skipped), columns["identity"].tobytes(), resume, columns.packed())
