"""What the judge hears of the code besides its answers: its output, warnings and log, and what it changes around it.

The subject runs it by itself, without the rest of agentmem.
"""

import io
import logging
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
