"""`agentmem logs`: every session in people's logs, by day and project, with tokens, dollars, hit rate and redo."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from agentmem.cli.options import AsJson
from agentmem.cli.output import console, notices, print_json
from agentmem.cli.sources import Project, Session, Since, choice, existing, log_index, name_skipped
from agentmem.errors import ConfigError

if TYPE_CHECKING:
    from agentmem.replay.session import SkippedLine
    from agentmem.report.loading import Choice
    from agentmem.report.logs.listed import LoggedSession

_SHOWN = 30
"""Lines of each table; `--json` has all."""


def logs(
    paths: Annotated[list[Path], typer.Argument(metavar="PATH...", help="Logs, or folders of them.")],
    since: Since = None,
    project: Project = None,
    session: Session = None,
    json: AsJson = False,
) -> None:
    """List the sessions in logs: by day, by project, and one by one, the latest first.

    Logs are read once; a file that did not change is not opened again. What was processed again is estimated from what
    the logs report where they are Claude Code's; `agentmem report FILE` counts it in a session's text.
    """
    from agentmem.report.logs.listed import LoggedSession, totals

    chosen = choice(since, project, session)
    found = list(_found(existing(paths), chosen))
    sessions = [one for one in found if isinstance(one, LoggedSession) and chosen.takes_session(one.name)]
    skipped = tuple(one for one in found if not isinstance(one, LoggedSession))
    if not sessions:
        from agentmem.report.loading import nothing_in

        raise ConfigError(nothing_in(paths[0], skipped))
    sessions.sort(key=lambda one: -one.ended)
    if json:
        lines = [{"path": one.path, "line": one.line, "reason": one.reason} for one in skipped]
        listed = [one.value() for one in sessions]
        print_json({"schema": 1, "basis": None, **totals(sessions), "sessions": listed, "skipped": lines})
        return
    _show(sessions, totals(sessions))
    name_skipped(skipped)


def _found(paths: list[Path], chosen: "Choice") -> "Iterator[LoggedSession | SkippedLine]":
    with log_index() as index, notices().status("Reading the logs ..."):
        yield from index.load(paths, since=chosen.since, takes=chosen.takes_file)


def _show(sessions: "list[LoggedSession]", whole: dict[str, Any]) -> None:
    out = console()
    _print("day", [(one["day"], one) for one in reversed(whole["by_day"])])
    if len(whole["by_project"]) > 1:
        dearest = sorted(whole["by_project"], key=lambda one: -(one["cost_usd"] or 0.0))
        _print("project", [(one["project"], one) for one in dearest])
    _print(
        "session", [(f"{datetime.fromtimestamp(one.ended):%m-%d %H:%M} {one.name}", one.value()) for one in sessions]
    )
    _print("", [("all", whole)])
    if whole["unpriced"]:
        named = ", ".join(f"{one['model']} ({one['requests']:,})" for one in whole["unpriced"])
        out.print(f"Without a price: {named}.", highlight=False)


def _print(first: str, lines: list[tuple[str, dict[str, Any]]]) -> None:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    from agentmem.meter.tables import count, dollars, share

    table = Table(box=box.SIMPLE_HEAD)
    table.add_column(first, overflow="fold")
    for name in ("requests", "input", "output", "hit rate", "redo", "cost"):
        table.add_column(name, justify="right", no_wrap=True)
    for label, one in lines[:_SHOWN]:
        sums = count(one["requests"]), count(one["input_tokens"]), count(one["output_tokens"])
        table.add_row(Text(label), *sums, share(one["hit_rate"]), share(one["redo_share"]), dollars(one["cost_usd"]))
    if len(lines) > _SHOWN:
        table.add_row(Text(f"and {len(lines) - _SHOWN:,} more"), *[""] * 6)
    console().print(table)
