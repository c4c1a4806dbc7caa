"""`agentmem fleet-sim`: which memory and how many engines a workload needs, and whether to update, buy or wait."""

from pathlib import Path
from typing import Annotated, Any

import typer

from agentmem.cli.options import AsJson
from agentmem.cli.output import console, notices, print_json
from agentmem.errors import ConfigError

_SHOWN = 12
"""The number of capacities in the table; --json and -o have all."""


def fleet_sim(
    paths: Annotated[list[Path], typer.Argument(metavar="PATH...", help="Logs, traces, or folders of them.")],
    chip: Annotated[str, typer.Option(help="H100, H200, B200, GB200, Rubin, LPU or CPU.")] = "H100",
    model: Annotated[str, typer.Option(help="Whose KV and weights: llama-3.3-70b, qwen3-32b...")] = "llama-3.3-70b",
    chips: Annotated[
        int | None, typer.Option(min=1, help="Chips an engine has; by default the fewest that do.")
    ] = None,
    usd_hour: Annotated[float | None, typer.Option(min=0, help="What a chip costs you an hour.")] = None,
    routing: Annotated[str, typer.Option(help="prefix, session, round-robin or random.")] = "prefix",
    eviction: Annotated[str, typer.Option(help="lru, lfu, leaf-first, value; belady knows the future.")] = "lru",
    pin: Annotated[float, typer.Option(min=0, help="Seconds that blocks stay while the conversation's tool runs.")] = 0,
    target: Annotated[str | None, typer.Option(metavar="hit=.95,ttft=2s", help="What has to be reached.")] = None,
    speed: Annotated[float, typer.Option(min=0.001, help="This many times as many requests a second.")] = 1.0,
    requests: Annotated[int, typer.Option(min=2, help="How many are played on fleets; the curve takes all.")] = 3_000,
    compare: Annotated[
        str | None, typer.Option(metavar="now,update,buy,wait", help="Weigh these, with what each assumes.")
    ] = None,
    months: Annotated[float, typer.Option(min=1, help="How far --compare looks ahead.")] = 12,
    output: Annotated[Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write it as a page.")] = None,
    json: AsJson = False,
) -> None:
    """Plan memory for KV state: capacity against hit rate, fleets, settings of engines; update, buy or wait."""
    from agentmem.kvcache.tiers.plans import FleetTarget
    from agentmem.replay.planner import PlanRequest, planned
    from agentmem.replay.workloads import workload

    aim = FleetTarget.parsed(target) if target else FleetTarget()
    weighed = tuple(filter(None, compare.replace(" ", "").split(","))) if compare else ()
    asked = PlanRequest(chip, model, chips, usd_hour, routing, eviction, pin, aim, requests, weighed, months)
    asked.engine()  # a wrong name is said before anything is read
    with notices().status("reading and playing requests"):
        made = planned(workload(paths).faster(speed), asked)
    if output:
        _write(output, made)
    if json:
        print_json(made)
    else:
        _show(made)


def _write(output: Path, made: dict[str, Any]) -> None:
    from agentmem.report.capacity import capacity_page

    try:
        output.write_text(capacity_page(made), encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{output} cannot be written: {error.strerror}") from error


def _show(made: dict[str, Any]) -> None:
    from agentmem.report.capacity import about, capacity_row, eviction_name, verdict, winner

    out = console()
    out.print(about(made), highlight=False)
    _print(("capacity, tokens", "GB of KV", "hit rate", "best possible"), map(capacity_row, _spread(made["curve"])))
    heads = ("engines", "hit rate", "p50", "p99", "load", "gain", "$/h")
    _print(("memory", *heads), map(_narrow, made["fleets"]))
    _print(("routing", *heads), ((one["routing"], *_narrow(one)[1:]) for one in made["routing"]))
    _print(("eviction", *heads), ((eviction_name(one), *_narrow(one)[1:]) for one in made["evictions"]))
    out.print(winner(made), highlight=False)
    out.print(verdict(made), highlight=False)
    if made["choices"]:
        rows = ((one["name"], f"{one['engines']:,}", f"{one['usd']:,.0f}") for one in made["choices"])
        _print(("choice", "engines", f"$ in {made['months']:g} months"), rows)
        for one in made["choices"]:
            out.print(f"{one['name']}: {'; '.join(one['assumptions'])}", highlight=False)
            for claim in one["claims"]:
                out.print(f"  claimed: {claim}", highlight=False)
    for name, lines in made["settings"].items():
        out.print(f"{name}: {'  '.join(lines)}", highlight=False, soft_wrap=True)
    for one in made["assumptions"]:
        out.print(f"assumed: {one}", highlight=False)
    for one in made["skipped"][:5]:
        notices().print(f"skipped {one['path']}, line {one['line']}: {one['reason']}", highlight=False)


def _narrow(one: dict[str, Any]) -> tuple[str, ...]:
    """A fleet's cells without those that a terminal has no room for."""
    from agentmem.report.capacity import fleet_row

    memory, *cells = fleet_row(one)
    return memory.replace("HBM + ", "").replace(" TB ", "T "), *cells[:5], cells[6], cells[7]


def _print(heads: Any, rows: Any) -> None:
    from rich.table import Table

    table = Table(*heads, box=None, padding=(0, 2, 0, 0))
    for column in table.columns[1:]:
        column.justify, column.no_wrap = "right", True
    for row in rows:
        table.add_row(*row)
    console().print(table)
    console().print()


def _spread(curve: list[dict[str, Any]]) -> list[dict[str, Any]]:
    step = max(1, len(curve) // _SHOWN)
    return [*curve[:-1:step], *curve[-1:]]
