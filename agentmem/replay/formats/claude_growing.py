"""A Claude Code log that is read on from its old end as it grows, and faster than line by line as text.

It reads plain logs: UTF-8, a record on each line. Anything else is `Unfit`, and read by `ClaudeCode`, which gives the
same conversations.
"""

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from agentmem.kvcache.frames import Make, frame
from agentmem.replay.formats.claude_code import ClaudeReading
from agentmem.replay.formats.claude_conversation import Malformed

_BUFFER = 1 << 20
_START = 512
"""Bytes at the beginning of a file by which it is known to be the same that has grown."""


class Unfit(Exception):
    """A log that is not read in this way."""


@dataclass(slots=True)
class GrowingLog:
    """A log while it is read, and while it grows. ``make`` makes the frames of its blocks.

    ``offset`` is the byte at which `read` goes on, ``lines`` are before it, ``rest`` is a last line that is not whole.
    ``project`` is the folder that its agent worked in ("" if it does not say).
    """

    path: Path
    make: Make = frame
    offset: int = 0
    lines: int = 0
    rest: bytes = b""
    project: str = ""
    reading: ClaudeReading = field(init=False)
    _file: tuple[int, bytes] = (0, b"")

    def __post_init__(self) -> None:
        self.reading = ClaudeReading(self.make)

    def read(self) -> None:
        """Take all whole lines that are new. Raises Unfit, also where this is not the file that it was, and OSError."""
        with self.path.open("rb", buffering=_BUFFER) as file:
            self._same(os.fstat(file.fileno()), file.read(_START))
            file.seek(self.offset)
            self.rest = b""
            for line in file:
                if not self._take(line):
                    self.rest = line
                    return
                self.offset, self.lines = self.offset + len(line), self.lines + 1

    def _same(self, at: os.stat_result, start: bytes) -> None:
        number, known = self._file
        if self.offset and (number != at.st_ino or at.st_size < self.offset or not start.startswith(known)):
            raise Unfit("another file stands in its place")
        self._file = at.st_ino, start[: self.offset] if self.offset else start

    def _take(self, line: bytes) -> bool:
        """Take a line; False for a last one that is not whole yet."""
        try:
            record = orjson.loads(line)
        except orjson.JSONDecodeError as error:
            if not line.endswith(b"\n"):
                return False
            if not line.strip(b" \t\r\n"):
                return True
            raise Unfit("a line that is no JSON") from error
        if not isinstance(record, dict) or "type" not in record:
            raise Unfit("a line that is no record")
        try:
            self.reading.add(record)
        except Malformed as error:
            raise Unfit(str(error)) from error
        self._note(record)
        return True

    def _note(self, record: dict[str, Any]) -> None:
        if not self.project and record["type"] == "assistant":
            self.project = str(record.get("cwd") or "")
