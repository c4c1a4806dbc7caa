"""Fallbacks: which model a thread goes on with when one does not answer, what the switch costs, and the way back.

A switch is an entry (`reconfigure`), so a thread says by itself which model it is on. What the former model has in its
cache is of no use to the next one, so the entry and the ledger's next row say what it costs to send that anew.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from math import inf
from typing import Any, Literal

from agentmem.errors import ConfigError, ModelNotAvailable, ModelOverloaded, ModelUnreachable
from agentmem.meter.ledger import RequestMeter
from agentmem.runtime.events import Switched
from agentmem.runtime.opening import continued
from agentmem.runtime.session import Session
from agentmem.scrub import scrub
from agentmem.transcript import transcript
from agentmem.transcript.transcript import Opening
from agentmem.types import Draft, Model, ModelProfile

Why = Literal["overload", "outage", "unknown", "refusal", "back", "route"]
"""The reason of a switch; ``back``: the time of the fallback is over; ``route``: the router moved the thread."""


@dataclass(frozen=True, slots=True)
class FallbackRule:
    """When a thread falls back: on these ``errors``, after the model's own retries. ``says`` explains it.

    The first run that begins ``back_after`` seconds later tries the first model again.
    """

    why: Why
    errors: tuple[type[Exception], ...]
    says: str
    back_after: float


RULES: tuple[FallbackRule, ...] = (
    FallbackRule("overload", (ModelOverloaded,), "{name} is overloaded or limits the rate", 300.0),
    FallbackRule("outage", (ModelUnreachable,), "{name} could not be reached or did not finish", 300.0),
    FallbackRule("unknown", (ModelNotAvailable,), "{name} is not there under this name and key", inf),
    FallbackRule("refusal", (), "{name} declined to answer", 0.0),
)
"""The reasons to fall back, in order; the first that fits an error counts. A refusal is no error, but a reply."""
BY_WHY = {rule.why: rule for rule in RULES}

AFTER_REFUSAL = "[Note] The reply before was broken off. Answer the person's last message."


@dataclass(frozen=True, slots=True)
class Lineup:
    """An agent's models, the first choice first. Two of them may not share provider and name. Raises ConfigError.

    With routes, ``targets`` are places besides, by name, each with its model. A thread says by itself which it is on.
    """

    models: tuple[Model, ...]
    targets: Mapping[str, Model] = field(default_factory=dict)

    def __post_init__(self) -> None:
        named = [title(one.profile) for one in self.models]
        if twice := next((name for name in named if named.count(name) > 1), None):
            raise ConfigError(
                f"{twice} stands twice among the model and its fallbacks; leave one out, or tell them apart by a "
                "model_profile with another provider"
            )

    def place(self, settings: Opening) -> int:
        """The place of the model that a thread is on; 0 if it is none of them."""
        for at, one in enumerate(self.models):
            if one.profile.name == settings.model and settings.provider in ("", one.profile.provider):
                return at
        return 0

    def model(self, settings: Opening | None) -> Model:
        """The model that answers a thread."""
        if settings is None:
            return self.models[0]
        return self.targets.get(settings.target) or self.models[self.place(settings)]

    def next(self, settings: Opening) -> Model | None:
        """The next choice after the model that a thread is on, or None."""
        return next(iter(self.models[self.place(settings) + 1 :]), None)


def title(profile: ModelProfile) -> str:
    return f"{profile.provider}:{profile.name}"


def rule_for(error: Exception) -> FallbackRule | None:
    """The rule for an error; None if another model would not help."""
    return next((rule for rule in RULES if isinstance(error, rule.errors)), None)


def is_over(session: Session, now: float) -> bool:
    """True if the thread's fallback is over, so that the first model is tried again."""
    switched = session.tally.switched
    rule = BY_WHY.get(switched["why"]) if switched else None
    return rule is None or switched is None or now - switched["at"] >= rule.back_after


@dataclass(frozen=True, slots=True)
class Switch:
    """A switch of a thread to ``model``: its entries, and its event. ``fresh`` are the settings of its new place."""

    session: Session
    model: Model
    fresh: Opening
    meter: RequestMeter
    at: float

    def entries(self, why: Why, detail: str = "", told: str = "") -> tuple[tuple[Draft, ...], Switched]:
        """The entries that make it, and the event that tells it. ``detail`` is the error's own text, ``told`` the
        router's reason."""
        known, to = self.session.view.settings, self.model.profile
        before = f"{known.provider}:{known.model}" if known.provider else known.model
        rule = BY_WHY.get(why)
        over = f"the fallback to {before} is over"
        says = rule.says.format(name=before) if rule else told if why == "route" else over
        tokens = self.session.tally.calibration.estimate(self.session.view.tokens) if self.session.view.turns else 0
        rates = self.meter.on(to).rates
        usd = tokens * max(0.0, rates.cache_write_5m - rates.cache_read) if rates else None
        event = Switched(self.session.thread, before, title(to), why, says, scrub(detail)[:200], tokens, usd)
        strips = to.plain_turn_strips_thinking
        fresh = replace(self.fresh, model=to.name, provider=to.provider, notes_in_results=strips)
        value: dict[str, Any] = {"why": why, "from": before, "to": event.after, "says": event.says}
        value |= {"tokens": tokens, "usd": usd, "at": round(self.at, 3)}
        drafts: tuple[Draft, ...] = (transcript.reconfigure(continued(known, fresh), value),)
        if why == "refusal":
            drafts += (transcript.note("reply", AFTER_REFUSAL, now=True),)
        return drafts, event
