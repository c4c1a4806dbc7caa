"""`agentmem runs`, `agentmem report` and `agentmem forget`: list, report on and delete earlier runs."""

from collections.abc import Iterator
from os import getpid
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from agentmem.cli import answers, recall
from agentmem.cli.options import HERE, NO_RUNS, AsJson, Database, Workspace, journal, latest_first
from agentmem.cli.output import confirm, console, notices, print_json
from agentmem.cli.sources import Project, Session, Since, choice, known_runs, loaded, location, name_skipped, no_run
from agentmem.errors import ConfigError, ThreadNotFound
from agentmem.transcript.delegates import below, top

if TYPE_CHECKING:
    from agentmem.meter.ledger import Row
    from agentmem.report.loading import Choice
    from agentmem.transcript.journal import Journal, ThreadInfo


READING = "Reading the ledger ..."

ROLES = ("coder", "tester")
"""The roles of a team: each works on a thread of its own, NAME.ROLE."""


def runs(workspace: Workspace = HERE, database: Database = None, json: AsJson = False) -> None:
    """List the runs of a workspace, the latest first."""
    from agentmem.meter.tables import show_runs

    with journal(workspace, database) as opened, notices().status(READING):
        listed = [_line(opened, thread) for thread in latest_first(opened)] if opened else []
    if json:
        print_json({"schema": 1, "runs": listed})
    elif listed:
        show_runs([(line["run"], line) for line in listed], console())
    else:
        notices().print(NO_RUNS, highlight=False)


Source = Annotated[
    str | None,
    typer.Argument(
        metavar="[RUN|PATH]", help="A run, a team's work, or any agent's log or folder. By default the latest run."
    ),
]


def report(
    run: Source = None,
    every: Annotated[bool, typer.Option("--all", help="Report on all runs together.")] = False,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write the report as one HTML page, too.")
    ] = None,
    browse: Annotated[bool, typer.Option("--open", help="Show that page in the browser.")] = False,
    since: Since = None,
    project: Project = None,
    session: Session = None,
    workspace: Workspace = HERE,
    database: Database = None,
    json: AsJson = False,
) -> None:
    """Show what a run used: input to output, cache hits, tokens processed again, dollars with and without the cache.

    With -o, also write it as a page that works offline: what each turn's context was made of, what was cached, where
    the cache was lost and why, and the dollars beside the least possible. A wire log can be any agent's: compactions
    of LangChain and deepagents are known by their marks and counted as cuts.
    """
    from agentmem.meter.report import report as reported
    from agentmem.report.data import collect

    if browse and not output:
        raise ConfigError("--open shows the page that -o writes: give it a file, as in `-o report.html --open`")
    with journal(workspace, database) as opened, notices().status(READING):
        if path := location(run, known_runs(opened)):
            return _report_path(path, choice(since, project, session), output, browse, json)
        if not opened and run is not None:
            raise no_run(run)
        if not opened:
            raise ThreadNotFound(f"{NO_RUNS} To see another agent's logs, name their file or folder.")
        named, chosen = _chosen(opened, run, every)
        rows = [row for name in reversed(chosen) for row in _rows(opened, name)]
        page = collect(opened, tuple(reversed(chosen)), answers.with_hits(workspace)) if output else None
    _tell(reported(rows, named), json)
    if output and page is not None:
        write_page(page, output, browse)
    return None


def _report_path(path: Path, chosen: "Choice", output: Path | None, browse: bool, json: bool) -> None:
    """The report on a file or folder of any agent's logs."""
    from agentmem.report.data import collect_observed
    from agentmem.report.summing import FROM_USAGE, report_on

    observed, skipped = loaded(path, chosen, rows_only=output is None)
    named = observed[0].name if len(observed) == 1 else str(path)
    made = report_on(observed, named)
    lines = [{"path": one.path, "line": one.line, "reason": one.reason} for one in skipped]
    if not json:
        name_skipped(skipped)
        for reason in made["unknown"]:
            notices().print(f"Unknown here: {reason}.", highlight=False)
        if made["redo_basis"] == "estimated":
            notices().print(f"Estimated: {FROM_USAGE}.", highlight=False)
    _tell({**made, "sessions": len(observed), "skipped": lines}, json)
    if output:
        write_page(collect_observed(observed, named), output, browse)


def _tell(made: dict[str, Any], json: bool) -> None:
    """The figures: before the page is made, which may fail, as where the extra that draws it is missing."""
    from agentmem.meter.tables import show

    if json:
        print_json(made)
    else:
        show(made, console())


def forget(
    thread: Annotated[str, typer.Argument(help="The thread to delete.")],
    with_forks: Annotated[bool, typer.Option("--with-forks", help="Delete the threads that begin in it too.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    workspace: Workspace = HERE,
    database: Database = None,
) -> None:
    """Delete a thread for good: transcript, ledger, checkpoints, plan and archive. Pages stay as they are."""
    from agentmem.runtime import history

    with journal(workspace, database) as opened:
        if opened is None:
            raise ThreadNotFound(NO_RUNS)
        if notices().is_terminal and console().is_terminal and not yes:
            confirm(f"Delete {thread} for good?", abort=True)
        entries = history.forget(
            opened, workspace, thread, with_forks=with_forks, archive=recall.existing(opened, workspace)
        )
    notices().print(f"Forgot {thread}: {entries:,} entries.", highlight=False)


def write_page(data: dict[str, Any], output: Path, browse: bool = False) -> None:
    """Write the whole page, or leave the old file as it was; ``browse`` shows it."""
    from agentmem.report.page import page

    text = page(data)
    draft = output.with_name(f".{output.name}.{getpid()}")
    try:
        draft.write_text(text, encoding="utf-8", newline="\n")
        draft.replace(output)
    finally:
        draft.unlink(missing_ok=True)
    notices().print(f"The page is {output}.", highlight=False)
    if browse:
        _browse(output)


def _browse(output: Path) -> None:
    import webbrowser

    if not webbrowser.open(output.resolve().as_uri()):
        notices().print("No browser could be started here: open that file yourself.", highlight=False)


def _chosen(opened: "Journal", run: str | None, every: bool) -> tuple[str | None, list[str]]:
    """The name of the run to report on (None for all) and its threads, the latest first. Raises ThreadNotFound."""
    names = [thread.name for thread in latest_first(opened)]
    if not names:
        raise no_run(run) if run is not None else ThreadNotFound(NO_RUNS)
    if every and (run is None or _threads(run, names)):
        return None, names
    named = run or _team_of(top(names[0], names), names)
    if not (chosen := _threads(named, names)):
        raise no_run(named)
    return named, chosen


def _threads(named: str, names: list[str]) -> list[str]:
    """The thread of that name, or the threads of a team's roles, each after its delegates: they are read backwards."""
    roles = [f"{named}.{role}" for role in reversed(ROLES)]
    own = [named] if named in names else [role for role in roles if role in names]
    return [one for work in own for one in (*below(names, work), work)]


def _team_of(name: str, names: list[str]) -> str:
    """The name of the team's work that a role's thread belongs to, or else the thread's own."""
    work, _, role = name.rpartition(".")
    return work if role in ROLES and all(f"{work}.{one}" in names for one in ROLES) else name


def _rows(opened: "Journal", thread: str) -> "Iterator[Row]":
    from agentmem.meter.ledger import rows

    return rows(opened, thread)


def _line(opened: "Journal", thread: "ThreadInfo") -> dict[str, Any]:
    from agentmem.meter.report import summarise

    about = {"run": thread.name, "created": thread.created, "updated": thread.updated, "entries": thread.head + 1}
    origin = f"{thread.parent[0]}/{thread.parent[1]}" if thread.parent else None
    return {**about, "parent": origin, **summarise(_rows(opened, thread.name))}
