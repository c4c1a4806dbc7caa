"""Prints the statistics of the answer cache as a table for people."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console

Stats = Mapping[str, Any]


def show(stats: Stats, console: "Console") -> None:
    """Print the statistics of the answer cache: by query type, then audits and savings."""
    from rich.table import Table

    table = Table("query type", box=None, header_style="bold")
    for name in ("lookups", "exact", "semantic", "missed", "excluded", "hit rate"):
        table.add_column(name, justify="right")
    for name, one in (*stats["by_type"].items(), ("all", stats)):
        table.add_row(name, *_row(one))
    console.print(table)
    for line in lines(stats):
        console.print(line, highlight=False, soft_wrap=True)


def lines(stats: Stats) -> list[str]:
    """Sentences for what the table does not show."""
    gone = ", ".join(f"{count:,} by {name}" for name, count in stats["invalidated"].items())
    return [
        f"{stats['entries']:,} {'answer is' if stats['entries'] == 1 else 'answers are'} kept. Invalidated: {gone}.",
        wrong(stats),
        *judge(stats["judge"], stats["wrong_per_hit_corrected"]),
        f"Saved: {stats['saved_usd']:.4f} dollars and {stats['saved_seconds']:,.1f} seconds of waiting.",
    ]


def wrong(stats: Stats) -> str:
    """A sentence on how often a hit was wrong, by the audits."""
    if not stats["audited"]:
        return "No hit was audited yet, so nobody knows how often the cache is wrong."
    return (
        f"Of {stats['audited']:,} audited hits {stats['mismatches']:,} were wrong: {stats['wrong_per_hit']:.2%} of the"
        f" hits, below {stats['wrong_per_hit_upper95']:.2%} at 95 % confidence;"
        f" {stats['wrong_per_lookup']:.2%} of all lookups."
    )


def judge(found: Stats | None, corrected: float | None = None) -> list[str]:
    """Sentences on the errors of the judge of answers, and on the share of wrong hits corrected by them."""
    if found is None:
        return []
    said = (
        f"The judge of answers, on labelled pairs: it took {found['missed']:,} of {found['different']:,} different ones"
        f" for the same{_below(found['missed_upper95'])}, and told {found['alarmed']:,} of {found['same']:,} equal ones"
        f" apart{_below(found['alarmed_upper95'])}."
    )
    return [said if corrected is None else f"{said} Corrected for that, {corrected:.2%} of the hits are wrong."]


def _below(bound: float | None) -> str:
    return "" if bound is None else f" (below {bound:.1%})"


def _row(one: Stats) -> list[str]:
    counts = (one["lookups"], one["hits"]["exact"], one["hits"]["semantic"], one["misses"], one["excluded"])
    rate = one["hit_rate"]
    return [*(f"{count:,}" for count in counts), "" if rate is None else f"{rate:.1%}"]
