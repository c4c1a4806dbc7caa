"""Recordings: what formats there are, and how files and folders of them are found and read, one session at a time."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from agentmem.errors import ConfigError
from agentmem.replay.formats.claude_code import ClaudeCode
from agentmem.replay.formats.message_list import MessageList
from agentmem.replay.formats.runs import Runs
from agentmem.replay.formats.usage_ledger import UsageLedger
from agentmem.replay.formats.wire_log import WireLog
from agentmem.replay.lines import lines, opened
from agentmem.replay.session import Session, Skipped
from agentmem.replay.source import Reader, Source, Spool

FORMATS: dict[str, Reader] = {
    reader.name: reader for reader in (WireLog(), UsageLedger(), ClaudeCode(), MessageList(), Runs())
}
"""Every format by its name. The first that accepts a file's first object reads it."""

_ENDINGS = (".jsonl", ".jsonl.xz", ".jsonl.gz", ".json", ".json.xz", ".json.gz", ".db")
_MAGIC = 16
_LOOK = 50  # lines that are tried before a file counts as unreadable


def sources(paths: Iterable[Path], spool: Spool) -> Iterator[Source | Skipped]:
    """Every session in ``paths``, files or folders. Raises ConfigError where there is no such file."""
    for path in paths:
        if not path.exists():
            raise ConfigError(f"{path} does not exist: give a log file, or a folder such as ~/.claude/projects")
        for file in _files(path):
            reader = _reader(file)
            if reader is not None:
                yield from reader.sources(file, spool)
            elif path.is_file() or ".jsonl" in file.suffixes:
                yield Skipped(str(file), 0, f"no format that can be read; there are: {', '.join(FORMATS)}")


def sessions(source: Source) -> Iterator[Session | Skipped]:
    """What a source holds."""
    return FORMATS[source.format].sessions(source)


def _files(path: Path) -> Iterator[Path]:
    """The file itself, or all files in a folder that may be recordings, by name."""
    if path.is_file():
        yield path
        return
    yield from sorted(file for file in path.rglob("*") if file.is_file() and file.name.endswith(_ENDINGS))


def _reader(path: Path) -> Reader | None:
    for first in _firsts(path):
        found = next((reader for reader in FORMATS.values() if reader.accepts(first)), None)
        if found:
            return found
    return None


def _firsts(path: Path) -> Iterator[Any]:
    """What tells a format: the file's first bytes, its first lines as objects, or the document it is."""
    try:
        with opened(path) as file:
            yield file.read(_MAGIC)
    except (OSError, EOFError, ValueError):
        return
    if path.name.removesuffix(path.suffix).endswith(".jsonl") or path.suffix == ".jsonl":
        for number, line in enumerate(lines(path)):
            if not isinstance(line, Skipped):
                yield line.value
            if number > _LOOK:
                return
    elif path.suffix != ".db":
        yield from _document(path)


def _document(path: Path) -> Iterator[Any]:
    try:
        with opened(path) as file:
            yield json.load(file)
    except (OSError, EOFError, ValueError, RecursionError):
        for number, line in enumerate(lines(path)):
            if not isinstance(line, Skipped):
                yield line.value
            if number > _LOOK:
                return
