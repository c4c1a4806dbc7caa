"""`agentmem route` and `agentmem where`: what routing would save, and where every token ran."""

from collections.abc import Iterator
from os import getpid
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from agentmem.cli.options import HERE, NO_RUNS, AsJson, Database, Workspace, journal, latest_first
from agentmem.cli.output import console, notices, print_json, print_line
from agentmem.cli.sources import no_run
from agentmem.errors import ConfigError, ThreadNotFound

if TYPE_CHECKING:
    from agentmem.meter.ledger import Row
    from agentmem.routing.routes import Routes
    from agentmem.routing.shadow import ShadowTotal

route = typer.Typer(help="Say what routing would have cost.", invoke_without_command=True)

_NARROW = {
    "requests": "n",
    "input": "in",
    "output": "out",
    "dollars": "$",
    "if it stayed": "stayed $",
    "seconds": "s",
    "cache lost by moves": "lost",
}
"""Headings of the table of `agentmem where` on a terminal."""
_MOST = 20
"""The requests listed by `agentmem where`; `--json` and the page have all."""


@route.callback()
def routed(
    context: typer.Context,
    replay: Annotated[
        list[Path] | None, typer.Option("--replay", metavar="LOGS", help="Logs or folders; may be given again.")
    ] = None,
    own: Annotated[bool, typer.Option("--own", help="This workspace's own ledger instead.")] = False,
    ratio: Annotated[
        list[float] | None, typer.Option("--ratio", min=0.001, help="A small model's price over the large one's.")
    ] = None,
    workspace: Workspace = HERE,
    database: Database = None,
    json: AsJson = False,
) -> None:
    """Shadow mode: route the requests of logs, or of one's own ledger, again, and print the dollars. Nothing is sent.

    The rules are those of agentmem.toml; without rules there, or with --ratio, sub-tasks and long conversations may go
    to a small model at .06, .2, .33 and .6 times the price, and what can wait to a batch.
    """
    if context.invoked_subcommand:
        return
    if not replay and not own:
        raise ConfigError("say what is routed again: --replay LOGS, or --own for this workspace's ledger")
    with notices().status("Routing again ..."):
        rows, skipped = _read(replay or [], workspace, database, own=own)
        totals = list(_totals(rows, ratio or (), _routes()))
    if json:
        print_json({"schema": 1, "basis": "simulated", "runs": [_json(*one) for one in totals], "skipped": skipped})
    else:
        _show(totals)
        for one in skipped[:5]:
            notices().print(f"{one['path']} line {one['line']} was passed over: {one['reason']}", highlight=False)


@route.command()
def tune(
    labels: Annotated[
        Path, typer.Argument(exists=True, dir_okay=False, help="CSV: question, small, large (right/wrong), subject.")
    ],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="The router to write.")],
    worse: Annotated[float, typer.Option("--worse", min=0.0, max=1.0, help="The share that may be lost.")] = 0.02,
    sure: Annotated[float, typer.Option("--sure", min=0.5, max=0.9999, help="How sure that is to be.")] = 0.95,
    json: AsJson = False,
) -> None:
    """Tune a router by difficulty on labelled questions, with a certificate of what the small model may lose.

    A third of the questions is held out for the certificate. Set `difficulty = "FILE"` below [routing] to use it.
    """
    from dataclasses import asdict

    from agentmem.recall.embedder import MiniLM
    from agentmem.routing.certified import read_labels
    from agentmem.routing.certified import tune as tuned

    with notices().status("Comparing questions ..."):
        router, found = tuned(read_labels(labels), MiniLM(), worse, sure)
        router.save(output)
    if json:
        print_json({"schema": 1, "basis": "measured", "router": str(output), **asdict(found)})
        return
    print_line(
        f"{found.small:.1%} of questions go to the small model, and at most {found.worse:.2%} are answered worse "
        f"than by the large one, at {sure:.0%} (on {found.held:,} questions that nothing was fitted to)."
    )
    print_line(
        f"Right: {found.right:.1%} with routing, {found.large:.1%} with the large model alone, {found.only_small:.1%} "
        f"with the small one alone. The router is {output}."
    )


def where(
    run: Annotated[
        str | None, typer.Argument(metavar="RUN|LOG", help="A run's thread, or a log. By default all.")
    ] = None,
    request: Annotated[
        int | None, typer.Option("--why", metavar="N", help="Say why request N ran where it did.")
    ] = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write a page, too.")] = None,
    workspace: Workspace = HERE,
    database: Database = None,
    json: AsJson = False,
) -> None:
    """Show where every token of a run ran, by label and tier, and why."""
    from agentmem.routing import where as placing

    found = placing.where(_rows_of(run, workspace, database), run)
    if request is not None and not 0 <= request < len(found["requests"]):
        raise ConfigError(f"there is no request {request}: the run has {len(found['requests'])}, counted from 0")
    if output:
        draft = output.with_name(f".{output.name}.{getpid()}")
        try:
            draft.write_text(placing.page(found), encoding="utf-8")
            draft.replace(output)
        finally:
            draft.unlink(missing_ok=True)
        notices().print(f"The page is {output}.", highlight=False)
    if json:
        print_json(found)
    elif request is not None:
        print_line(placing.why(found, request))
    else:
        _show_where(found)


def _routes() -> "Routes | None":
    from agentmem.cli.trust import settings
    from agentmem.routing.routes import routes_of

    made = settings()
    return routes_of(made.route, made.targets, made.privacy, made.routing)


def _read(
    paths: list[Path], workspace: Path, database: str | None, *, own: bool
) -> "tuple[list[Row], list[dict[str, Any]]]":
    from agentmem.replay.routed import recorded_rows

    rows, skipped = recorded_rows(paths)
    rows += _rows_of(None, workspace, database) if own else []
    if not rows:
        raise ConfigError("no request with usage was found there, so there is nothing to route")
    told = [{"path": one.path, "line": one.line, "reason": one.reason} for one in skipped]
    return sorted(rows, key=lambda row: row.at), told


def _rows_of(run: str | None, workspace: Path, database: str | None) -> "list[Row]":
    from agentmem.meter.ledger import rows
    from agentmem.replay.routed import recorded_rows

    if run is not None and Path(run).exists():
        return recorded_rows([Path(run)])[0]
    with journal(workspace, database) as opened:
        names = [thread.name for thread in latest_first(opened)] if opened else []
        if run is None and not names:
            raise ThreadNotFound(NO_RUNS)
        chosen = [name for name in names if run is None or name == run or name.startswith(f"{run}.")]
        if opened is None or not chosen:
            raise no_run(str(run))
        return sorted((row for name in chosen for row in rows(opened, name)), key=lambda row: row.at)


def _totals(
    rows: "list[Row]", ratios: "tuple[float, ...] | list[float]", routes: "Routes | None"
) -> "Iterator[tuple[str, ShadowTotal]]":
    from agentmem.routing.planning import RATIOS, tables_at, tables_of
    from agentmem.routing.shadow import compare

    if routes is not None and not ratios:
        yield "agentmem.toml", compare(rows, tables_of(routes))[0]
        return
    for ratio in ratios or RATIOS:
        yield f"{ratio:g}", compare(rows, tables_at(ratio))[0]


def _json(name: str, total: "ShadowTotal") -> dict[str, Any]:
    from dataclasses import asdict

    return {"prices": name, **asdict(total), "share": total.share}


def _show(totals: "list[tuple[str, ShadowTotal]]") -> None:
    from rich.table import Table

    table = Table("prices", box=None, header_style="bold", padding=(0, 1, 0, 0))
    for name in ("n", "moves", "staying", "routed", "share", "blind", "talks", "dearer", "at most"):
        table.add_column(name, justify="right")
    for name, one in totals:
        share = "" if one.share is None else f"{one.share:.1%}"
        dollars = (f"${one.stay_usd:,.2f}", f"${one.routed_usd:,.2f}", share, f"${one.naive_usd:,.2f}")
        rest = (f"{one.conversations:,}", f"{one.above:,}", f"${one.worst_usd:.3f}")
        table.add_row(name, f"{one.requests:,}", f"{one.moves:,}", *dollars, *rest)
    console().print(table)
    console().print(
        "Staying is what was billed. `blind` is a router with the same rules that does not ask what a warm cache is "
        "worth; `dearer` counts conversations that routing makes dearer, `at most` by how much. Dollars say nothing of "
        "how well a small model answers.",
        highlight=False,
        soft_wrap=True,
    )


def _show_where(found: dict[str, Any]) -> None:
    from rich.table import Table

    from agentmem.routing.where import COLUMNS, cells

    table = Table("label", "tier", box=None, header_style="bold", padding=(0, 1, 0, 0))
    table.add_column("target", overflow="fold", min_width=20)
    for name, _, _ in COLUMNS:
        table.add_column(_NARROW.get(name, name), justify="right")
    for one in found["groups"]:
        table.add_row(one["label"], one["tier"], one["target"], *cells(one))
    table.add_row("all", "", "", *cells(found["total"]), style="bold")
    console().print(table)
    moved = [one for one in found["requests"] if one["why"] and (one["lost_tokens"] or one["request"] == 0)]
    for one in moved[:_MOST]:
        console().print(f"request {one['request']} of {one['thread']}: {one['why']}", highlight=False, soft_wrap=True)
