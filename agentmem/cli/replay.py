"""`agentmem replay`: show what recorded sessions cost, and what another context policy would have cost."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from agentmem.cli.options import AsJson
from agentmem.cli.output import console, notices, print_json
from agentmem.cli.trust import count_prices
from agentmem.errors import ConfigError

if TYPE_CHECKING:
    from agentmem.replay.parallel import ReplayPlan, ReplayProgress
    from agentmem.types import Ttl

BUDGET = 120_000
CHAIN = 1_000_000
DEFAULT = ("recorded", "append-only", "sliding", "agentmem")

USD = "dollars"
"""The format of a column of dollars, with as many digits as are useful."""

_Columns = tuple[tuple[str, str, str], ...]

_TABLES: tuple[_Columns, ...] = (
    (
        ("requests", "requests", "{:,}"),
        ("cost", "cost_usd", USD),
        ("to act", "dollars_to_act_usd", USD),
        ("floor", "floor_usd", USD),
        ("excess", "excess", "{:.3f}"),
        ("in : out", "ratio", "{:,.0f}"),
    ),
    (
        ("cache hits", "hit_rate", "{:.1%}"),
        ("again", "redo_share", "{:.1%}"),
        ("breaks", "breaks", "{:,}"),
        ("cuts", "cuts", "{:,}"),
        ("expired", "expiries", "{:,}"),
        ("peak", "peak_context_tokens", "{:,}"),
    ),
    (
        ("far calls", "calls_far", "{:,}"),
        ("callable", "callable_far", "{:.1%}"),
        ("with old lines", "calls_old_lines_far", "{:,}"),
        ("callable", "old_lines_far", "{:.1%}"),
        ("when near", "callable_near", "{:.1%}"),
    ),
    (
        ("names needed", "needed", "{:,}"),
        ("names in view", "visible", "{:.1%}"),
        ("with their line", "visible_line", "{:.1%}"),
        ("reachable", "reachable", "{:.1%}"),
        ("when near", "visible_near", "{:.1%}"),
    ),
)
"""The columns of each table: heading, key and format."""
_FULL = 2
"""Of the others, a table is left out if no policy has anything in its first column."""
_MOST = 20
"""The number of sessions listed, the most expensive first; `--json` has all."""
_BESIDE = 4
"""The number of policies shown beside a session's bill; `--json` has all."""
_TWO_COUNTS = (
    "billed: tokens as the provider counted them; all other rows count the text here, so recorded differs a little"
)


def replay(
    paths: Annotated[list[Path], typer.Argument(metavar="PATH...", help="Logs, or folders of them.")],
    policy: Annotated[
        list[str] | None,
        typer.Option("--policy", "-p", metavar="NAME", help="A context policy; may be given again, or 'all'."),
    ] = None,
    provider: Annotated[str, typer.Option(help="Whose cache rules and prices.")] = "anthropic",
    model: Annotated[str | None, typer.Option(help="By default each request's own.")] = None,
    budget: Annotated[int, typer.Option(min=1_000, help="The most tokens a request may have.")] = BUDGET,
    chain: Annotated[int, typer.Option(min=0, help="Join sessions up to this many tokens; 0: not at all.")] = CHAIN,
    ttl: Annotated[str | None, typer.Option(help="5m or 1h for all; by default as recorded.")] = None,
    verify: Annotated[bool, typer.Option("--verify", help="Predict what the provider reported, and compare.")] = False,
    fidelity: Annotated[bool, typer.Option("--fidelity", help="What is still in view after 1, 3 and 10 cuts.")] = False,
    jobs: Annotated[int, typer.Option(min=0, help="Processes; 0: one for each core.")] = 0,
    json: AsJson = False,
) -> None:
    """Replay recorded sessions: Claude Code's logs, wire logs, lists of messages, ledgers, our own runs, traces."""
    from agentmem.replay.parallel import ReplayPlan, replay_all, verify_all

    count_prices()
    if verify and fidelity:
        raise ConfigError("--verify and --fidelity are two different questions: ask one of them")
    names = tuple(dict.fromkeys(_chosen(policy, fidelity=fidelity)))
    plan = ReplayPlan(tuple(paths), names, provider, model, budget, chain, _lifetime(ttl), jobs)
    if fidelity:
        _fidelity(plan, json=json)
        return
    made = _followed(verify_all if verify else replay_all, plan)
    if json:
        print_json(made)
    elif verify:
        _show_verification(made)
    else:
        _show(made)


def _lifetime(given: str | None) -> "Ttl | None":
    lifetimes: dict[str | None, Ttl | None] = {None: None, "5m": "5m", "1h": "1h"}
    if given in lifetimes:
        return lifetimes[given]
    raise ConfigError(f"--ttl is 5m or 1h, and {given!r} is neither")


def _fidelity(plan: "ReplayPlan", *, json: bool) -> None:
    from agentmem.cli.fidelity import show_fidelity
    from agentmem.replay.fidelity_folders import fidelity_all

    made = _followed(fidelity_all, plan)
    if json:
        print_json(made)
        return
    show_fidelity(made)
    _show_skipped(made["skipped"])


def _chosen(given: list[str] | None, *, fidelity: bool = False) -> list[str]:
    from agentmem.replay.fidelity_folders import DEFAULT as LOOKED_AT
    from agentmem.replay.registry import EVERY

    if not given:
        return list(LOOKED_AT if fidelity else DEFAULT)
    return [name for one in given for name in (EVERY if one == "all" else (one,))]


def _followed(work: Any, plan: "ReplayPlan") -> dict[str, Any]:
    """Do the work with a progress bar on stderr, if that is a terminal."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=notices(), transient=True, disable=not notices().is_terminal) as bar:
        result: dict[str, Any] = work(plan, _bar(bar))
    return result


def _bar(bar: Any) -> "ReplayProgress":
    tasks: dict[str, Any] = {}

    def advance(what: str, done: int, whole: int) -> None:
        if what not in tasks:
            tasks[what] = bar.add_task(what, total=whole)
        bar.update(tasks[what], completed=done, total=whole)

    return advance


def _show(made: dict[str, Any]) -> None:
    out = console()
    if not made["sessions"]:
        _show_traces(made["traces"])
        _show_skipped(made["skipped"])
        return
    rows = [_billed_row(made["billed"]), *made["policies"]]
    for number, columns in enumerate(_TABLES):
        if number < _FULL or any(row.get(columns[0][1]) for row in made["policies"]):
            out.print(_table(made["policies"] if number else rows, columns))
            out.print()
        else:
            out.print(f"{columns[0][0]}: none in these logs, so nothing is compared there", highlight=False)
    out.print("What each heading means: docs/context-metrics.md", highlight=False)
    _show_sessions(made)
    _show_traces(made["traces"])
    _show_notes(made)
    about = f"{made['provider']}, {made['model'] or 'models as recorded'}, budget {made['budget']:,} tokens"
    out.print(f"{made['basis']}; {about}", highlight=False)
    if made["billed"]["billed_requests"] and made["basis"] == "simulated":
        out.print(_TWO_COUNTS, highlight=False)
    out.print(f"breakpoints: {made['breakpoints']}", highlight=False)
    _show_skipped(made["skipped"])


def _show_notes(made: dict[str, Any]) -> None:
    """Print notes on each policy: its settings, and the reasons why its numbers may not compare."""
    from agentmem.meter.ledger import missing_prices

    out = console()
    for row in made["policies"]:
        settings = ", ".join(f"{key} {'none' if value is None else value}" for key, value in row["settings"].items())
        if row["missing"] or settings:
            out.print(f"{row['policy']}: {row['missing'] or settings}", highlight=False)
    most = max(row["chains"] for row in made["policies"])
    for row in made["policies"]:
        if row["chains"] < most and not row["missing"]:
            out.print(f"{row['policy']} ran on {row['chains']} of {most} chains: not to be compared", highlight=False)
        if (row["peak_context_tokens"] or 0) > made["budget"]:
            peak = f"its peak is {row['peak_context_tokens']:,} of {made['budget']:,} tokens"
            out.print(f"{row['policy']} exceeds the budget: {peak}", highlight=False)
        if row["unpriced"]:
            missing = missing_prices({one["model"]: one["requests"] for one in row["unpriced"]}, row["requests"])
            out.print(f"{row['policy']}: {missing}", highlight=False)


def _billed_row(billed: dict[str, Any]) -> dict[str, Any]:
    """The provider's bill as a row beside the simulated ones."""
    return {"policy": "billed", **billed, "cost_usd": billed["billed_usd"]}


def _show_sessions(made: dict[str, Any]) -> None:
    """Print each session's bill beside the cost of the policies in it."""
    from rich.table import Table

    names = [row["policy"] for row in made["policies"] if not row["missing"]][:_BESIDE]
    table = Table("session", "requests", "billed", *names, box=None, padding=(0, 2, 0, 0))
    for column in table.columns[1:]:
        column.justify, column.no_wrap = "right", True
    dearest = sorted(made["sessions"], key=lambda one: -(one["billed_usd"] or 0.0))
    for one in dearest[:_MOST]:
        simulated = (_cell(one["simulated_usd"].get(name), USD) for name in names)
        table.add_row(one["session"], f"{one['requests']:,}", _cell(one["billed_usd"], USD), *simulated)
    out, billed = console(), made["billed"]
    out.print(table)
    if len(dearest) > _MOST:
        out.print(f"and {len(dearest) - _MOST:,} more sessions; --json lists all.", highlight=False)
    priced, requests = billed["billed_requests"], billed["requests"]
    if priced < requests:
        out.print(f"billed: {priced:,} of {requests:,} requests; the rest report no usage, or their model has no price")
    out.print()


def _show_traces(traces: list[dict[str, Any]]) -> None:
    """The share of blocks that caches of several sizes had, or the quartiles of sessions, beside what was published."""
    from rich.table import Table

    for one in traces:
        table = Table("blocks found", "here", "published", box=None, padding=(0, 2, 0, 0))
        for name, rate, published in _trace_rows(one):
            table.add_row(name, _cell(rate, "{:.1%}"), _cell(published, "{:.1%}"))
        sizes = f"{one['sessions']:,} caches, {one['requests']:,} requests, {one['blocks']:,} blocks"
        out = console()
        out.print(f"{one['path']}: {one['format']}, {sizes} of {one['block_tokens']} tokens", highlight=False)
        out.print(table)
        out.print()


def _trace_rows(one: dict[str, Any]) -> Iterator[tuple[str, float | None, float | None]]:
    for each in one["caches"]:
        size = each["capacity_tokens"]
        yield "no limit" if size is None else f"{size:,} tokens", each["hit_rate"], each["published"]
    if one["quartiles"]:
        rates = zip(one["quartiles"]["hit_rates"], one["quartiles"]["published"], strict=True)
        names = ("lower quartile of sessions", "median", "upper quartile")
        yield from ((name, *pair) for name, pair in zip(names, rates, strict=True))


def _table(rows: list[dict[str, Any]], columns: _Columns) -> Any:
    from rich.table import Table

    table = Table("policy", *(heading for heading, _, _ in columns), box=None, padding=(0, 1, 0, 0))
    for column in table.columns:
        column.no_wrap = True
    for column in table.columns[1:]:
        column.justify = "right"
    for row in rows:
        table.add_row(row["policy"], *(_cell(row.get(key), form) for _, key, form in columns))
    return table


def _show_verification(made: dict[str, Any]) -> None:
    from rich.table import Table

    table = Table("", "error", box=None)
    table.columns[1].justify = "right"
    for heading, key, form in (
        ("hit rate of a session, mean (points)", "hit_rate_error_mean", "{:+.2f}"),
        ("standard deviation", "hit_rate_error_sd", "{:.2f}"),
        ("mean without sign", "hit_rate_error_abs_mean", "{:.2f}"),
        ("all input tokens", "input_tokens_error", "{:+.2%}"),
        ("all input dollars", "input_usd_error", "{:+.2%}"),
    ):
        table.add_row(heading, _cell(made[key], form))
    out = console()
    requests = sum(row["requests"] for row in made["sessions"])
    out.print(f"{len(made['sessions']):,} sessions, {requests:,} requests: simulated less recorded", highlight=False)
    out.print(table)
    worst = sorted(made["sessions"], key=lambda row: -abs(row["hit_rate_simulated"] - row["hit_rate_recorded"]))[:5]
    for row in worst:
        recorded, simulated = row["hit_rate_recorded"], row["hit_rate_simulated"]
        out.print(f"  {row['session']}: {recorded:.1%} recorded, {simulated:.1%} simulated", highlight=False)
    _show_skipped(made["skipped"])


def _show_skipped(skipped: list[dict[str, Any]]) -> None:
    for one in skipped[:5]:
        where = f"{one['path']}:{one['line']}" if one["line"] else one["path"]
        notices().print(f"passed over: {where}: {one['reason']}", highlight=False, soft_wrap=True)
    if len(skipped) > 5:
        notices().print(f"and {len(skipped) - 5:,} more; --json lists all.", highlight=False)


def _cell(value: Any, form: str) -> str:
    from agentmem.meter.tables import dollars

    if value is None:
        return "–"
    return dollars(value) if form == USD else form.format(value)
