"""Recordings: what formats there are, and how files and folders of them are found and read, one session at a time."""

import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

from agentmem.errors import ConfigError
from agentmem.replay.formats.checkpoints import Checkpoints
from agentmem.replay.formats.claude_code import ClaudeCode
from agentmem.replay.formats.cline import Cline, is_beside
from agentmem.replay.formats.codex import Codex
from agentmem.replay.formats.foreign import foreign
from agentmem.replay.formats.gemini import Gemini
from agentmem.replay.formats.inspect_logs import Inspect
from agentmem.replay.formats.litellm import LiteLLM
from agentmem.replay.formats.message_list import MessageList
from agentmem.replay.formats.opencode import OpenCode
from agentmem.replay.formats.openhands import OpenHands
from agentmem.replay.formats.runs import Runs
from agentmem.replay.formats.spans import Spans
from agentmem.replay.formats.traces import KvCacheTrace, MooncakeTrace
from agentmem.replay.formats.usage_ledger import UsageLedger
from agentmem.replay.formats.wire_log import WireLog
from agentmem.replay.session import RecordedSession, SkippedLine
from agentmem.replay.source import BROKEN, LogLine, RecordingReader, RecordingSource, Spool, TableNames, opened, values

_READERS: tuple[RecordingReader, ...] = (
    MooncakeTrace(),
    KvCacheTrace(),
    WireLog(),
    LiteLLM(),
    UsageLedger(),
    Gemini(),
    ClaudeCode(),
    Codex(),
    OpenCode(),
    Cline(),
    OpenHands(),
    Spans(),
    Inspect(),
    MessageList(),
    Checkpoints(),
    Runs(),
)
FORMATS: dict[str, RecordingReader] = {reader.name: reader for reader in _READERS}
"""Every format by its name. The first that accepts a file's first object reads it."""

_NAMES = (".jsonl", ".json", ".ndjson", ".traj")
_PACKED = ("", ".xz", ".gz", ".bz2")
_ENDINGS = (*(name + packed for name in _NAMES for packed in _PACKED), ".db", ".sqlite", ".sqlite3", ".eval")
_LOGS = (".jsonl", ".ndjson", ".traj")
"""Endings of files that are nothing but recordings, so that one that cannot be read is named."""
_MAGIC = 16


def sources(
    paths: Iterable[Path], spool: Spool, takes: Callable[[Path], bool] = lambda path: True
) -> Iterator[RecordingSource | SkippedLine]:
    """Every session in ``paths``, files or folders, each file once; of folders those files that ``takes`` is true for.

    Raises ConfigError where there is no such file.
    """
    seen: set[Path] = set()
    for path in paths:
        if not path.exists():
            raise ConfigError(f"{path} does not exist: give a log file, or a folder such as ~/.claude/projects")
        for file in _files(path):
            if isinstance(file, SkippedLine):
                yield file
            elif (file == path or takes(file)) and (whole := file.resolve()) not in seen:
                seen.add(whole)
                yield from _guarded(file, _sources(file, spool, named=not path.is_dir()))


def files(paths: Iterable[Path]) -> Iterator[Path | SkippedLine]:
    """The files of ``paths`` that may be recordings, each once, and folders that cannot be read."""
    seen: set[Path] = set()
    for path in paths:
        for file in _files(path):
            if isinstance(file, SkippedLine):
                yield file
            elif (whole := file.resolve()) not in seen:
                seen.add(whole)
                yield file


def format_of(file: Path) -> str:
    """The format of a file that holds recordings; "" for one that holds none."""
    look = _look(file) if not is_beside(file) else _Look()
    return look.reader.name if look.reader else ""


def sessions(source: RecordingSource) -> Iterator[RecordedSession | SkippedLine]:
    """What a source holds."""
    return FORMATS[source.format].sessions(source)


def _files(path: Path) -> Iterator[Path | SkippedLine]:
    """The file itself, or all files in a folder that may be recordings, by name; and folders that cannot be read."""
    if not path.is_dir():
        yield path
        return
    closed: list[OSError] = []
    found = [Path(folder) / name for folder, _, names in os.walk(path, onerror=closed.append) for name in names]
    yield from (SkippedLine(str(one.filename), 0, f"the folder cannot be read: {one.strerror}") for one in closed)
    yield from sorted(file for file in found if file.name.endswith(_ENDINGS) and file.is_file())


def _sources(file: Path, spool: Spool, *, named: bool) -> Iterator[RecordingSource | SkippedLine]:
    """What one file holds. A file that holds no recording is reported where it was ``named`` or looks like one."""
    if not file.is_file():
        yield SkippedLine(str(file), 0, "neither a file nor a folder")
        return
    if is_beside(file):
        return
    look = _look(file)
    if look.reader is not None:
        yield from look.reader.sources(file, spool)
    elif named or look.report or any(ending in file.suffixes for ending in _LOGS):
        yield SkippedLine(str(file), 0, look.reason)


def _guarded(file: Path, found: Iterator[RecordingSource | SkippedLine]) -> Iterator[RecordingSource | SkippedLine]:
    """What is ``found``: whatever a stranger's file is like, the others are read."""
    try:
        yield from found
    except Exception as error:
        yield SkippedLine(str(file), 0, f"it cannot be read: {type(error).__name__}: {error}")


@dataclass(frozen=True, slots=True)
class _Look:
    """Who reads a file, or the ``reason`` why nobody does. ``report`` says so whatever the file is called."""

    reader: RecordingReader | None = None
    reason: str = ""
    report: bool = False


def _look(path: Path) -> _Look:
    """Who reads a file: the first who takes one of its values. The half of a line has no say if a whole one has."""
    kinds: dict[str, None] = {}
    ours, half = False, None
    try:
        for first, whole in _firsts(path):
            wrote = foreign(first) if whole else ""
            if wrote:
                return _Look(reason=f"not understood: {wrote}", report=True)
            found = next((reader for reader in FORMATS.values() if reader.accepts(first)), None)
            if found and whole:
                return _Look(found)
            half = half or found
            if isinstance(first, dict) and isinstance(first.get("type"), str):
                kinds[first["type"]] = None
                ours = ours or "sessionId" in first
    except BROKEN as error:
        return _Look(reason=f"the file cannot be read: {error}", report=True)
    return _Look(half) if half else _Look(reason=_reason(path, list(kinds), metadata=ours))


def _reason(path: Path, kinds: list[str], *, metadata: bool) -> str:
    some = ", ".join(kinds[:5])
    if not path.stat().st_size:
        return "the file is empty"
    if metadata:
        return f"only metadata, no request in it: {some}"
    known = f"no format that can be read; there are: {', '.join(FORMATS)}"
    return f"{known}; its objects are of type {some}" if some else known


def _tables(path: Path) -> Iterator[TableNames]:
    """The tables of a database; nothing if it cannot be opened, which the reader of journals says better."""
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as database:
            yield TableNames(frozenset(name for (name,) in database.execute("SELECT name FROM sqlite_master")))
    except sqlite3.Error:
        return


def _firsts(path: Path) -> Iterator[tuple[Any, bool]]:
    """What tells a format: the file's first bytes, then its values, those of lists by themselves too.

    Each with whether it is whole: of a line that was cut, what can be read may be the inside of something else.
    """
    with path.open("rb") as file:
        start = file.read(_MAGIC)
    if start.startswith(b"SQLite"):
        yield from ((names, True) for names in _tables(path))
    yield start, True
    with opened(path) as file:
        yield file.read(_MAGIC), True
    if path.suffix == ".db" or start.startswith(b"SQLite"):
        return
    for _, line in groupby(values(path), key=_line_of):
        found = list(line)
        whole = not any(isinstance(one, SkippedLine) for one in found)
        for one in found:
            if not isinstance(one, SkippedLine):
                yield one.value, whole
                yield from ((part, whole) for part in (one.value if isinstance(one.value, list) else ()))


def _line_of(one: LogLine | SkippedLine) -> int:
    return one.line if isinstance(one, SkippedLine) else one.number
