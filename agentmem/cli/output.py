"""What commands print: results on stdout, everything else on stderr, secrets nowhere.

All that is printed goes through here, for a terminal obeys what models and files say. Control characters are shown as
escapes; only a document that is not printed on a terminal keeps its own.
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
    """Shows control characters of whatever it is given: strings before they are measured, the rest as it is drawn.

    Brackets and colons in a text are that text: markup must be asked for where the text is our own.
    """

    def __init__(self, *, stderr: bool = False) -> None:
        super().__init__(stderr=stderr, markup=False, emoji=False)

    def render_str(self, text: str, **settings: Any) -> Text:
        return super().render_str(visible(text), **settings)

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        for segment in super().render(renderable, options):
            yield segment if segment.control else segment._replace(text=visible(segment.text))


def console() -> "Console":
    """For results."""

    return Terminal()


def notices() -> "Console":
    """For progress and remarks, so that a pipe gets results only."""

    return Terminal(stderr=True)


def complain(text: str) -> None:
    """Print an error's paragraph."""
    typer.echo(visible(f"agentmem: {scrub(text)}"), err=True)


def confirm(question: str, *, abort: bool = False) -> bool:
    """Ask on stderr."""
    return typer.confirm(visible(question), abort=abort, err=True)


def print_line(text: str) -> None:
    """Print a line, or several, of ours that may name what others named."""
    typer.echo(visible(text))


def print_document(text: str, *, nl: bool = True) -> None:
    """Print a text of somebody else's: as it is into a file or a pipe, safely on a terminal."""
    typer.echo(visible(text) if sys.stdout.isatty() else text, nl=nl, color=True)  # else Typer drops escapes


def print_json(value: object) -> None:
    """Print one JSON document. Escapes what the terminal's encoding lacks."""
    typer.echo(_json(value, indent=2))


def print_json_line(value: object) -> None:
    """Print one JSON document as a line, at once: for a stream of them."""
    typer.echo(_json(value))
    sys.stdout.flush()


def _json(value: object, indent: int | None = None) -> str:
    return visible_json(json.dumps(value, ensure_ascii=_plain(), indent=indent, allow_nan=False))


def _plain() -> bool:
    return not (sys.stdout.encoding or "").lower().startswith("utf")


def print_bytes(data: bytes) -> None:
    """Print exactly these bytes, but on a terminal."""
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
    """Where nobody set up logging, Python prints warnings: let it show control characters too."""
    if logging.lastResort:
        logging.lastResort.setFormatter(_Shown())
