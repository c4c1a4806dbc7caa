"""`agentmem recall`: show the exact text that a run has seen, by reference or by a question."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from agentmem.cli.options import HERE, NO_RUNS, AsJson, Database, Workspace, journal, latest_first
from agentmem.cli.output import notices, print_document, print_json
from agentmem.errors import ConfigError, ThreadNotFound

if TYPE_CHECKING:
    from agentmem.recall.archive import LanceArchive
    from agentmem.transcript.journal import Journal
    from agentmem.types import Found


def recall(
    question: Annotated[str, typer.Argument(help="A question, or a reference such as main/12.")] = "",
    thread: Annotated[str | None, typer.Option("--thread", metavar="NAME", help="By default the latest run.")] = None,
    most: Annotated[int, typer.Option("--most", min=1, help="Passages to show.")] = 8,
    rebuild: Annotated[bool, typer.Option("--rebuild", help="Rebuild the archive from the runs.")] = False,
    workspace: Workspace = HERE,
    database: Database = None,
    json: AsJson = False,
) -> None:
    """Show what a run has seen: the exact text and its reference."""
    if not (question.strip() or rebuild):
        raise ConfigError("give a question, or a reference such as main/12, or --rebuild")
    with journal(workspace, database) as opened:
        if opened is None:
            raise ThreadNotFound(NO_RUNS)
        with archive(opened, workspace) as found:
            if rebuild:
                _rebuild(found)
            if question.strip():
                _show(_found(found, thread or _latest(opened), question.strip(), most), json)


@contextmanager
def archive(opened: "Journal", workspace: Path) -> "Iterator[LanceArchive]":
    """Opens the archive, with the default embedder and reranker if they are installed."""
    from agentmem.recall.archive import LanceArchive
    from agentmem.recall.embedder import MiniLM, available
    from agentmem.recall.reranker import default_reranker

    if lacking := available():
        notices().print(f"Searching by words alone: {lacking}", highlight=False)
    found = LanceArchive(opened, _place(workspace), None if lacking else MiniLM(), default_reranker())
    try:
        yield found
    finally:
        found.close()


def existing(opened: "Journal", workspace: Path) -> "LanceArchive | None":
    """The archive, or None if the workspace has none yet."""
    from agentmem.recall.archive import LanceArchive

    place = _place(workspace)
    return None if isinstance(place, Path) and not place.is_dir() else LanceArchive(opened, place)


def _place(workspace: Path) -> Path | str:
    """The archive named by the settings, else the workspace's own folder."""
    from agentmem.cli.trust import settings
    from agentmem.pages.names import HOME
    from agentmem.recall.archive import FOLDER

    return settings().archive or workspace / HOME / FOLDER


def _rebuild(found: "LanceArchive") -> None:
    with notices().status("Rebuilding the archive ..."):
        pieces = found.rebuild()
        found.settle()
    notices().print(f"Rebuilt the archive: {pieces:,} pieces.", highlight=False)


def _latest(opened: "Journal") -> str:
    threads = latest_first(opened)
    if not threads:
        raise ThreadNotFound(NO_RUNS)
    return threads[0].name


def _found(found: "LanceArchive", thread: str, what: str, most: int) -> "list[Found]":
    """The text of a reference, or the passages that fit a question."""
    from agentmem.errors import UnknownReference
    from agentmem.types import Found

    if found.journal.head(thread) < 0:
        raise ThreadNotFound(f"there is no run {thread!r} here: `agentmem runs` lists the runs")
    try:
        owner = what.rpartition("/")[0]
        known = thread if found.journal.head(owner) < 0 else owner
        return [Found(what, "exact", found.recall(known).exact(what))]
    except UnknownReference:
        return found.recall(thread).search(what, most)


def _show(passages: "list[Found]", json: bool) -> None:
    if json:
        print_json(
            {
                "schema": 1,
                "found": [{"reference": one.reference, "kind": one.kind, "text": one.excerpt} for one in passages],
            }
        )
        return
    for one in passages:
        notices().print(f"{one.reference}, {one.kind}:", style="bold", highlight=False)
        print_document(one.excerpt.rstrip("\n"))
    if not passages:
        notices().print("Nothing in this run fits. Try other words for the same thing.")
