"""A file of lines that is read on from its old end as it grows."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agentmem.replay.session import SkippedLine
from agentmem.replay.source import broken

_BUFFER = 1 << 20
_START = 512
"""Bytes at the beginning of a file by which it is known to be the same that has grown."""


class Unfit(Exception):
    """A log that is not read in this way: it is left to its format's own reader."""


def _given(line: bytes, parse: Callable[[bytes], Any], take: Callable[[dict[str, Any]], None]) -> bool:
    """Give the record on a line; False for a last line that is not whole yet. Raises Unfit."""
    try:
        record = parse(line)
    except ValueError as error:
        if not line.endswith(b"\n"):
            return False
        if not line.strip(b" \t\r\n"):
            return True
        raise Unfit("a line that is no JSON") from error
    if not isinstance(record, dict):
        raise Unfit("a line that is no record")
    take(record)
    return True


@dataclass(slots=True)
class GrowingFile:
    """``offset`` is the byte at which `read` goes on, ``lines`` stand before it, ``rest`` is a last line, cut."""

    path: Path
    offset: int = 0
    lines: int = 0
    rest: bytes = b""
    _known: tuple[int, bytes] = (0, b"")

    def read(self, parse: Callable[[bytes], Any], take: Callable[[dict[str, Any]], None]) -> None:
        """Give ``take`` each record that is new, as ``parse`` reads its line. A last line may not be whole yet.

        Raises Unfit where this is not the file that it was, or a line is no record, and OSError.
        """
        with self.path.open("rb", buffering=_BUFFER) as file:
            self._same(os.fstat(file.fileno()), file.read(_START))
            file.seek(self.offset)
            self.rest = b""
            for line in file:
                if not _given(line, parse, take):
                    self.rest = line
                    return
                self.offset, self.lines = self.offset + len(line), self.lines + 1

    def cut(self) -> list[SkippedLine]:
        """The last line, where it was cut."""
        return [SkippedLine(str(self.path), self.lines + 1, broken(self.rest))] if self.rest else []

    def _same(self, at: os.stat_result, start: bytes) -> None:
        number, known = self._known
        if self.offset and (number != at.st_ino or at.st_size < self.offset or not start.startswith(known)):
            raise Unfit("another file stands in its place")
        self._known = at.st_ino, start[: self.offset] if self.offset else start
