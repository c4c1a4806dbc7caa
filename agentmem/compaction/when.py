"""When to compact, and how much may stay: settings, and the rules that decide. Pure functions of a view.

The trigger is the economic order quantity of inventory theory (F. W. Harris, 1913). What a request carries beyond the
least costs a cache read each time, like stock that is held; a compaction costs a fixed amount, like an order. The
best growth between two compactions is then the square root of 2 × fixed cost × growth a request ÷ holding cost.
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
"""limit: the context nears the budget. growth: it pays by now. idle: the cache is about to expire. asked: somebody
said so."""

NEAR = 0.97
"""The share of the budget above which the context is compacted, whatever it costs."""
ASKING = 800
"""Tokens of the instruction to a summariser, its list of entries apart: they too must fit into the budget."""
LEAST_GAIN = 3_000
"""Tokens that a compaction must be able to remove."""
ROOM = 10_000
"""Tokens of budget beyond what a compaction leaves, without which a thread would do nothing but compact."""
WIDE = 120_000
"""Budgets from here on wait longer and get a larger index, with their square: who gives room wants to see much."""
LAMBDAS: dict[Quality, float] = {1: 1.5, 2: 2.5, 3: 3.5}
"""How far beyond the cheapest growth to wait, by quality: what is still in view need not be asked for."""
RETAINED: dict[Quality, int] = {1: 0, 2: 0, 3: 8_000}
IDLE_SHARE = 0.5
"""The share of the best growth from which it pays to compact before the cache expires."""
TYPICAL = Rates(1.0, 0.1, 1.25, 2.0, 5.0)
"""Prices where none are known: the proportions that most providers of cached models ask."""


@dataclass(frozen=True, slots=True)
class Compaction:
    """How a thread is compacted. Sizes are tokens, and those of a budget of FULL or more.

    ``quality`` 1 saves most, 3 keeps most in view. ``tail`` of the newest turns stays as it is; ``retained`` are the
    tool results used last; ``users`` the newest messages of people, each up to ``user``. ``paths`` and ``commands`` are
    lists of those that calls named, ``files`` lines of files as they were last seen, up to ``file`` of each while
    others wait. ``summary``, ``index`` with its ``names``, and ``fresh`` names that nobody used yet, may stand for the
    rest. A model is asked for a summary again once people and it have ``said`` so many tokens of text since the last;
    until then that one stays, with the newest replies behind it. 0 asks at every compaction. ``warm`` compacts
    ``lead`` seconds before the cache expires in a pause:
    None means while a run is streamed. ``attempts`` is how often a model is asked for a summary before a mechanical
    one is made.
    """

    quality: Quality = 2
    tail: int = 2_000
    retained: int | None = None
    users: int = 1_000
    user: int = 1_000
    summary: int = 500
    index: int = 300
    names: int = 400
    fresh: int = 0
    paths: int = 2_500
    commands: int = 600
    files: int = 7_000
    file: int = 1_000
    said: int = 2_000
    warm: bool | None = None
    lead: float = 30.0
    attempts: int = 2

    def __post_init__(self) -> None:
        check_fields("Compaction", self, _WANTED)
        if self.quality not in LAMBDAS:
            raise ConfigError(f"the quality of a compaction is 1, 2 or 3, and {self.quality!r} is not")
        for name in (*_SIZES, *(("retained",) if self.retained is not None else ())):
            if getattr(self, name) < 0:
                raise ConfigError(f"{name} of a compaction must not be below 0, and {getattr(self, name)} is")
        if not 0 <= self.lead < SHORTEST:
            raise ConfigError(
                f"lead is the seconds before a cache expires, from 0 to below {SHORTEST:.0f}, and {self.lead} is not"
            )

    @property
    def kept_results(self) -> int:
        """Tokens of retained results."""
        return RETAINED[self.quality] if self.retained is None else self.retained

    @property
    def least(self) -> int:
        """Tokens that a compaction leaves beside the prefix and the people's messages, at most."""
        listed = self.index + self.names + self.fresh + self.paths + self.commands
        return self.tail + self.kept_results + self.summary + listed + self.files

    def sized(self, budget: int) -> "Compaction":
        """The same settings with sizes that suit ``budget``."""
        share, wide = min(1.0, budget / FULL), _wide(budget)
        if share == wide == 1:
            return self
        sizes = {name: round(getattr(self, name) * share) for name in _SHARED}
        sizes |= {name: round(getattr(self, name) * share * wide) for name in _NAMED}
        return replace(self, retained=round(self.kept_results * share), **sizes)


_SHARED = ("tail", "users", "user", "summary", "paths", "commands", "files", "file", "said")
_NAMED = ("index", "names", "fresh")
_SIZES = (*_SHARED, *_NAMED, "attempts")
_WANTED: Mapping[str, Wanted] = {
    **dict.fromkeys(("quality", *_SIZES), WHOLE),
    "retained": WHOLE | NOTHING,
    "warm": FLAG | NOTHING,
    "lead": NUMBER,
}


@dataclass(frozen=True, slots=True)
class ContextState:
    """What the triggers look at, in the provider's tokens.

    ``context`` is the whole context, ``prefix`` its tools and system, ``least`` what a compaction would leave,
    ``growth`` a request's and ``since`` the one since the last cut. ``gain`` is the least that must be won,
    ``asking`` what a request for a summary takes beyond the context.
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
    """The state of a view. ``estimate`` is its size in the provider's tokens, where that is not ours."""
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
"""When a request is due: the first rule that holds is why the context is compacted before it."""
PAUSES: tuple[tuple[Reason, Callable[[ContextState], bool]], ...] = (("limit", _limit), ("idle", _idle))
"""The same in a pause, while the cache is still warm."""


def due(now: ContextState, *, pause: bool = False) -> Reason | None:
    """Why the context should be compacted now, if it should. ``pause``: nothing will be asked for a while."""
    return next((reason for reason, holds in (PAUSES if pause else TRIGGERS) if holds(now)), None)


def best_growth(now: ContextState) -> float:
    """ΔC*: the growth between compactions at which reading and compacting together cost least, in tokens."""
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


def check_budget(view: View, settings: Compaction, budget: int) -> None:
    """Raises ConfigError when a compaction could not leave room to work in."""
    prefix = sum(one.tokens for one in view.prefix)
    needed = least_budget(prefix, view.users, settings, budget)
    if budget < needed:
        room = round(ROOM * min(1.0, budget / FULL))
        raise ConfigError(
            f"a budget of {budget:,} tokens leaves no room to work: tools and system take {prefix:,}, what a "
            f"compaction keeps {needed - prefix - room:,}, and {room:,} must be free. Raise the "
            f"budget to {needed:,} or more, give fewer tools or pinned pages, or pass compaction=None"
        )
