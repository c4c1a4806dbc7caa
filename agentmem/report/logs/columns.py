"""What an index keeps of the requests in one log: a column of numbers for each thing that a list needs, and no text."""

import json
import math
from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from struct import pack, unpack_from
from typing import TypeVar, get_args

from agentmem.meter.ledger import Break, Row
from agentmem.meter.report import new_tokens
from agentmem.types import Basis

NUMBERS: tuple[tuple[str, str], ...] = (
    ("conversation", "I"),
    ("basis", "I"),  # a place in BASES
    ("model", "I"),
    ("price", "i"),  # -1: none
    ("identity", "Q"),  # a reply's id as a number, 0 for none
    ("break", "I"),  # a place in BREAKS
    ("at", "d"),
    ("uncached", "q"),
    ("read", "q"),
    ("written_5m", "q"),
    ("written_1h", "q"),
    ("output", "q"),
    ("redo", "q"),
    ("usd", "d"),  # NaN: not known
    ("usd_uncached", "d"),
)
"""Every column and its type, as `array` names types."""

BREAKS: tuple[Break, ...] = get_args(Break)
BASES: tuple[Basis, ...] = get_args(Basis)


@dataclass(slots=True)
class RequestColumns:
    """The requests of one log, in its order.

    ``conversations`` are pairs of a name and whether it is a sub-agent's, ``models`` "provider:name", ``prices`` rows
    of price lists; the columns hold their places in these.
    """

    conversations: list[tuple[str, bool]] = field(default_factory=list)
    models: list[str] = field(default_factory=list)
    prices: list[tuple[str, ...]] = field(default_factory=list)
    columns: dict[str, "array[int] | array[float]"] = field(
        default_factory=lambda: {name: array(kind) for name, kind in NUMBERS}
    )

    def __len__(self) -> int:
        return len(self.columns["at"])

    def __getitem__(self, name: str) -> "array[int] | array[float]":
        return self.columns[name]

    def add(self, values: Mapping[str, float]) -> None:
        """One more request: a value for each column."""
        for name, column in self.columns.items():
            column.append(values[name])  # type: ignore[arg-type]  # each column takes its own type

    def copied(self) -> "RequestColumns":
        """The same requests, to add others to."""
        kept = {name: column[:] for name, column in self.columns.items()}
        return RequestColumns(list(self.conversations), list(self.models), list(self.prices), kept)

    def packed(self) -> bytes:
        """As bytes."""
        head = json.dumps([self.conversations, self.models, self.prices]).encode()
        return b"".join((pack("<II", len(head), len(self)), head, *(one.tobytes() for one in self.columns.values())))


def unpacked(data: bytes) -> RequestColumns:
    """What `RequestColumns.packed` made. Raises ValueError for anything else."""
    if len(data) < 8:
        raise ValueError("no columns")
    size, length = unpack_from("<II", data)
    conversations, models, prices = json.loads(data[8 : 8 + size])
    at, columns = 8 + size, {}
    for name, kind in NUMBERS:
        column: array[int] | array[float] = array(kind)
        end = at + column.itemsize * length
        column.frombytes(data[at:end])
        if len(column) != length:
            raise ValueError("columns that are cut off")
        columns[name], at = column, end
    pairs = [(str(name), bool(of_agent)) for name, of_agent in conversations]
    return RequestColumns(pairs, list(models), [tuple(one) for one in prices], columns)


def identity(name: str) -> int:
    """A reply's id as a number that is the same in every process; 0 for no id."""
    return int.from_bytes(blake2b(name.encode("utf-8", "replace"), digest_size=8).digest()) or 1 if name else 0


Item = TypeVar("Item")


def place(items: list[Item], item: Item) -> int:
    """The place of ``item`` among ``items``, which has it from now on."""
    try:
        return items.index(item)
    except ValueError:
        items.append(item)
        return len(items) - 1


def add_row(columns: RequestColumns, conversation: tuple[str, bool], row: Row, *, text: bool) -> None:
    """One more request: a row of a ledger. Without ``text`` all that was not read counts as new."""
    unread = row.usage.input_tokens - row.usage.cache_read_tokens
    columns.add(
        {
            "conversation": place(columns.conversations, conversation),
            "basis": BASES.index(row.usage.basis),
            "model": place(columns.models, row.model),
            "price": -1 if row.price_row is None else place(columns.prices, tuple(row.price_row.parts())),
            "identity": identity(row.message_id),
            "break": BREAKS.index(row.break_),
            "at": row.at,
            "uncached": row.usage.uncached_tokens,
            "read": row.usage.cache_read_tokens,
            "written_5m": row.usage.cache_write_5m_tokens,
            "written_1h": row.usage.cache_write_1h_tokens,
            "output": row.usage.output_tokens,
            "redo": unread - new_tokens(row) if text else 0,
            "usd": math.nan if row.cost_usd is None else row.cost_usd,
            "usd_uncached": math.nan if row.cost_uncached_usd is None else row.cost_uncached_usd,
        }
    )


def rows(columns: RequestColumns, names: Sequence[str]) -> Iterator[tuple[float, ...]]:
    """The requests as tuples of the columns ``names``."""
    return zip(*(columns[name] for name in names), strict=True)
