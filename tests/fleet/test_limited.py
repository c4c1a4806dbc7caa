"""A model behind a gate: what is reserved, what is settled, and waits that are said."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from agentmem.errors import FleetHalted, ModelOverloaded
from agentmem.fleet.board import Permit
from agentmem.fleet.limited import LimitedModel
from agentmem.models.scripted import ScriptedModel
from agentmem.types import Delta, Model, Options, Reply, Request, TextDelta, Usage, Waiting
from tests.fleet.agents import PRICED

REQUEST = Request("claude-sonnet-5-5", (), (), (), Options(max_tokens=1000), estimate=10_000)


@dataclass
class Noted:
    """A gate that gives these permits in turn, and notes what was settled."""

    permits: list[Permit] = field(default_factory=lambda: [Permit()])
    reserved: list[float] = field(default_factory=list)
    settled: list[tuple[float, Usage | None]] = field(default_factory=list)
    starts: int = 0

    def reserve(self, usd: float, tokens: int) -> Permit:
        self.reserved.append(usd)
        return self.permits.pop(0)

    def settle(self, reserved: float, usd: float, usage: Usage | None) -> None:
        self.settled.append((usd, usage))

    def begun(self) -> None:
        self.starts += 1


class Broken(ScriptedModel):
    """Breaks off after the first words."""

    def stream(self, request: Request) -> Iterator[Delta]:
        yield TextDelta("I be")
        raise ModelOverloaded("gone")


def test_it_is_a_model() -> None:
    """And the profile is the other model's."""
    model: Model = LimitedModel(ScriptedModel(["ok"], profile=PRICED), Noted())
    assert model.profile == PRICED
    model.close()


def test_the_most_is_reserved_and_what_it_took_is_settled() -> None:
    """Nothing cached and the longest reply, at the model's prices; the reply's own usage afterwards."""
    gate = Noted()
    deltas = list(LimitedModel(ScriptedModel(["ok"], profile=PRICED), gate).stream(REQUEST))
    reply = deltas[-1]
    assert isinstance(reply, Reply)
    ((usd, usage),) = gate.settled
    assert usage == reply.usage
    assert gate.reserved[0] > 10_000 * 3e-6
    assert 0 < usd < gate.reserved[0]
    assert gate.starts == 1


def test_a_wait_is_said_and_then_asked_again() -> None:
    """At most five seconds at a time, so that a stop is noticed."""
    gate, paused = Noted([Permit(60.0), Permit(0.5), Permit()]), list[float]()
    model = LimitedModel(ScriptedModel(["ok"]), gate, pause=paused.append)
    waits = [one.seconds for one in model.stream(REQUEST) if isinstance(one, Waiting)]
    assert waits == paused == [5.0, 0.5]


def test_a_refused_request_is_not_sent() -> None:
    """Nothing is reserved or settled for it."""
    scripted, gate = ScriptedModel(["ok"]), Noted([Permit(refused="no dollars left")])
    with pytest.raises(FleetHalted, match="was not sent: no dollars left"):
        list(LimitedModel(scripted, gate).stream(REQUEST))
    assert (scripted.requests, gate.settled) == ([], [])


def test_a_request_without_a_reply_gives_back_or_counts_in_full() -> None:
    """In full if words had come: the provider bills them, and nobody told how many."""
    refused, broken = Noted(), Noted()
    with pytest.raises(ModelOverloaded):
        list(LimitedModel(ScriptedModel([ModelOverloaded("no")], profile=PRICED), refused).stream(REQUEST))
    with pytest.raises(ModelOverloaded):
        list(LimitedModel(Broken([], profile=PRICED), broken).stream(REQUEST))
    assert refused.settled == [(0.0, None)]
    assert broken.settled == [(broken.reserved[0], None)]


def test_asyncio_asks_the_same_gate() -> None:
    """With its waits and its settlement."""
    gate = Noted([Permit(0.001), Permit()])

    async def heard() -> list[Delta]:
        return [one async for one in LimitedModel(ScriptedModel(["ok"]), gate).astream(REQUEST)]

    kinds = [type(one) for one in asyncio.run(heard())]
    assert (kinds[0], kinds[-1]) == (Waiting, Reply)
    assert len(gate.settled) == 1
