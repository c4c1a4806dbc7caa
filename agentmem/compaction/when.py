"""Decides when to compact and how much may stay: settings and rules, as pure functions of a view.

The trigger is the economic order quantity of inventory theory (F. W. Harris, 1913). The tokens that a request carries
beyond the least possible cost a cache read each time, like stock that is held; a compaction costs a fixed amount, like
an order. The best growth between two compactions is then the square root of 2 × fixed cost × growth a request ÷
holding cost.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from math import sqrt
from typing import Literal

from agentmem.checking import FLAG, NOTHING, NUMBER, WHOLE, Wanted, check_fields
from agentmem.context.offload import FULL
from agentmem.context.window import View
from agentmem.errors import ConfigError
from agentmem.kvcache.rules import SHORTEST
from agentmem.types import Rates

Quality = Literal[1, 2, 3]
Reason = Literal["limit", "growth", "idle", "asked"]
"""limit: the context is near the budget. growth: a compaction pays now. idle: the cache is about to expire. asked:
somebody asked for it."""

NEAR = 0.97
"""The share of the budget above which the context is compacted, whatever it costs."""
ASKING = 800
"""Tokens of the instruction to a summariser, without its list of entries. They must fit into the budget too."""
LEAST_GAIN = 3_000
"""The fewest tokens that a compaction must remove."""
ROOM = 10_000
"""Tokens of budget beyond what a compaction leaves. With fewer, a thread would only compact."""
WIDE = 120_000
"""Budgets above this wait longer and get a larger index, by the square of the ratio, to keep more in view."""
LAMBDAS: dict[Quality, float] = {1: 2.0, 2: 3.0, 3: 6.0}
"""The wait before a compaction, as a multiple of the cheapest growth, by quality: entries in view need no recall."""
RETAINED: dict[Quality, int] = {1: 0, 2: 0, 3: 8_000}
FILES: dict[Quality, int] = {1: 2_500, 2: 6_000, 3: 6_000}
"""The tokens for lines of files, by quality: with fewer, more files must be read again before they are edited."""
IDLE_SHARE = 0.25
"""The share of the best growth from which it pays to compact before the cache expires."""
TYPICAL = Rates(1.0, 0.1, 1.25, 2.0, 5.0)
"""Prices for a model without known ones: the usual proportions of providers with a cache."""


@dataclass(frozen=True, slots=True)
class Compaction:
    """The settings of compaction.

        Agent("anthropic:claude-sonnet-5-5", "notes", compaction=Compaction(quality=3))

    ``quality`` 1 saves most, 3 keeps most in view. The sizes are in tokens, for a budget of FULL or more; smaller
    budgets scale them down. ``tail`` is for the newest turns, which stay as they are; ``retained`` for the tool
    results used last (None: by quality); ``users`` for the newest messages of people, each up to ``user``;
    ``paths`` and ``commands`` for lists of those that calls named; ``files`` for lines of files as they were last
    seen (None: by quality), up to ``file`` of each while others wait; ``summary``, ``index``, ``names`` and
    ``fresh`` (names no call used yet) for what replaces the rest; ``standing`` for rules, corrections and facts
    beside the summary, ``trail`` for the list of files with their last state. A model is asked for a summary again
    once people and it have ``said`` so many tokens of text since the last; until then that one stays, with the
    newest replies behind it. 0 asks at every compaction. ``warm`` compacts in a pause, ``lead`` seconds before the
    cache expires; None does so only while a run is streamed. After ``attempts`` failed summaries by a model, a
    mechanical one is made. Raises ConfigError.
    """

    quality: Quality = 2
    tail: int = 0
    retained: int | None = None
    users: int = 1_000
    user: int = 1_000
    summary: int = 400
    index: int = 100
    names: int = 100
    fresh: int = 0
    paths: int = 500
    commands: int = 300
    files: int | None = None
    file: int = 3_500
    said: int = 16_000
    warm: bool | None = None
    lead: float = 30.0
    attempts: int = 2
    standing: int = 1_000
    trail: int = 600

    def __post_init__(self) -> None:
        check_fields("Compaction", self, _WANTED)
        if self.quality not in LAMBDAS:
            raise ConfigError(f"the quality of a compaction is 1, 2 or 3, and {self.quality!r} is not")
        for name in (*_SIZES, *_BY_QUALITY):
            if (getattr(self, name) or 0) < 0:
                raise ConfigError(f"{name} of a compaction must not be below 0, and {getattr(self, name)} is")
        if not 0 <= self.lead < SHORTEST:
            raise ConfigError(
                f"lead is the seconds before a cache expires, from 0 to below {SHORTEST:.0f}, and {self.lead} is not"
            )

    @property
    def kept_results(self) -> int:
        """The tokens for retained results."""
        return RETAINED[self.quality] if self.retained is None else self.retained

    @property
    def kept_lines(self) -> int:
        """The tokens for lines of files."""
        return FILES[self.quality] if self.files is None else self.files

    @property
    def least(self) -> int:
        """The most tokens that a compaction leaves beside the prefix and the messages of people."""
        listed = self.index + self.names + self.fresh + self.paths + self.commands + self.trail
        return self.tail + self.kept_results + self.summary + self.standing + listed + self.kept_lines

    def sized(self, budget: int) -> "Compaction":
        """The same settings with sizes for a ``budget`` in tokens."""
        share, wide = min(1.0, budget / FULL), _wide(budget)
        if share == wide == 1:
            return self
        sizes = {name: round(getattr(self, name) * share) for name in _SHARED}
        sizes |= {name: round(getattr(self, name) * share * wide) for name in _NAMED}
        return replace(self, retained=round(self.kept_results * share), files=round(self.kept_lines * share), **sizes)

    def giving_way(self, standing: int, trail: int) -> "Compaction":
        """The same settings with room for ``standing`` tokens that must stand, and for a ``trail`` of files.

        Lines of files give way, to the trail with half of their room at most, so that the sum stays.
        """
        room = self.kept_lines
        said = min(room, max(0, standing - self.standing))
        listed = min((room - said) // 2, max(0, trail - self.trail))
        return replace(self, standing=self.standing + said, trail=self.trail + listed, files=room - said - listed)


_SHARED = ("tail", "users", "user", "summary", "paths", "commands", "file", "said", "standing", "trail")
_NAMED = ("index", "names", "fresh")
_SIZES = (*_SHARED, *_NAMED, "attempts")
_BY_QUALITY = ("retained", "files")
_WANTED: Mapping[str, Wanted] = {
    **dict.fromkeys(("quality", *_SIZES), WHOLE),
    **dict.fromkeys(_BY_QUALITY, WHOLE | NOTHING),
    "warm": FLAG | NOTHING,
    "lead": NUMBER,
}


@dataclass(frozen=True, slots=True)
class ContextState:
    """The numbers that the triggers use, in the provider's tokens.

    ``context`` is the whole context, ``prefix`` its tools and system, ``least`` what a compaction would leave,
    ``growth`` the growth of a request and ``since`` the growth since the last cut. ``gain`` is the least gain that
    counts, ``asking`` the size of a request for a summary beyond the context.
    """

    context: int
    prefix: int
    least: int
    growth: float
    since: int
    budget: int
    gain: int
    asking: int
    quality: Quality
    output: int
    rates: Rates


def state(view: View, settings: Compaction, budget: int, rates: Rates | None = None, estimate: int = 0) -> ContextState:
    """The state of a view. ``estimate`` is its size in the provider's tokens; 0: our own count."""
    sized, scale = settings.sized(budget), estimate / view.tokens if estimate and view.tokens else 1.0
    prefix = sum(one.tokens for one in view.prefix)
    users = min(sized.users, view.users)
    return ContextState(
        context=round(view.tokens * scale),
        prefix=round(prefix * scale),
        least=round((prefix + users + sized.least) * scale),
        growth=view.pace.growth * scale,
        since=round((view.tokens - (view.tokens if view.pace.base is None else view.pace.base)) * scale),
        budget=budget,
        gain=round(LEAST_GAIN * min(1.0, budget / FULL)),
        asking=round((ASKING + sized.index) * scale),
        quality=settings.quality,
        output=sized.summary,
        rates=rates or TYPICAL,
    )


def _wide(budget: int) -> float:
    return max(1.0, budget / WIDE) ** 2


def _limit(now: ContextState) -> bool:
    return now.context > min(NEAR * now.budget, now.budget - now.asking)


def _growth(now: ContextState) -> bool:
    wait = LAMBDAS[now.quality] * _wide(now.budget)
    return now.since >= wait * best_growth(now) and now.context - now.least > now.gain


def _idle(now: ContextState) -> bool:
    return now.since >= IDLE_SHARE * best_growth(now) and now.context - now.least > now.gain


TRIGGERS: tuple[tuple[Reason, Callable[[ContextState], bool]], ...] = (("limit", _limit), ("growth", _growth))
"""The triggers before a request. The first rule that holds gives the reason for a compaction."""
PAUSES: tuple[tuple[Reason, Callable[[ContextState], bool]], ...] = (("limit", _limit), ("idle", _idle))
"""The triggers in a pause, while the cache is still warm."""


def due(now: ContextState, *, pause: bool = False) -> Reason | None:
    """The reason to compact the context now, or None. ``pause``: no request will come for a while."""
    return next((reason for reason, holds in (PAUSES if pause else TRIGGERS) if holds(now)), None)


def best_growth(now: ContextState) -> float:
    """ΔC*, in tokens: the growth between compactions at which reading and compacting together cost least."""
    plain = now.rates.uncached or 1.0
    read, write, output = (
        price / plain for price in (now.rates.cache_read, now.rates.cache_write_5m, now.rates.output)
    )
    fixed = read * now.context + output * now.output + (write - read) * (now.least - now.prefix)
    return sqrt(2 * max(0.0, fixed) * now.growth / read) if read else float("inf")


def least_budget(prefix: int, users: int, settings: Compaction, budget: int) -> int:
    """The tokens that must fit into ``budget``: tools and system, what a compaction keeps, and room to work in."""
    sized = settings.sized(budget)
    return prefix + min(sized.users, users) + sized.least + round(ROOM * min(1.0, budget / FULL))


def check_room(sentence: str, prefix: int, users: int, settings: Compaction, budget: int) -> None:
    """Raises ConfigError with a ``sentence`` of budget, prefix and needed tokens if they leave no room to work."""
    needed = least_budget(prefix, users, settings, budget)
    if budget < needed:
        raise ConfigError(sentence.format(budget=budget, prefix=prefix, needed=needed))


def check_budget(view: View, settings: Compaction, budget: int) -> None:
    """Raises ConfigError if a compaction would leave no room to work in."""
    prefix = sum(one.tokens for one in view.prefix)
    needed = least_budget(prefix, view.users, settings, budget)
    if budget < needed:
        room = round(ROOM * min(1.0, budget / FULL))
        raise ConfigError(
            f"a budget of {budget:,} tokens leaves no room to work: tools and system take {prefix:,}, what a "
            f"compaction keeps {needed - prefix - room:,}, and {room:,} must be free. Raise the "
            f"budget to {needed:,} or more, give fewer tools or pinned pages, or pass compaction=None"
        )


def room_behind(prefix: int, settings: Compaction, budget: int) -> int:
    """The tokens of results that fit behind one reply, whatever leaves before they are sent."""
    sized = settings.sized(budget)
    return round(NEAR * budget) - prefix - sized.least - sized.users - ASKING
