"""What commands print: results on stdout, everything else on stderr, secrets nowhere."""

import json
import sys
from typing import TYPE_CHECKING

import typer

from agentmem.scrub import scrub

if TYPE_CHECKING:
    from rich.console import Console


def console() -> "Console":
    """For results."""
    from rich.console import Console

    return Console()


def notices() -> "Console":
    """For progress and remarks, so that a pipe gets results only."""
    from rich.console import Console

    return Console(stderr=True)


def complain(text: str) -> None:
    """Print an error's paragraph."""
    typer.echo(f"agentmem: {scrub(text)}", err=True)


def print_json(value: object) -> None:
    """Print one JSON document. Escapes what the terminal's encoding lacks."""
    typer.echo(json.dumps(value, ensure_ascii=_plain(), indent=2, allow_nan=False))


def print_json_line(value: object) -> None:
    """Print one JSON document as a line, at once: for a stream of them."""
    typer.echo(json.dumps(value, ensure_ascii=_plain(), allow_nan=False))
    sys.stdout.flush()


def _plain() -> bool:
    return not (sys.stdout.encoding or "").lower().startswith("utf")


def print_bytes(data: bytes) -> None:
    """Print exactly these bytes."""
    sys.stdout.flush()
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()
