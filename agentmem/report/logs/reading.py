"""Reads one file for the index: a Claude Code log in its own quick way, any other by its format's reader."""

import json
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agentmem.replay.growing import Unfit
from agentmem.report.logs.columns import RequestColumns, add_row
from agentmem.report.logs.listed import RedoBasis, summed
from agentmem.report.logs.quick import QuickReading, scanned

if TYPE_CHECKING:
    from agentmem.replay.session import SkippedLine
    from agentmem.report.loading import Observed

QUICK = "claude-code"
"""The format that `QuickReading` reads."""
Skips = Sequence[tuple[str, int, str]]


@dataclass(frozen=True, slots=True)
class WorkItem:
    """A file to read, as it was seen: its size and time."""

    path: str
    size: int
    time: int


@dataclass(frozen=True, slots=True)
class ReadLog:
    """What the index keeps of a file. ``rows`` are a ledger's, as bytes, where a format's own reader made them."""

    sessions: list[dict[str, Any]]
    skipped: list[tuple[str, int, str]]
    identities: bytes = b""
    columns: bytes = b""
    rows: bytes = b""


def read_log(item: WorkItem) -> ReadLog:
    """All conversations of a file. Whatever a stranger's file is like, the others are read."""
    path = Path(item.path)
    try:
        return _read(path)
    except Exception as error:
        return ReadLog([], [(item.path, 0, f"it cannot be read: {type(error).__name__}: {error}")])


def _read(path: Path) -> ReadLog:
    quick = begun(path)
    try:
        return by_reader(path) if quick is None else taken(quick)
    except Unfit:
        return by_reader(path)


def begun(path: Path) -> QuickReading | None:
    """A log that is read in the quick way, as far as it goes; None for any other."""
    from agentmem.replay.recordings import format_of

    if format_of(path) != QUICK:
        return None
    try:
        return scanned(path)
    except Unfit:
        return None


def taken(reading: QuickReading) -> ReadLog:
    """What was read of a log so far. Raises Unfit."""
    from agentmem.replay.formats.claude_code import NO_REQUEST

    file, columns = reading.log.file, reading.columns()
    path = str(file.path)
    skipped = [(one.path, one.line, one.reason) for one in file.cut()]
    if not len(columns):
        skipped.append((path, 0, NO_REQUEST))
    return _kept(columns, _about(path, QUICK, reading.log.project, "estimated"), skipped)


def by_reader(path: Path) -> ReadLog:
    """What the reader of the file's format gives, turn by turn."""
    from agentmem.report.loading import load_paths

    return of_observed(path, load_paths([path]))


def of_observed(path: Path, found: "Iterable[Observed | SkippedLine]") -> ReadLog:
    """What the index keeps of conversations that were read with their texts."""
    from agentmem.replay.session import SkippedLine
    from agentmem.report.logs.rows import kept_rows

    columns, skipped, rows = RequestColumns(), list[tuple[str, int, str]](), list[dict[str, Any]]()
    form, text = "", True
    for one in found:
        if isinstance(one, SkippedLine):
            skipped.append((one.path, one.line, one.reason))
            continue
        form, text = one.format, text and one.text
        rows.append(kept_rows(one))
        for row in one.rows:
            add_row(columns, (one.name, "/agent-" in one.name), row, text=one.text)
    about = _about(str(path), form, "", "measured" if text else "unknown")
    return _kept(columns, about, skipped, zlib.compress(json.dumps(rows).encode(), 1) if rows else b"")


def _about(path: str, form: str, project: str, redo_basis: RedoBasis) -> dict[str, Any]:
    return {"path": path, "format": form, "project": project or Path(path).parent.name, "redo_basis": redo_basis}


def _kept(columns: RequestColumns, about: dict[str, Any], skipped: Skips, rows: bytes = b"") -> ReadLog:
    sessions = [one.kept() for one in summed(columns, about)]
    return ReadLog(sessions, list(skipped), columns["identity"].tobytes(), columns.packed(), rows)
