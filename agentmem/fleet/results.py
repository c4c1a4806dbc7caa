"""What came of a fleet: a parquet file of all runs, and one page with them that fetches nothing."""

import html
from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from agentmem.errors import ConfigError
from agentmem.fleet.board import FleetRun, FleetSummary

COLUMNS = tuple(one.name for one in fields(FleetRun) if one.name != "task")

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>agentmem: fleet {name}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<style>:root{{color-scheme:light dark}}
body{{font:15px/1.5 system-ui,sans-serif;max-width:78rem;margin:2rem auto;padding:0 1rem;color:#1b1f24}}
div{{overflow-x:auto}}table{{border-collapse:collapse}}
td,th{{padding:.2rem .8rem;text-align:right;border-bottom:1px solid #d0d7de;white-space:nowrap;vertical-align:top}}
td:first-child,th:first-child{{text-align:left;padding-left:0}}
td:last-child,th:last-child{{text-align:left;white-space:normal;min-width:18rem}}
.failed,.stopped{{color:#b35900}}
@media (prefers-color-scheme:dark){{body{{background:#0d1117;color:#e6edf3}}td,th{{border-color:#30363d}}
.failed,.stopped{{color:#f0883e}}}}</style></head>
<body><h1>Fleet {name}</h1>
<p>{about}</p>
<h2>Where runs were</h2>
<div><table><tr><th>worker</th><th>runs</th><th>requests</th><th>hit rate</th><th>dollars</th></tr>{workers}</table>
</div>
<h2>Runs</h2>
<div><table><tr><th>task</th><th>status</th><th>dollars</th><th>hit rate</th><th>requests</th><th>tries</th>
<th>seconds</th><th>worker</th><th>result</th></tr>{runs}</table></div>
</body></html>
"""
_SHOWN = 160
"""Characters of a result or a reason on the page."""


def row_of(run: FleetRun) -> dict[str, Any]:
    """A run as a row of results."""
    own = {name: getattr(run, name) for name in COLUMNS}
    named = {"task": run.task.task, "model": run.task.model, "prefix": run.task.prefix}
    return {**own, **named, "hit_rate": run.hit_rate}


def write_parquet(runs: Sequence[FleetRun], path: Path) -> None:
    """Write all runs as a parquet file, a row each: see `row_of`. Raises ConfigError if the file cannot be written."""
    import pyarrow as pa
    from pyarrow import parquet

    rows = [row_of(one) for one in runs]
    floats = ("usd", "hit_rate", "started", "finished")
    whole = ("tries", "requests", "input", "cached", "written", "output")
    kinds = {**dict.fromkeys(floats, pa.float64()), **dict.fromkeys(whole, pa.int64())}
    names = (*COLUMNS, "task", "model", "prefix", "hit_rate")
    schema = pa.schema([pa.field(name, kinds.get(name, pa.string())) for name in names])
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        parquet.write_table(pa.Table.from_pylist(rows, schema=schema), path)
    except OSError as error:
        raise ConfigError(f"{path} cannot be written: {error}") from error


def write_page(name: str, summary: FleetSummary, runs: Sequence[FleetRun], path: Path) -> None:
    """Write the page. Raises ConfigError if it cannot be written."""
    try:
        path.write_text(fleet_page(name, summary, runs), encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{path} cannot be written: {error.strerror}") from error


def fleet_page(name: str, summary: FleetSummary, runs: Sequence[FleetRun]) -> str:
    """The page of a fleet."""
    return _PAGE.format(
        name=html.escape(name),
        about=html.escape(sentence(summary)),
        workers="".join(map(_worker, _by_worker(runs).items())),
        runs="".join(map(_run, runs)),
    )


def sentence(summary: FleetSummary) -> str:
    """A fleet in one line: its runs by state, dollars, requests and hit rate."""
    counted = ", ".join(f"{count:,} {state}" for state, count in sorted(summary.states.items()))
    return (
        f"{summary.total:,} runs: {counted or 'none'}. ${summary.usd:,.4f}, {summary.requests:,} requests, hit rate "
        f"{share(summary.hit_rate)}, {summary.input:,} tokens in and {summary.output:,} out."
    )


def share(value: float | None) -> str:
    """A share as people read it."""
    return "-" if value is None else f"{value:.1%}"


def _by_worker(runs: Sequence[FleetRun]) -> Mapping[str, list[FleetRun]]:
    found: dict[str, list[FleetRun]] = {}
    for one in runs:
        if one.worker:
            found.setdefault(f"{one.worker} on {one.host.partition('/')[0]}", []).append(one)
    return found


def _worker(item: tuple[str, Sequence[FleetRun]]) -> str:
    name, runs = item
    read, asked = sum(one.cached for one in runs), sum(one.input for one in runs)
    cells = (name, f"{len(runs):,}", f"{sum(one.requests for one in runs):,}", share(read / asked if asked else None))
    return _cells((*cells, f"{sum(one.usd for one in runs):.4f}"))


def _run(run: FleetRun) -> str:
    took = "" if run.started is None or run.finished is None else f"{run.finished - run.started:.1f}"
    said = " ".join((run.reason or run.text).split())
    told = f"{said[:_SHOWN]}…" if len(said) > _SHOWN else said
    cells = (run.key, run.state, f"{run.usd:.4f}", share(run.hit_rate), f"{run.requests}", f"{run.tries}")
    return _cells((*cells, took, run.worker, told), run.state)


def _cells(cells: Sequence[str], kind: str = "") -> str:
    row = "".join(f"<td>{html.escape(one)}</td>" for one in cells)
    return f'<tr class="{kind}">{row}</tr>' if kind else f"<tr>{row}</tr>"
