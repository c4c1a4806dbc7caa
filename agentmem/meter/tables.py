"""Prints reports for people: the table of a run, the list of runs, and a sentence on what to do next."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from agentmem.meter.ledger import missing_prices
from agentmem.meter.price_row import PriceRow
from agentmem.meter.report import Summary

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

UNKNOWN = "unknown"

# What to do next: the sentence of the first row whose test holds.
_ADVICE: tuple[tuple[Callable[[Summary], bool], str], ...] = (
    (lambda s: not s["requests"], "Nothing has been sent yet: start with `agentmem run TASK --workspace DIR`."),
    (
        lambda s: s["failed"] == s["requests"],
        "No request got a reply: `agentmem doctor` says what is missing.",
    ),
    (
        lambda s: s["basis"] is None,
        "These requests were metered in different ways: read each line by itself and never add them up.",
    ),
    (
        lambda s: s["breaks"] > 0 and s["redo_tokens"] is None,
        "{breaks} of {requests} requests changed text that had been sent before: `agentmem why` names each place and "
        "what mends it.",
    ),
    (
        lambda s: s["breaks"] > 0,
        "{breaks} of {requests} requests changed text that had been sent before, and {redo_tokens:,} tokens were "
        "processed again: `agentmem why` names each place and what mends it.",
    ),
    (
        lambda s: s["hit_rate"] is None and s["failed"] < s["requests"],
        "What a cache served is not known here, so nothing is said of it: a log with the provider's usage tells it.",
    ),
    (
        lambda s: s["failed"] > 0,
        "{failed} of {requests} requests got no reply: run the thread again, it goes on where it stopped.",
    ),
    (
        lambda s: s["expiries"] > 0 and (s["redo_share"] or 0) > 0.05,
        "The cache had expired before {expiries} of {requests} requests, and {redo_tokens:,} tokens were processed "
        "again: answer sooner, or let the prefix live for an hour.",
    ),
    (
        lambda s: s["requests"] > 1 and s["cache_read_tokens"] == 0,
        "Nothing was read from a cache: no breakpoint (cache_control) was set, the prefix is shorter than the model's "
        "minimum, or the model has no cache. `agentmem why` tells which; for agents of agentmem's see also "
        "`agentmem prefix`.",
    ),
    (
        lambda s: (s["redo_share"] or 0) > 0.10,
        "{redo_share:.0%} of the input was processed again although nothing had changed: `agentmem why` names the "
        "requests that read less than they could, and whether a breakpoint is missing or the provider gave no reason.",
    ),
    (
        lambda s: s["requests"] == 1,
        "One request fills the cache; the next ones show what it saves: go on with the same --thread.",
    ),
    (
        lambda s: True,
        "The cache served {hit_rate:.0%} of the input and nothing broke the prefix of a conversation; `agentmem why` "
        "tells if one could have read what another left.",
    ),
)

_Cell = Callable[[Summary], str]
_LINES: tuple[tuple[str, _Cell], ...] = (
    ("requests", lambda s: f"{s['requests']:,}"),
    ("input tokens", lambda s: count(s["input_tokens"])),
    ("output tokens", lambda s: count(s["output_tokens"])),
    ("input : output", lambda s: UNKNOWN if s["ratio"] is None else f"{s['ratio']:.1f} : 1"),
    ("cache hit rate", lambda s: share(s["hit_rate"])),
    ("processed again", lambda s: share(s["redo_share"])),
    ("cost", lambda s: dollars(s["cost_usd"])),
    ("unpriced", lambda s: f"{_missing(s):,} of {s['requests'] - s['failed']:,}" if _missing(s) else "none"),
    ("cost without a cache", lambda s: dollars(s["cost_uncached_usd"])),
    ("peak context", lambda s: count(s["peak_context_tokens"])),
    ("breaks, cuts, expiries", lambda s: f"{s['breaks']}, {s['cuts']}, {s['expiries']}"),
    ("tokens are", lambda s: s["basis"] or "mixed"),
    ("dollars are", lambda s: UNKNOWN if s["cost_usd"] is None else str(s["cost_basis"])),
)
_WAREHOUSE_LINES: tuple[tuple[str, _Cell], ...] = (
    ("KV from RAM, disk, far", lambda s: _tiers(s["kv"])),
    ("engine seconds saved", lambda s: f"{s['kv']['seconds_saved']:,.1f}" if s["kv"] else "none"),
)
"""Shown where a local engine has a warehouse."""
_RUN_COLUMNS = ("requests", "input tokens", "input : output", "cache hit rate", "cost", "tokens are")


def advice(summary: Summary) -> str:
    """One plain sentence on what to do next."""
    sentence = next(text for holds, text in _ADVICE if holds(summary))
    return sentence.format(**summary)


def show(report: Summary, console: "Console") -> None:
    """Print the report on one run: a column for the run and each agent, the same by purpose, and the advice."""
    if not report["requests"]:
        console.print(advice(report), highlight=False)
        return
    run = [(report["run"] or "all runs", line) for line in report["by_basis"] or [report]]
    agents = [(f"agent {line['agent']}", line) for line in report["by_agent"]]
    purposes = [(f"to {line['purpose']}", line) for line in report["by_purpose"]]
    console.print(_table(run + agents))
    if len(purposes) > 1:
        console.print(_table(purposes))
    for note in _notes(report):
        console.print(note, style="dim", highlight=False)
    console.print(advice(report), highlight=False)


def show_runs(summaries: Sequence[tuple[str, Summary]], console: "Console") -> None:
    """Print one line a run."""
    from rich.text import Text

    cells = dict(_LINES)
    table = _grid("run", _RUN_COLUMNS)
    for run, summary in summaries:
        table.add_row(Text(run), *(cells[name](summary) for name in _RUN_COLUMNS))
    console.print(table)


def count(tokens: int | None) -> str:
    return UNKNOWN if tokens is None else f"{tokens:,}"


def share(part: float | None) -> str:
    return UNKNOWN if part is None else f"{part:.1%}"


def dollars(amount: float | None) -> str:
    """Dollars as text: with cents for large sums, with four digits after the point for small ones."""
    if amount is None:
        return UNKNOWN
    return f"${amount:,.2f}" if amount >= 10 else f"${amount:,.4f}"


def cost(amount: float | None, unpriced: Mapping[str, int], requests: int) -> str:
    """Dollars, and the requests missing in them: "$0.0310; 1 of 3 requests unpriced: my-local-model"."""
    return "; ".join(filter(None, (dollars(amount), missing_prices(unpriced, requests))))


def cost_of(summary: Summary) -> str:
    """The same for a report's object."""
    models = {one["model"]: one["requests"] for one in summary["unpriced"]}
    return cost(summary["cost_usd"], models, summary["requests"] - summary["failed"])


def _tiers(kv: Mapping[str, int] | None) -> str:
    return ", ".join(count(kv[f"{tier}_tokens"]) for tier in ("ram", "disk", "far")) if kv else "none"


def _missing(summary: Summary) -> int:
    return sum(one["requests"] for one in summary["unpriced"])


def _table(columns: Sequence[tuple[str, Summary]]) -> "Table":
    """A line for each number, a column for each of ``columns``."""
    table = _grid("", [name for name, _ in columns])
    warm = any(summary["kv"] for _, summary in columns)
    for label, cell in (*_LINES, *(_WAREHOUSE_LINES if warm else ())):
        table.add_row(label, *(cell(summary) for _, summary in columns))
    return table


def _grid(first: str, columns: Sequence[str]) -> "Table":
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD)
    table.add_column(first, no_wrap=not first, overflow="fold")
    for name in columns:
        table.add_column(Text(name), justify="right", overflow="fold")
    return table


def _notes(report: Summary) -> list[str]:
    notes = []
    if report["priced_as"]:
        notes.append(
            f"Dollars are estimated: they are at the prices of {report['priced_as']}, not of the model that answered."
        )
    elif report["cost_usd"] is None and report["requests"]:
        notes.append("Dollars are unknown where a model's prices are not, or where it has none.")
    if report["prices"]:
        notes.append(f"Prices: {'; '.join(_priced(one) for one in report['prices'][:_MOST])}{_more(report['prices'])}.")
    if report["switch_usd"] is not None:
        lost = dollars(report["switch_usd"])
        notes.append(f"Switches of the model cost {lost}: what one model had in its cache, another took anew.")
    return notes


_MOST = 3
"""The most rows of price lists that are named; `--json` has all."""


def _priced(one: Mapping[str, Any]) -> str:
    return str(PriceRow(one["table"], one["model"], one["dated"] or "", one["tier"] or ""))


def _more(rows: Sequence[object]) -> str:
    return f" and {len(rows) - _MOST} more" if len(rows) > _MOST else ""
