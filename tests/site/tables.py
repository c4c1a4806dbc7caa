"""Tables of figures inside pages that people write: each is made of benchmarks' records, and stands between two marks.

    <!-- figures of NAME, NAME -->
    ...
    <!-- end of figures -->

`python -m tests.site.benchmarks` writes them anew. One benchmark with a table of its own below has that: a row is what
is told, and the form of its figures for `str.format`. Others have the rows of what they are held to.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from tests.benchmarks.records import Record
from tests.site.held import ROWS, Held

TABLES: Mapping[str, Sequence[tuple[str, str]]] = {
    "fleet_paper": (
        (
            "a run leaves in the journal",
            "{a_run[kilobytes]:.0f} kB (entries {a_run[entries]:.0f}, LangGraph's checkpoints "
            "{a_run[checkpoints]:.0f}), {a_run[commits]:.0f} commits, {a_run[log]:.0f} kB of log",
        ),
        (
            "Postgres",
            "{journal_gb_a_day:.1f} GB a day, {log_gb_a_day:.0f} GB of log, {a_run[commits_at_the_peak]:,.0f} commits "
            "a second at the peak, where {a_run[commits_here]:,.0f} passed here",
        ),
        (
            "a Postgres of 4 vCPUs and 32 GB with 30 days of journals",
            "about ${usd_postgres_month:,.0f} a month (list prices, assumed)",
        ),
        ("object store, archive", "{object_gb_a_day:.0f} GB a day, about ${usd_objects_month:,.0f} a month (assumed)"),
        (
            "workers",
            "{runs_at_once:,.0f} runs at once, {workers:.0f} workers of 16 runs, {worker_memory_gb:.1f} GB of memory, "
            "{cores_for_workers:.1f} cores",
        ),
        (
            "tokens",
            "{input_tokens_a_minute_at_the_peak:,.0f} a minute at the peak, "
            "{uncached_tokens_a_minute_at_the_peak:,.0f} of them uncached",
        ),
        ("models (Sonnet 5.5's prices)", "about ${usd_models_a_day:,.0f} a day"),
        (
            "on engines of one's own (llama-3.3-70b on H100)",
            "{engines_of_own_for_kv:,.0f} engines to hold the KV of all live runs",
        ),
        (
            "the row of one fleet's dollars and rates",
            "{a_run[requests_at_the_peak]:,.0f} requests a second are needed, and {a_run[requests_here]:,.0f} passed "
            "through it here",
        ),
    ),
}
_BLOCK = re.compile(r"(<!-- figures of (\w+(?:, \w+)*) -->\n).*?(<!-- end of figures -->)", re.DOTALL)


class Figures(dict[str, Any]):
    """The figures of a record."""

    def __missing__(self, key: str) -> Any:
        raise KeyError(f"there is no figure {key}: run the benchmark again, or mend its row in tests/site/")


def filled(text: str, kept: Mapping[str, Record]) -> str:
    """The page with its tables as the records have them; a table of its own without a record stays as it is."""

    def one(found: re.Match[str]) -> str:
        names = found[2].split(", ")
        if names[0] not in TABLES:
            return f"{found[1]}\n{held(names, kept)}\n\n{found[3]}"
        record = kept.get(found[2])
        return found[0] if record is None else f"{found[1]}\n{table(record)}\n\n{found[3]}"

    return _BLOCK.sub(one, text)


def table(record: Record) -> str:
    """The table of a record's figures."""
    rows = [f"| {what} | {form.format_map(Figures(record.figures))} |" for what, form in TABLES[record.benchmark]]
    return "\n".join(["| what | number |", "|---|---|", *rows])


def held(names: Sequence[str], kept: Mapping[str, Record]) -> str:
    """The table of what some benchmarks are held to, and what was found."""
    told = [_beside(ROWS[name], kept.get(name)) for name in names]
    return "\n".join(["| what | found | outcome | command |", "|---|---|---|---|", *told])


def _beside(row: Held, record: Record | None) -> str:
    told = found(row, record) if record else "no record"
    command = f"`python -m tests.benchmarks.{row.benchmark}{row.needs}`"
    return f"| {cell(row.target)} | {told} | {record.outcome if record else 'not run'} | {command} |"


def found(row: Held, record: Record) -> str:
    """What a record has of what its benchmark is held to, as a cell."""
    return cell(row.found.format_map(Figures(record.figures)))


def cell(text: str) -> str:
    """Text as the cell of a table."""
    return " ".join(text.replace("|", "\\|").split())
