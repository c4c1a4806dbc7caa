"""Fidelity: what is still in view after the first, third and tenth cut of a conversation, under each policy.

No model is asked: policies get the same extract as their summary, and the judge compares words. A score says what a
policy's machinery keeps by itself; a model's summary may keep more, and nothing makes it.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from agentmem.replay.fidelity_items import KINDS, FidelityItem, FidelityKind, items
from agentmem.replay.fidelity_sight import SeenRequest
from agentmem.replay.layout import Layout, Strip
from agentmem.replay.policies import Arrival, Maker, Policy, Sent, Terms
from agentmem.replay.session import Exchange, SessionOpening
from agentmem.types import Ttl

CUTS = (1, 3, 10)
"""After which cuts a conversation is looked at."""
LAST = 0
"""Stands for the last cut, however many there were: about the same place of a conversation under every policy."""
LOST = 40
"""Things that are named as lost, for each policy and number of cuts, at most."""
_WIDTH = 200  # characters of one of them


@dataclass(frozen=True, slots=True)
class LostItem:
    """Something that should have been in view: of which conversation, and at which request."""

    session: str
    request: int
    kind: FidelityKind
    text: str


@dataclass(slots=True)
class FidelityScore:
    """What was due and what was in view after one number of cuts, over conversations that had as many.

    ``kept`` are the tokens of the messages in the request right after the cut, ``cuts`` all that were made.
    """

    sessions: int = 0
    cuts: int = 0
    kept: int = 0
    due: Counter[FidelityKind] = field(default_factory=Counter)
    held: Counter[FidelityKind] = field(default_factory=Counter)
    lost: list[LostItem] = field(default_factory=list)

    def add(self, other: "FidelityScore") -> None:
        """Add another conversation's."""
        self.sessions += other.sessions
        self.cuts += other.cuts
        self.kept += other.kept
        self.due += other.due
        self.held += other.held
        self.lost += other.lost

    def share(self, kind: FidelityKind) -> float | None:
        """The share in view of what was due; None where nothing was."""
        return self.held[kind] / self.due[kind] if self.due[kind] else None

    def numbers(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "sessions": self.sessions,
            "cuts_made": self.cuts,
            "kept_tokens": round(self.kept / self.sessions) if self.sessions else None,
            **{kind: {"due": self.due[kind], "held": self.held[kind], "share": self.share(kind)} for kind in KINDS},
            "lost": [
                {"session": one.session, "request": one.request, "kind": one.kind, "text": one.text}
                for one in self.lost[:LOST]
            ],
            "lost_more": max(0, len(self.lost) - LOST),
        }


Scores = dict[int, FidelityScore]
"""Scores by number of cuts."""


@dataclass(frozen=True, slots=True)
class FidelityCase:
    """A conversation and what must survive in it. ``begins`` are the requests at which its person began anew."""

    name: str
    opening: SessionOpening
    exchanges: tuple[Exchange, ...]
    items: tuple[FidelityItem, ...]
    provider: str = "anthropic"
    ttl: Ttl = "5m"
    begins: frozenset[int] = frozenset()

    @classmethod
    def found(cls, name: str, opening: SessionOpening, exchanges: Sequence[Exchange], **more: Any) -> "FidelityCase":
        """A recorded conversation with what the detectors find in it."""
        return cls(name, opening, tuple(exchanges), tuple(items(exchanges)), **more)


def measure(case: FidelityCase, make: Maker, budget: int, *, as_recorded: bool = False) -> Scores:
    """One policy's scores over one conversation.

    ``as_recorded``: the policy follows the recording's own cuts, so nothing is due that was said before its person
    cleared the context.
    """
    policy = make(Terms(case.opening, budget, case.provider, case.ttl))
    try:
        return dict(_followed(case, policy, as_recorded))
    finally:
        policy.close()


def _followed(case: FidelityCase, policy: Policy, as_recorded: bool) -> Iterator[tuple[int, FidelityScore]]:
    head, before, cuts, begun = Strip(case.opening.head), None, 0, 0
    last: tuple[Layout, int, int] | None = None
    for number, one in enumerate(case.exchanges):
        cleared = as_recorded and number in case.begins
        begun = number if cleared else begun
        layout = _layout(head, policy.send(_arrival(one)))
        if before is not None and not cleared and _cut(before, layout):
            cuts, last = cuts + 1, (layout, number, begun)
            if cuts in CUTS:
                yield cuts, _judged(case, *last, cuts)
        policy.reply(one.reply)
        before = layout
    if last is not None:
        yield LAST, _judged(case, *last, cuts)


def _arrival(one: Exchange) -> Arrival:
    return Arrival(one.at, one.model, one.arrived, one.cut, one.settings, one.marks, one.head)


def _layout(head: Strip, sent: Sequence[Sent]) -> Layout:
    """The request for the answer, behind the conversation's own head."""
    asked = next(one for one in reversed(sent) if one.summary is None)
    return Layout("", len(head), "", (head.run(), *asked.runs))


def _cut(before: Layout, after: Layout) -> bool:
    """Whether something left: the request does not go on from the one before, and is shorter."""
    return after.tokens < before.tokens and not after.begins_with(before)


def _judged(case: FidelityCase, layout: Layout, number: int, begun: int, cuts: int) -> FidelityScore:
    seen = SeenRequest(layout)
    score = FidelityScore(1, cuts, layout.tokens - sum(one.tokens for one in case.opening.head))
    for one in case.items:
        held = seen.holds(one) if one.due(number, begun) else None
        if held is not None:
            score.due[one.kind] += 1
            score.held[one.kind] += held
        if held is False:
            score.lost.append(LostItem(case.name, number, one.kind, one.label[:_WIDTH]))
    return score


def total(scores: Iterable[Mapping[int, FidelityScore]]) -> Scores:
    """Scores of several conversations together."""
    added = {cuts: FidelityScore() for cuts in (*CUTS, LAST)}
    for one in scores:
        for cuts, score in one.items():
            added[cuts].add(score)
    return added


def row(policy: str, scores: Mapping[int, FidelityScore], missing: str | None = None) -> dict[str, Any]:
    """One policy's figures as JSON."""
    after = [{"cuts": cuts or "last", **score.numbers()} for cuts, score in scores.items()]
    return {"schema": 1, "basis": "simulated", "policy": policy, "missing": missing, "after": after}
