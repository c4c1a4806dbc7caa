"""Holds the options that several commands share, and finds the database of a workspace's runs."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from agentmem.transcript.journal import Journal, ThreadInfo

Workspace = Annotated[
    Path, typer.Option("--workspace", "-w", metavar="DIR", help="The folder of pages that the agent works on.")
]
Database = Annotated[
    str | None,
    typer.Option(
        "--database",
        metavar="FILE|URL",
        help="Where runs are kept: a file or a postgresql:// URL. By default .agentmem/agentmem.db in the workspace.",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Shell = Annotated[bool, typer.Option("--shell", help="Offer the tool that runs shell commands.")]
Pins = Annotated[
    list[str] | None, typer.Option("--pin", metavar="PAGE", help="A page that stands in the prefix. May be repeated.")
]
Model = Annotated[
    str | None,
    typer.Option("--model", "-m", metavar="NAME", help="For example anthropic:claude-sonnet-5-5, openai:..., local."),
]
HERE = Path()
NO_RUNS = "No runs are kept here yet. Start one with `agentmem run TASK --workspace DIR`."


def database(workspace: Path, given: str | None) -> str | Path:
    """The database named by the option, else by the settings, else the workspace's own."""
    from agentmem.cli.trust import settings

    return given or settings().database or workspace / ".agentmem" / "agentmem.db"


@contextmanager
def journal(workspace: Path, given: str | None) -> "Iterator[Journal | None]":
    """Open the journal to read from it, or give None if there is none yet. Nothing is created."""
    from agentmem.transcript.journal import open_journal

    url = database(workspace, given)
    if missing_file(url):
        yield None
        return
    with open_journal(url) as opened:
        yield opened


def missing_file(url: str | Path) -> Path | None:
    """The file of a database that is one and is not there yet; to open it would make it."""
    from agentmem.transcript.storage import locate

    address = locate(url)
    file = Path(address.target) if address.kind == "sqlite" else None
    return file if file and not file.exists() else None


def latest_first(opened: "Journal") -> "list[ThreadInfo]":
    """The threads, the latest first. Of threads written in the same instant, the newer thread comes first."""
    dated = ((thread.updated, place, thread) for place, thread in enumerate(opened.threads()))
    return [thread for *_, thread in sorted(dated, reverse=True)]
