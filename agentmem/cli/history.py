"""`agentmem checkpoints`, `fork` and `rollback`: look at an earlier state of a run, and continue there."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from agentmem.cli.options import HERE, NO_RUNS, AsJson, Database, Workspace, journal
from agentmem.cli.output import confirm, console, notices, print_json
from agentmem.errors import ThreadNotFound

if TYPE_CHECKING:
    from agentmem.pages.snapshot import PageDifference
    from agentmem.runtime.history import History
    from agentmem.transcript.checkpoint import Checkpoint

_LISTED = 20  # pages that a sentence names

At = Annotated[str, typer.Argument(metavar="CHECKPOINT", help="A checkpoint, such as main@3.")]


def checkpoints(
    thread: Annotated[str, typer.Argument(help="The run's thread.")],
    mark: Annotated[str | None, typer.Option(metavar="LABEL", help="Take one now, under this label.")] = None,
    workspace: Workspace = HERE,
    database: Database = None,
    json: AsJson = False,
) -> None:
    """List the checkpoints of a run: where its conversation stood, and which pages had changed."""
    with _history(workspace, database) as history:
        found = history.checkpoints(thread)
        if mark is not None:
            history.mark(history.current(thread), mark)
            found = history.checkpoints(thread)
        lines = [_line(history, before, point) for before, point in zip([None, *found], found, strict=False)]
        goes_on_as = history.current(thread)
    if json:
        print_json({"schema": 1, "thread": thread, "goes_on_as": goes_on_as, "checkpoints": lines})
        return
    _show(lines)
    if goes_on_as != thread:
        notices().print(f"{thread} goes on as {goes_on_as}.", highlight=False)


def fork(
    checkpoint: At,
    to: Annotated[str | None, typer.Option(metavar="NAME", help="What to call the new thread.")] = None,
    into: Annotated[
        Path | None, typer.Option(metavar="DIR", help="A new folder that gets the pages as they were.")
    ] = None,
    workspace: Workspace = HERE,
    database: Database = None,
    json: AsJson = False,
) -> None:
    """Start a new thread from a run's checkpoint. The run itself stays as it is."""
    from agentmem.runtime.invocation import new_thread

    with _history(workspace, database) as history:
        name = history.fork(checkpoint, None, to or new_thread(), into)
        kept = history.storage.address
    if json:
        print_json({"schema": 1, "thread": name, "workspace": str(into) if into else None})
        return
    place = f" --workspace {into} --database {kept}" if into else ""
    notices().print(f"`agentmem run TASK --thread {name}{place}` goes on from there.", highlight=False)


def rollback(
    checkpoint: At,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    workspace: Workspace = HERE,
    database: Database = None,
    json: AsJson = False,
) -> None:
    """Bring a run and its pages back to a checkpoint. The state of now becomes a checkpoint too, so nothing is lost."""
    from agentmem.pages.snapshot import difference

    with _history(workspace, database) as history:
        point = history.find(checkpoint)
        change = difference(history.pages.take(), history.pages_at(point))
        if notices().is_terminal and console().is_terminal and not yes:
            notices().print(_sentence(change), highlight=False)
            confirm(f"Go back to {point.id}?", abort=True)
        origin = history.origin(point)
        name = history.rollback(point)
        undo = history.checkpoints(origin)[-1].id
    if json:
        print_json({"schema": 1, "thread": origin, "goes_on_as": name, "undo": undo, "pages": _counts(change)})
        return
    notices().print(_sentence(change), highlight=False)
    text = f"{origin} is as it was at {point.id}, and goes on as {name}. `agentmem rollback {undo}` undoes this."
    notices().print(text, highlight=False)


@contextmanager
def _history(workspace: Path, database: str | None) -> "Iterator[History]":
    from agentmem.runtime.history import History

    with journal(workspace, database) as opened:
        if opened is None:
            raise ThreadNotFound(NO_RUNS)
        yield History(opened, workspace)


def _line(history: "History", before: "Checkpoint | None", point: "Checkpoint") -> dict[str, Any]:
    """A checkpoint as it is printed, with the pages that changed since the checkpoint before."""
    from agentmem.pages.snapshot import difference

    known = before is not None and before.pages is not None
    was = history.pages_at(before) if known and before else {}
    now = history.pages_at(point) if point.pages else None
    return {
        "checkpoint": point.id,
        "entry": point.seq,
        "taken": point.taken,
        "label": point.label,
        "pages": None if now is None else len(now),
        "since": None if now is None or not known else _counts(difference(was, now)),
        "sandbox": point.sandbox,
    }


def _counts(change: "PageDifference") -> dict[str, list[str]]:
    return {"added": list(change.added), "changed": list(change.changed), "removed": list(change.removed)}


def _show(lines: list[dict[str, Any]]) -> None:
    from rich.table import Table

    table = Table("checkpoint", "entry", "taken", "what", "pages", "since the one before", box=None, pad_edge=False)
    for line in lines:
        taken = datetime.fromtimestamp(line["taken"]).astimezone().strftime("%Y-%m-%d %H:%M:%S")
        counts = line["since"] or {}
        since = ", ".join(f"{len(names)} {what}" for what, names in counts.items() if names)
        pages = "not kept" if line["pages"] is None else str(line["pages"])
        table.add_row(line["checkpoint"], str(line["entry"]), taken, line["label"], pages, since)
    console().print(table)


def _sentence(change: "PageDifference") -> str:
    """Tells what going back does to the pages."""
    parts = (("comes back", change.added), ("is changed back", change.changed), ("goes", change.removed))
    told = [f"{', '.join(names[:_LISTED])}{' ...' * (len(names) > _LISTED)} {verb}" for verb, names in parts if names]
    return f"Pages: {'; '.join(told)}." if told else "The pages are the same."
