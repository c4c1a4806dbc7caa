"""Prints for the commands: results on stdout, everything else on stderr, secrets nowhere.

All output goes through here, because a terminal obeys control characters, and models and files may contain them. They
are shown as escapes. Only a document that goes to a file or a pipe keeps them.
"""

import json
import logging
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import typer
from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.text import Text

from agentmem.scrub import scrub
from agentmem.visible import visible, visible_json

if TYPE_CHECKING:
    from rich.console import Console


class Terminal(Console):
    """A console that shows control characters as escapes: in strings before their width is measured, else when drawn.

    Brackets and colons are plain text here. Turn on ``markup`` only for texts of our own.
    """

    def __init__(self, *, stderr: bool = False) -> None:
        super().__init__(stderr=stderr, markup=False, emoji=False)

    def render_str(self, text: str, **settings: Any) -> Text:
        return super().render_str(visible(text), **settings)

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        for segment in super().render(renderable, options):
            yield segment if segment.control else segment._replace(text=visible(segment.text))


def console() -> "Console":
    """The console for results, on stdout."""

    return Terminal()


def notices() -> "Console":
    """The console for progress and remarks, on stderr, so that a pipe gets results only."""

    return Terminal(stderr=True)


def complain(text: str) -> None:
    """Print an error's paragraph."""
    typer.echo(visible(f"agentmem: {scrub(text)}"), err=True)


def confirm(question: str, *, abort: bool = False) -> bool:
    """Ask a yes-or-no question on stderr. ``abort``: end the command on a no."""
    return typer.confirm(visible(question), abort=abort, err=True)


def print_line(text: str) -> None:
    """Print one or more lines of our own; names of others in them are made visible."""
    typer.echo(visible(text))


def print_document(text: str, *, nl: bool = True) -> None:
    """Print a text that others wrote: as it is into a file or a pipe, with visible control characters on a terminal."""
    typer.echo(visible(text) if sys.stdout.isatty() else text, nl=nl, color=True)  # else Typer drops escapes


def print_json(value: object) -> None:
    """Print one JSON document. Characters that the terminal's encoding lacks are escaped."""
    typer.echo(_json(value, indent=2))


def print_json_line(value: object, *, err: bool = False) -> None:
    """Print one JSON document as one line, and flush: for a stream of documents. ``err``: on stderr."""
    typer.echo(_json(value), err=err)
    sys.stdout.flush()


def _json(value: object, indent: int | None = None) -> str:
    return visible_json(json.dumps(value, ensure_ascii=_plain(), indent=indent, allow_nan=False))


def _plain() -> bool:
    return not (sys.stdout.encoding or "").lower().startswith("utf")


def print_bytes(data: bytes) -> None:
    """Print exactly these bytes; on a terminal, print them as a document."""
    sys.stdout.flush()
    if sys.stdout.isatty():
        print_document(data.decode(errors="replace"))
    else:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()


class _Shown(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return visible(super().format(record))


def log_visibly() -> None:
    """Make control characters visible in the warnings that Python prints if nobody set up logging."""
    if logging.lastResort:
        logging.lastResort.setFormatter(_Shown())
