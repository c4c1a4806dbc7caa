"""The rows of a log's requests as an index keeps them, and back: what a report adds up, without texts."""

import json
import zlib
from collections.abc import Iterator
from typing import Any

from agentmem.meter.ledger import Row, row_of, value
from agentmem.meter.price_row import PriceRow
from agentmem.report.loading import Observed
from agentmem.report.logs.columns import BREAKS, RequestColumns
from agentmem.report.turns import ReportTurn
from agentmem.types import Usage


def kept_rows(one: Observed) -> dict[str, Any]:
    """The rows of a conversation as JSON."""
    rows = [[turn.number, {**value(turn.row), **_exact(turn.row)}] for turn in one.turns]
    return {"name": one.name, "format": one.format, "path": one.path, "text": one.text, "rows": rows}


def _exact(row: Row) -> dict[str, float | None]:
    """What a journal's row rounds."""
    return {"at": row.at, "usd": row.cost_usd, "usd0": row.cost_uncached_usd}


def read_rows(packed: bytes) -> Iterator[Observed]:
    """The conversations whose `kept_rows` were packed, without parts, losses and windows."""
    for kept in json.loads(zlib.decompress(packed)):
        turns = tuple(ReportTurn(number, row_of(kept["name"], row), bound_usd=None) for number, row in kept["rows"])
        yield Observed(kept["name"], kept["format"], kept["path"], turns, text=kept["text"])


def column_rows(columns: RequestColumns, path: str, form: str) -> Iterator[Observed]:
    """The conversations of a log that was read quickly: what was processed again is an estimate."""
    found: dict[int, list[ReportTurn]] = {}
    for at, conversation in enumerate(columns["conversation"]):
        turns = found.setdefault(int(conversation), [])
        turns.append(ReportTurn(len(turns) + 1, _row(columns, at), bound_usd=None))
    for conversation, turns in found.items():
        name = columns.conversations[conversation][0]
        yield Observed(name, form, path, tuple(turns), estimated=True)


def _row(columns: RequestColumns, at: int) -> Row:
    name, of_agent = columns.conversations[int(columns["conversation"][at])]
    counts = (int(columns[each][at]) for each in ("uncached", "read", "written_5m", "written_1h", "output"))
    usage, price, mark = Usage("measured", *counts), int(columns["price"][at]), int(columns["identity"][at])
    return Row(
        thread=name,
        agent="sub-agent" if of_agent else "main",
        purpose="answer",
        model=columns.models[int(columns["model"][at])],
        tier="cloud",
        usage=usage,
        at=columns["at"][at],
        cost_usd=_known(columns["usd"][at]),
        cost_uncached_usd=_known(columns["usd_uncached"][at]),
        new_tokens=usage.input_tokens - usage.cache_read_tokens - int(columns["redo"][at]),
        message_id=f"{mark:016x}" if mark else "",
        break_=BREAKS[int(columns["break"][at])],
        price_row=None if price < 0 else PriceRow(*columns.prices[price]),
    )


def _known(usd: float) -> float | None:
    return usd if usd == usd else None  # NaN is not
