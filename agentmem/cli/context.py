"""`agentmem context`: what is in a conversation's window now, on one screen."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from agentmem.cli.options import HERE, AsJson, Database, Workspace, journal
from agentmem.cli.output import console, print_json
from agentmem.cli.sources import Project, Session, Since, choice, known_runs, loaded, location, name_skipped, runs_of

if TYPE_CHECKING:
    from rich.table import Table

    from agentmem.report.context import ContextNow
    from agentmem.report.loading import Observed

_BAR = 24


def context(
    source: Annotated[
        str | None,
        typer.Argument(metavar="[RUN|PATH]", help="A run's thread, or any agent's log. By default the latest run."),
    ] = None,
    since: Since = None,
    project: Project = None,
    session: Session = None,
    workspace: Workspace = HERE,
    database: Database = None,
    json: AsJson = False,
) -> None:
    """Show what is in the window now: by kind and page, the largest blocks, the room left, and what would leave.

    Of a file or folder with several conversations it is the one that went on last; --session names another.
    """
    from agentmem.report.context import context_now

    if path := location(source, _names(workspace, database)):
        observed, skipped = loaded(path, choice(since, project, session))
        name_skipped(skipped)
        latest = max(observed, key=lambda one: one.turns[-1].row.at if one.turns else 0.0)
    else:
        latest = _run(source, workspace, database)
    now = context_now(latest)
    basis = latest.turns[-1].row.usage.basis if latest.turns else "estimated"
    if json:
        print_json({"schema": 1, "basis": basis, **now.value()})
    else:
        _show(now, basis)


def _names(workspace: Path, database: str | None) -> list[str]:
    with journal(workspace, database) as opened:
        return known_runs(opened)


def _run(source: str | None, workspace: Path, database: str | None) -> "Observed":
    from agentmem.report.loading import load_run

    with runs_of(workspace, database, source) as (opened, names):
        return load_run(opened, source or names[0])


def _show(now: "ContextNow", basis: str) -> None:
    out = console()
    whole = now.tokens or 1
    out.print(f"{now.name}: {now.tokens:,} tokens in {len(now.blocks):,} blocks ({basis}){_room(now)}", highlight=False)
    kinds = _grid("kind", "tokens", "share", "")
    for kind, tokens in now.kinds().items():
        kinds.add_row(kind, f"{tokens:,}", f"{tokens / whole:.1%}", "█" * round(_BAR * tokens / whole))
    out.print(kinds)
    if leaving := now.leaving():
        named = ", ".join(f"{kind} {tokens:,}" for kind, tokens in leaving.items())
        out.print(f"A compaction now would take out {sum(leaving.values()):,} tokens: {named}.", highlight=False)
    if now.pages:
        pages = _grid("page", "tokens")
        for page, tokens in now.pages.items():
            pages.add_row(page, f"{tokens:,}")
        out.print(pages)
    largest = _grid("largest", "tokens", "kind", "")
    for one in now.largest():
        largest.add_row(f"block {one.place:,}", f"{one.tokens:,}", one.kind, one.name)
    out.print(largest)


def _room(now: "ContextNow") -> str:
    if now.limit is None:
        return ""
    return f"; {max(0, now.limit - now.tokens):,} more until {now.limit:,}, {now.limited_by}"


def _grid(*names: str) -> "Table":
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD)
    for at, name in enumerate(names):
        table.add_column(name, justify="right" if name in ("tokens", "share") else "left", no_wrap=at == 0)
    return table
