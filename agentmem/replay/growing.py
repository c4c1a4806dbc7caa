"""A file of lines that is read on from its old end as it grows."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

_BUFFER = 1 << 20
_START = 512
"""Bytes at the beginning of a file by which it is known to be the same that has grown."""


class Unfit(Exception):
    """A log that is not read in this way: it is left to its format's own reader."""


@dataclass(slots=True)
class GrowingFile:
    """``offset`` is the byte at which `read` goes on, ``lines`` stand before it, ``rest`` is a last line, cut."""

    path: Path
    offset: int = 0
    lines: int = 0
    rest: bytes = b""
    _known: tuple[int, bytes] = (0, b"")

    def read(self, take: Callable[[bytes], bool]) -> None:
        """Give ``take`` each line that is new; it says whether it took it, which a line without an end need not be.

        Raises Unfit where this is not the file that it was, and OSError.
        """
        with self.path.open("rb", buffering=_BUFFER) as file:
            self._same(os.fstat(file.fileno()), file.read(_START))
            file.seek(self.offset)
            self.rest = b""
            for line in file:
                if not take(line):
                    self.rest = line
                    return
                self.offset, self.lines = self.offset + len(line), self.lines + 1

    def _same(self, at: os.stat_result, start: bytes) -> None:
        number, known = self._known
        if self.offset and (number != at.st_ino or at.st_size < self.offset or not start.startswith(known)):
            raise Unfit("another file stands in its place")
        self._known = at.st_ino, start[: self.offset] if self.offset else start
