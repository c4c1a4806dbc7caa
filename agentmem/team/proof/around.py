"""What a test changes around the code: environment, folder, arguments, and what can be read are brought to it.

The judge runs it by itself, without the rest of agentmem.
"""

import io
import logging
import os
import sys
from os import getcwd
from typing import Any

from agentmem.team.proof.reasons import Marks

_OWN = frozenset({"PYTEST_CURRENT_TEST", "PYTEST_VERSION"})


class Around:
    """What is around the tests, as the code was told last. ``stdin`` is what pytest has put there for the test."""

    def __init__(self, marks: Marks) -> None:
        self.marks, self.stdin = marks, sys.stdin
        self._read: dict[Any, Any] | None = None
        self.environment, self.folder = self._environment(), getcwd()  # noqa: PTH109  # pathlib follows links
        self.started = self.folder
        self.arguments = list(map(str, sys.argv))
        self._given: Any = None

    def changed(self) -> list[Any] | None:
        """What has changed since the last request: variables that are set, those that are gone, folder, arguments, and
        the text that stands in the place of sys.stdin now, "" and None for none."""
        given = sys.stdin if _memory_of(sys.stdin) is not None else None
        same = given is self._given
        if sys.stdin is not self.stdin:
            self.marks.doubt("unknown", "what a test puts in the place of sys.stdin")
        now, before, folder, was = self._environment(), self.environment, getcwd(), self.folder  # noqa: PTH109
        said = arguments if (arguments := list(map(str, sys.argv))) != self.arguments else None
        if now == before and folder == was and said is None and same:
            return None
        put = {name: value for name, value in now.items() if before.get(name) != value}
        gone = [name for name in before if name not in now]
        self.marks.moved = True
        self.environment, self.folder, self.arguments, self._given = now, folder, arguments, given
        return [put, gone, folder if folder != was else None, said, *([] if same else [_text_of(given)])]

    def log(self, name: str, level: int, text: str, more: bool) -> None:
        """What the code has logged comes out here too."""
        if more:
            self.marks.doubt("special", "what else a record of the log holds")
        if (logger := logging.getLogger(name)).isEnabledFor(level):
            logger.handle(logger.makeRecord(name, level, "", 0, text, (), None))

    def time_zone(self) -> str | None:
        """The zone that the environment names now."""
        return os.environ.get("TZ")

    def _environment(self) -> dict[str, str]:
        """The environment but for pytest's own; it is read anew only where something in it has changed."""
        data = getattr(os.environ, "_data", None)  # quicker than by its items
        if data is not None and data == self._read:
            return self.environment
        self._read = None if data is None else dict(data)
        return {name: value for name, value in os.environ.items() if name not in _OWN}


def _memory_of(given: Any) -> io.StringIO | io.BytesIO | None:
    """Where the text lies that can be read of something in memory; None for what reads anything else."""
    buffer = given.buffer if isinstance(given, io.TextIOWrapper) else given
    return buffer if isinstance(buffer, io.StringIO | io.BytesIO) else None


def _text_of(given: Any) -> str | None:
    """What can still be read of a text in memory; None for nothing that is one."""
    memory = _memory_of(given)
    if isinstance(memory, io.StringIO):
        return io.StringIO.getvalue(memory)[io.StringIO.tell(memory) :]
    if memory is None:
        return None
    return io.BytesIO.getvalue(memory)[io.BytesIO.tell(memory) :].decode("utf-8", "surrogateescape")
