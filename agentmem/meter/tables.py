"""Reports for people: the table of a run, the list of runs, and the one sentence on what to do next."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from agentmem.meter.report import Summary

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

UNKNOWN = "unknown"

# What to do next: the first line whose test holds is said.
_ADVICE: tuple[tuple[Callable[[Summary], bool], str], ...] = (
    (lambda s: not s["requests"], "Nothing has been sent yet: start with `agentmem run TASK --workspace DIR`."),
    (
        lambda s: s["basis"] is None,
        "These requests were metered in different ways: read each line by itself and never add them up.",
    ),
    (
        lambda s: s["breaks"] > 0,
        "{breaks} of {requests} requests changed text that had been sent before, and {redo_tokens:,} tokens were "
        "processed again: compare `agentmem prefix` before and after, and move what differs to the end.",
    ),
    (
        lambda s: s["failed"] > 0,
        "{failed} of {requests} requests got no reply: run the thread again, it goes on where it stopped.",
    ),
    (
        lambda s: s["expiries"] > 0 and (s["redo_share"] or 0) > 0.05,
        "The cache expired {expiries} times while the agent waited, and {redo_tokens:,} tokens were processed again: "
        "answer sooner, or let the prefix live for an hour.",
    ),
    (
        lambda s: s["requests"] > 1 and s["cache_read_tokens"] == 0,
        "Nothing was read from a cache: the prefix may be shorter than the model's minimum (see `agentmem prefix`), "
        "or the model has no cache.",
    ),
    (
        lambda s: (s["redo_share"] or 0) > 0.10,
        "{redo_share:.0%} of the input was processed again although nothing had changed: lower the budget, or keep "
        "the pauses between requests short.",
    ),
    (
        lambda s: s["requests"] == 1,
        "One request fills the cache; the next ones show what it saves: go on with the same --thread.",
    ),
    (
        lambda s: True,
        "The cache served {hit_rate:.0%} of the input and nothing broke the prefix: nothing to mend, "
        "use `--budget` if the context grows too large.",
    ),
)

_Cell = Callable[[Summary], str]
_COLUMNS: tuple[tuple[str, _Cell], ...] = (
    ("requests", lambda s: f"{s['requests']:,}"),
    ("input", lambda s: count(s["input_tokens"])),
    ("output", lambda s: count(s["output_tokens"])),
    ("in:out", lambda s: UNKNOWN if s["ratio"] is None else f"{s['ratio']:.1f}:1"),
    ("hit rate", lambda s: share(s["hit_rate"])),
    ("redo", lambda s: share(s["redo_share"])),
    ("cost", lambda s: dollars(s["cost_usd"])),
    ("uncached", lambda s: dollars(s["cost_uncached_usd"])),
    ("peak context", lambda s: count(s["peak_context_tokens"])),
    ("numbers are", lambda s: s["basis"] or "mixed"),
)


def advice(summary: Summary) -> str:
    """One plain sentence: what to do next."""
    sentence = next(text for holds, text in _ADVICE if holds(summary))
    return sentence.format(**summary)


def show(report: Summary, console: "Console") -> None:
    """Print the report on one run: a line for the run, one for each agent and purpose, and the advice."""
    table = _table("who")
    named = report["run"] or "all runs"
    for line in report["by_basis"] or [report]:
        table.add_row(f"[bold]{_escape(named)}[/bold]", *_cells(line))
    for kind in ("agent", "purpose"):
        if len(report[f"by_{kind}"]) > 1 or kind == "agent":
            for line in report[f"by_{kind}"]:
                table.add_row(f"  {kind} {_escape(line[kind])}", *_cells(line))
    console.print(table)
    for note in _notes(report):
        console.print(note, style="dim", highlight=False)
    console.print(advice(report), highlight=False)


def show_runs(summaries: Sequence[tuple[str, Summary]], console: "Console") -> None:
    """Print one line a run."""
    table = _table("run")
    for run, summary in summaries:
        table.add_row(_escape(run), *_cells(summary))
    console.print(table)


def count(tokens: int | None) -> str:
    return UNKNOWN if tokens is None else f"{tokens:,}"


def share(part: float | None) -> str:
    return UNKNOWN if part is None else f"{part:.1%}"


def dollars(amount: float | None) -> str:
    """Cents for large sums, four digits after the point for small ones."""
    if amount is None:
        return UNKNOWN
    return f"${amount:,.2f}" if amount >= 10 else f"${amount:,.4f}"


def _table(first: str) -> "Table":
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD)
    table.add_column(first, overflow="fold", min_width=8)
    for name, _ in _COLUMNS:
        table.add_column(name, justify="left" if name == "numbers are" else "right")
    return table


def _cells(summary: Summary) -> list[str]:
    return [cell(summary) for _, cell in _COLUMNS]


def _notes(report: Summary) -> list[str]:
    notes = []
    if report["priced_as"]:
        notes.append(
            f"Dollars are estimated: this model has no price, they are at the prices of {report['priced_as']}."
        )
    elif report["cost_usd"] is None and report["requests"]:
        notes.append("Dollars are unknown where a model's prices are not, or where it has none.")
    if report["breaks"] or report["cuts"] or report["expiries"]:
        notes.append(f"Prefix: {report['breaks']} breaks, {report['cuts']} cuts, {report['expiries']} expiries.")
    return notes


def _escape(text: str) -> str:
    from rich.markup import escape

    return escape(text)
