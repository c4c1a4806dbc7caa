"""A session as a list shows it: when, where, with which models, and its sums by day."""

import math
from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from agentmem.meter.price_row import PriceRow, listed_rows
from agentmem.report.logs.columns import BASES, RequestColumns, rows
from agentmem.types import Basis

ROWS = ("conversation", "model", "price", "identity", "at", "basis")
COUNTS = ("uncached", "read", "written_5m", "written_1h", "output", "redo", "usd", "usd_uncached")


RedoBasis = Literal["measured", "estimated", "unknown"]


@dataclass(slots=True)
class DaySums:
    """The sums over a session's requests of one day, or over several such sums.

    Tokens as in `agentmem.types.Usage`; ``redo`` are those processed again. Dollars are sums of what is known;
    ``unpriced`` are the requests without a price.
    """

    requests: int = 0
    unpriced: int = 0
    uncached: int = 0
    read: int = 0
    written_5m: int = 0
    written_1h: int = 0
    output: int = 0
    redo: int = 0
    usd: float = 0.0
    usd_uncached: float = 0.0

    @property
    def input(self) -> int:
        """All input tokens."""
        return self.uncached + self.read + self.written_5m + self.written_1h

    def add(self, other: "DaySums") -> None:
        """Take in other sums."""
        for name in _SUMS:
            setattr(self, name, getattr(self, name) + getattr(other, name))

    @property
    def new(self) -> int:
        """Input tokens that were neither read nor processed again."""
        return self.input - self.read - self.redo

    def value(self) -> dict[str, Any]:
        """As JSON, with the names of `agentmem report --json`; what cannot be computed is null."""
        whole = self.input
        return {
            "requests": self.requests,
            "input_tokens": whole,
            "output_tokens": self.output,
            "uncached_tokens": self.uncached,
            "cache_read_tokens": self.read,
            "cache_write_5m_tokens": self.written_5m,
            "cache_write_1h_tokens": self.written_1h,
            "redo_tokens": self.redo,
            "hit_rate": self.read / whole if whole else None,
            "redo_share": self.redo / whole if whole else None,
            "cost_usd": self.usd if self.unpriced < self.requests or not self.requests else None,
            "cost_uncached_usd": self.usd_uncached if self.unpriced < self.requests or not self.requests else None,
            "unpriced_requests": self.unpriced,
        }


_SUMS = ("requests", "unpriced", *COUNTS)


@dataclass(frozen=True, slots=True)
class LoggedSession:
    """One conversation of a log: ``name``, its file and ``format``, the folder that its agent worked in.

    ``started`` and ``ended`` are its first and last request, in seconds since the epoch. ``days`` are the sums by day
    ("2026-11-30", local time). ``unpriced`` counts requests without a price by model, ``prices`` are the rows of price
    lists with their requests and dollars. ``basis`` is how their tokens were metered; ``redo_basis`` is "estimated"
    where what was processed again is told from usage alone, and "unknown" where a log has no text to tell it from.
    """

    name: str
    path: str
    format: str
    project: str
    started: float
    ended: float
    sub_agent: bool = False
    models: tuple[str, ...] = ()
    days: Mapping[str, DaySums] = field(default_factory=dict)
    unpriced: Mapping[str, int] = field(default_factory=dict)
    prices: Mapping[PriceRow, tuple[int, float]] = field(default_factory=dict)
    basis: Basis = "measured"
    redo_basis: RedoBasis = "estimated"

    @property
    def sums(self) -> DaySums:
        """Over all days."""
        whole = DaySums()
        for day in self.days.values():
            whole.add(day)
        return whole

    def value(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "session": self.name,
            "path": self.path,
            "format": self.format,
            "project": self.project,
            "sub_agent": self.sub_agent,
            "started": self.started,
            "ended": self.ended,
            "models": list(self.models),
            **self.sums.value(),
            **(dict.fromkeys(("redo_tokens", "redo_share")) if self.redo_basis == "unknown" else {}),
            "basis": self.basis,
            "unpriced": [{"model": model, "requests": count} for model, count in self.unpriced.items()],
            "prices": listed_rows(self.prices),
            "redo_basis": self.redo_basis,
            "days": {day: sums.value() for day, sums in self.days.items()},
        }

    def kept(self) -> dict[str, Any]:
        """As an index keeps it."""
        value = {name: getattr(self, name) for name in _PLAIN}
        value["days"] = {day: [getattr(sums, name) for name in _SUMS] for day, sums in self.days.items()}
        value["prices"] = [[*row.parts(), *counted] for row, counted in self.prices.items()]
        return value


_PLAIN = (
    *("name", "path", "format", "project", "started", "ended", "sub_agent", "models", "unpriced", "basis"),
    "redo_basis",
)


def read_kept(value: Mapping[str, Any]) -> LoggedSession:
    """What `LoggedSession.kept` made."""
    days = {day: DaySums(*sums) for day, sums in value["days"].items()}
    prices = {PriceRow(*row[:4]): (row[4], row[5]) for row in value["prices"]}
    return LoggedSession(**{**value, "days": days, "prices": prices, "models": tuple(value["models"])})


@dataclass(slots=True)
class _Summing:
    """A conversation while its requests are added up."""

    started: float = math.inf
    ended: float = -math.inf
    models: dict[str, None] = field(default_factory=dict)
    days: dict[str, list[float]] = field(default_factory=dict)
    unpriced: dict[str, int] = field(default_factory=dict)
    prices: dict[int, tuple[int, float]] = field(default_factory=dict)
    bases: dict[int, None] = field(default_factory=dict)

    @property
    def basis(self) -> Basis:
        """How the tokens were metered; of several ways the one that says least."""
        found = [BASES[one] for one in self.bases]
        return next((one for one in _BASES if one in found), "estimated")


_BASES: tuple[Basis, ...] = ("simulated", "measured")


def summed(
    columns: RequestColumns,
    about: Mapping[str, Any],
    *,
    since: float = 0.0,
    seen: Set[int] = frozenset(),
) -> Iterator[LoggedSession]:
    """The conversations of a log, without requests before ``since`` and replies that are ``seen`` already.

    ``about`` are the values of LoggedSession that all conversations of the log share.
    """
    found: dict[int, _Summing] = {}
    days = _Days()
    for values in zip(rows(columns, ROWS), rows(columns, COUNTS), strict=True):
        (conversation, model, price, identity, at, basis), counts = values
        if at >= since and identity not in seen:
            one = found.setdefault(int(conversation), _Summing())
            _add(one, columns.models[int(model)], int(price), at, days.of(at), counts)
            one.bases[int(basis)] = None
    for conversation, one in found.items():
        name, of_agent = columns.conversations[conversation]
        prices = {PriceRow(*columns.prices[row]): counted for row, counted in one.prices.items()}
        yield LoggedSession(
            name=name,
            started=one.started,
            ended=one.ended,
            sub_agent=of_agent,
            models=tuple(one.models),
            days={day: _day(sums) for day, sums in one.days.items()},
            unpriced=one.unpriced,
            prices=prices,
            basis=one.basis,
            **about,
        )


def _add(one: _Summing, model: str, price: int, at: float, day: str, counts: tuple[float, ...]) -> None:
    usd = counts[_USD]
    known = usd == usd  # NaN is not
    sums = one.days.get(day)
    if sums is None:
        sums = one.days[day] = [0.0] * len(_SUMS)
    sums[0] += 1
    for at_sum, value in enumerate(counts if known else counts[:_USD], start=2):
        sums[at_sum] += value
    one.started, one.ended = min(one.started, at), max(one.ended, at)
    one.models[model] = None
    if known:
        requests, dollars = one.prices.get(price, (0, 0.0))
        one.prices[price] = requests + 1, dollars + usd
    else:
        sums[1] += 1
        one.unpriced[model] = one.unpriced.get(model, 0) + 1


_USD = COUNTS.index("usd")


def _day(sums: list[float]) -> DaySums:
    counted = [int(value) for value in sums[: _USD + 2]]
    return DaySums(*counted, *sums[_USD + 2 :])


class _Days:
    """Names days; requests come mostly in their order, so that few are looked up."""

    def __init__(self) -> None:
        self._from, self._to, self._name = 0.0, 0.0, ""

    def of(self, at: float) -> str:
        """The local day of a time."""
        if not self._from <= at < self._to:
            here = datetime.fromtimestamp(at)
            self._from = here.replace(hour=0, minute=0, second=0, microsecond=0).timestamp()
            self._to, self._name = self._from + 23 * 3600, f"{here:%Y-%m-%d}"  # days of 23 hours exist
        return self._name


def totals(sessions: Iterable[LoggedSession]) -> dict[str, Any]:
    """The sums over sessions: all together, by day and by project, as JSON."""
    whole, days, projects = DaySums(), dict[str, DaySums](), dict[str, DaySums]()
    unpriced, prices = dict[str, int](), dict[PriceRow, tuple[int, float]]()
    for one in sessions:
        for day, sums in one.days.items():
            whole.add(sums)
            days.setdefault(day, DaySums()).add(sums)
            projects.setdefault(one.project, DaySums()).add(sums)
        for model, count in one.unpriced.items():
            unpriced[model] = unpriced.get(model, 0) + count
        for row, (requests, usd) in one.prices.items():
            known = prices.get(row, (0, 0.0))
            prices[row] = known[0] + requests, known[1] + usd
    return {
        **whole.value(),
        "unpriced": [{"model": model, "requests": count} for model, count in unpriced.items()],
        "prices": listed_rows(prices),
        "by_day": [{"day": day, **days[day].value()} for day in sorted(days)],
        "by_project": [{"project": name, **sums.value()} for name, sums in sorted(projects.items())],
    }
