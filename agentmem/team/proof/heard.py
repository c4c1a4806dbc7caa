"""What the judge hears of the code besides its answers: its output, warnings and log, and what it changes around it.

The subject runs it by itself, without the rest of agentmem.
"""

import io
import logging
import os
import sys
import warnings
from collections.abc import Callable
from os import environ, getcwd
from typing import Any

_ATTRIBUTES = {*logging.LogRecord("", 0, "", 0, "", (), None).__dict__, "message", "asctime"}
"""What a record has without ``extra``: a handler's text and time are among it."""

# Bound by their names here, so that a test may put others in their places.

_PRINTED = 1 << 18  # characters of output that are kept for one answer
_NOTED = 200  # warnings and log records that are kept for one answer


class HeardOfCode:
    """What came since the last answer. ``described`` writes a class as it crosses."""

    def __init__(self, described: Callable[[type], Any]) -> None:
        self.described = described
        self.out, self.err = io.StringIO(), io.StringIO()
        self.noted: list[list[Any]] = []
        self.around = surroundings()

    def install(self) -> None:
        """Hear of this process from now on."""
        sys.stdout, sys.stderr = self.out, self.err
        warnings.simplefilter("always")
        warnings.showwarning = self.warned
        logging.getLogger().addHandler(Noting(self))
        logging.getLogger().setLevel(1)
        _ask_by_rights()

    def taken(self) -> list[Any] | None:
        """What came, and no more; None for nothing."""
        if (now := surroundings(self.around)) is not self.around:
            self.noted += [["changed", name] for name, was in self.around.items() if now[name] != was]
            self.around = now
        out, err, noted = self.out.getvalue()[:_PRINTED], self.err.getvalue()[:_PRINTED], self.noted[:_NOTED]
        if not (out or err or noted):
            return None
        for one in (self.out, self.err):
            one.seek(0)
            one.truncate()
        self.noted = []
        return [out, err, noted]

    def warned(self, message: Warning | str, category: type[Warning], *_: Any, **__: Any) -> None:
        self.noted.append(["warning", self.described(category), str(message)])

    def logged(self, record: logging.LogRecord) -> bool:
        if len(self.noted) < _NOTED:
            more = bool(record.exc_info or record.stack_info or record.__dict__.keys() - _ATTRIBUTES)
            self.noted.append(["log", record.name, record.levelno, record.getMessage(), more])
        return True


def _ask_by_rights() -> None:
    """Let ``os.access`` say what this process may do, as for a test: by itself it asks for who started it, who has
    a user of its own here, and none of the rights by which it reads the tests' temporary files."""
    real = os.access
    if real not in os.supports_effective_ids:
        return

    def access(path: Any, mode: int, **named: Any) -> bool:
        return real(path, mode, **{**named, "effective_ids": True})

    os.access = access
    for group in (os.supports_effective_ids, os.supports_dir_fd, os.supports_follow_symlinks):
        if real in group:
            group.add(access)


def reading(text: str | None) -> io.TextIOWrapper:
    """What stands in the place of sys.stdin, with a text of the tests'."""
    data = (text or "").encode("utf-8", "surrogateescape")
    return io.TextIOWrapper(io.BytesIO(data), encoding="utf-8", errors="surrogateescape", newline="\n")


class Noting(logging.Handler):
    """Lets what is logged be heard."""

    def __init__(self, heard: HeardOfCode) -> None:
        super().__init__()
        self._heard = heard

    def emit(self, record: logging.LogRecord) -> None:
        self._heard.logged(record)


def said(error: BaseException) -> str:
    """The text of an error; of one that cannot tell, none."""
    try:
        return str(error)[:10_000]
    except Exception:
        return ""


def surroundings(before: dict[str, Any] | None = None) -> dict[str, Any]:
    """The folder that the process is in, and its environment; ``before`` itself where that is how they still are."""
    data = environ._data  # type: ignore[attr-defined]  # quicker than by its items
    try:
        folder = getcwd()  # noqa: PTH109  # it may not be there
    except OSError:
        folder = ""
    if before is not None and before["folder"] == folder and before["environment"] == data:
        return before
    return {"folder": folder, "environment": dict(data)}
