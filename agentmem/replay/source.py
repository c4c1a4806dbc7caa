"""Where a session's raw material is: small, so that many can be listed, sorted and sent to other processes."""

import bz2
import gzip
import io
import json
import lzma
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, Protocol

from agentmem.replay.session import RecordedSession, SkippedLine

BROKEN = (EOFError, OSError, lzma.LZMAError, zlib.error)
_PACKED: tuple[tuple[bytes, Any], ...] = ((b"\x1f\x8b", gzip), (b"\xfd7zXZ\x00", lzma), (b"BZh", bz2))
_MARKS: tuple[tuple[bytes, str], ...] = (
    (b"\xff\xfe\x00\x00", "utf-32-le"),
    (b"\x00\x00\xfe\xff", "utf-32-be"),
    (b"\xff\xfe", "utf-16-le"),
    (b"\xfe\xff", "utf-16-be"),
)
_UNMARKED: tuple[tuple[bytes, str], ...] = (  # how the first two characters stand, where both are plain: \0 or another
    (b"x000", "utf-32-le"),
    (b"000x", "utf-32-be"),
    (b"x0x0", "utf-16-le"),
    (b"0x0x", "utf-16-be"),
)
_SPACE = "\ufeff \t\r\n"


@dataclass(frozen=True, slots=True)
class LogLine:
    """One JSON value of a file; ``number`` is its line's, from 1, ``data`` the same as UTF-8."""

    number: int
    data: bytes
    value: Any


@dataclass(frozen=True, slots=True)
class TableNames:
    """The names of a database's tables: what tells whose it is."""

    names: frozenset[str]


def opened(path: Path) -> io.BufferedIOBase:
    """The file's bytes, unpacked if it begins as gzip, xz or bzip2 files do."""
    file = path.open("rb")
    start = file.peek(8)
    module = next((module for magic, module in _PACKED if start.startswith(magic)), None)
    if module is None:
        return file
    file.close()
    unpacked: io.BufferedIOBase = module.open(path, "rb")
    return unpacked


def lines(path: Path) -> Iterator[LogLine | SkippedLine]:
    """Every JSON object of ``path``, those of arrays too, or why there is none. Empty lines are nothing."""
    for one in values(path):
        if isinstance(one, SkippedLine) or isinstance(one.value, dict):
            yield one
        elif isinstance(one.value, list) and one.value and all(isinstance(part, dict) for part in one.value):
            yield from (LogLine(one.number, _bytes(part), part) for part in one.value)
        else:
            reason = f"a JSON object was expected, not {type(one.value).__name__}"
            yield SkippedLine(str(path), one.number, reason)


def values(path: Path) -> Iterator[LogLine | SkippedLine]:
    """Every JSON value of ``path``, or why there is none."""
    number = 0
    try:
        with _decoded(path) as file:
            found = ((number, text) for number, text in enumerate(file, start=1) if text.strip(_SPACE))
            first = next(found, None)
            if first is None:
                return
            number, text = first
            if _goes_on(text) and (whole := _whole(path, number)) is not None:
                yield from whole
                return
            for number, text in chain((first,), found):
                yield from _line(path, number, text)
    except BROKEN as error:
        yield SkippedLine(str(path), number + 1, f"the file cannot be read on from here: {error}")


def parsed(data: bytes) -> Any:
    """A JSON value, or a Skipped without a place that says in words what is wrong with it."""
    try:
        return _decode(data.decode("utf-8", "replace"))[0]
    except ValueError as error:
        return SkippedLine("", 0, f"no JSON: {error}")


def broken(data: bytes) -> str:
    """Why bytes are no JSON, as it is said of a line; "" if they are."""
    found = parsed(data.removesuffix(b"\n"))
    return found.reason if isinstance(found, SkippedLine) else ""


def _decoded(path: Path) -> io.TextIOWrapper:
    """The file as text. What is no character of its encoding is read as U+FFFD."""
    file: Any = opened(path)
    try:
        start: bytes = file.peek(4)[:4]
    except BaseException:
        file.close()
        raise
    return io.TextIOWrapper(file, _encoding(start), errors="replace", newline="\n")


def _encoding(start: bytes) -> str:
    marked = next((name for mark, name in _MARKS if start.startswith(mark)), None)
    shape = bytes(ord("x") if byte else ord("0") for byte in start)
    return marked or next((name for known, name in _UNMARKED if shape == known), "utf-8")


def _line(path: Path, number: int, text: str) -> Iterator[LogLine | SkippedLine]:
    """The values of one line, and what stands behind the last one that can be read."""
    at = _past_space(text, 0)
    while at < len(text):
        try:
            value, end = _decode(text, at)
        except ValueError as error:
            yield SkippedLine(str(path), number, f"no JSON: {error}")
            return
        yield LogLine(number, text[at:end].encode("utf-8", "replace"), value)
        at = _past_space(text, end)


def _goes_on(text: str) -> bool:
    """Whether a line is the beginning of a value that goes on in the next."""
    try:
        _decode(text, _past_space(text, 0))
    except ValueError:
        return text.lstrip(_SPACE)[:1] in ("{", "[")
    return False


def _whole(path: Path, number: int) -> list[LogLine | SkippedLine] | None:
    """The values of a file that are written over several lines; None where each line stands for itself after all."""
    with _decoded(path) as file:
        text = file.read()
    found: list[LogLine | SkippedLine] = []
    at = _past_space(text, 0)
    while at < len(text):
        try:
            value, end = _decode(text, at)
        except ValueError as error:
            inside = list(_elements(text, at)) if text[at] == "[" else []
            if not inside and any(map(_stands_alone, text[at:].split("\n")[1:])):
                return None
            found += [LogLine(number, _bytes(one), one) for one in inside]
            return [*found, SkippedLine(str(path), number, f"no JSON: {error}")]
        found.append(LogLine(number, text[at:end].encode("utf-8", "replace"), value))
        after = _past_space(text, end)
        number += text.count("\n", at, after)
        at = after
    return found


def _stands_alone(line: str) -> bool:
    return line[:1] in ("{", "[") and len(line) > 1 and not _goes_on(line)


def _elements(text: str, at: int) -> Iterator[Any]:
    """The objects of an array that is cut off, as far as they are whole."""
    while at < len(text):
        try:
            value, end = _decode(text, _past_space(text, at + 1))
        except ValueError:
            return
        if isinstance(value, dict):
            yield value
        at = _past_space(text, end)
        if text[at : at + 1] != ",":
            return


def _decode(text: str, at: int = 0) -> tuple[Any, int]:
    """The JSON value that begins at ``at``, and where it ends. Raises ValueError."""
    try:
        return _DECODER.raw_decode(text, at)
    except json.JSONDecodeError as error:
        raise ValueError(f"{error.msg.removesuffix(' at')} at character {error.pos + 1}") from error
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error


_DECODER = json.JSONDecoder(parse_constant=str)  # NaN and infinities are no JSON: they stay the words that they are


def _past_space(text: str, at: int) -> int:
    while at < len(text) and text[at] in _SPACE:
        at += 1
    return at


def _bytes(value: Any) -> bytes:
    return json.dumps(value).encode()


@dataclass(frozen=True, slots=True)
class RecordingSource:
    """``length`` bytes of ``file`` from ``start``, in one format; 0 is the whole file.

    ``path`` and ``line`` say where a person finds it; ``name`` is what the session is called there, if it has a name.
    """

    format: str
    path: str
    line: int
    file: str
    start: int = 0
    length: int = 0
    name: str = ""

    def data(self) -> bytes:
        """The raw bytes of a part of a file."""
        with Path(self.file).open("rb") as file:
            file.seek(self.start)
            return file.read(self.length)


class Spool:
    """A scratch file for sessions that come several to a packed file, so that each can be read by itself."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "sessions"
        self._end = 0

    def source(self, format: str, path: Path, line: int, data: bytes, name: str = "") -> RecordingSource:
        """Store one session's bytes."""
        with self._path.open("ab") as file:
            file.write(data)
        self._end += len(data)
        return RecordingSource(format, str(path), line, str(self._path), self._end - len(data), len(data), name)


class RecordingReader(Protocol):
    """One format of recording.

    ``accepts`` looks at the first object of a file. ``sources`` lists what is in the file; ``sessions`` reads one of
    them: each agent's conversation, and what could not be read of it.
    """

    name: str

    def accepts(self, first: Any) -> bool: ...

    def sources(self, path: Path, spool: Spool) -> Iterator[RecordingSource | SkippedLine]: ...

    def sessions(self, source: RecordingSource) -> Iterator[RecordedSession | SkippedLine]: ...


def spooled(format: str, path: Path, line: LogLine, spool: Spool) -> RecordingSource:
    """The source of one line that is a whole session."""
    stem = path.name.partition(".")[0]
    named = str(line.value.get("session") or line.value.get("sessionId") or f"{stem}/{line.number}")
    return spool.source(format, path, line.number, line.data, named)
