"""Policies: what they send, and that none sees what is still to come."""

import random
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from agentmem.errors import ConfigError
from agentmem.replay.ours import OURS
from agentmem.replay.peers import PEERS, missing
from agentmem.replay.policies import POLICIES, Arrival, Sent, Terms
from agentmem.replay.registry import maker
from agentmem.replay.session import Exchange, RecordedSession, opening
from agentmem.types import Frame
from tests.replay.logs import working

BUDGET = 24_000  # 4,000 beside the opening
UNINSTALLED = {name: pytest.mark.skipif(bool(missing(name)), reason="needs the extra bench") for name in PEERS}
NAMES = [*POLICIES, *OURS, *(pytest.param(name, marks=mark) for name, mark in UNINSTALLED.items())]


def sent(name: str, exchanges: Sequence[Exchange], terms: Terms) -> list[list[tuple[tuple[Frame, ...], bool]]]:
    """The frames of every request that a policy makes, by exchange."""
    policy = maker(name)(terms)
    found = []
    for one in exchanges:
        requests = policy.send(Arrival(one.at, one.model, one.arrived, one.cut, one.settings))
        found.append([(frames(request), request.cut) for request in requests])
        policy.reply(one.reply)
    policy.close()
    return found


def frames(request: Sent) -> tuple[Frame, ...]:
    return tuple(frame for run in request.runs for frame in run)


@pytest.fixture
def session(tmp_path: Path) -> RecordedSession:
    return working(12).session(tmp_path)


@pytest.mark.parametrize("name", NAMES)
def test_no_policy_sees_the_future(name: str, session: RecordedSession) -> None:
    """Shuffling what comes after a moment changes no request up to it."""
    terms = Terms(opening(session), BUDGET)
    for moment in (5, 20, 35):
        later = list(session.exchanges[moment:])
        random.Random(moment).shuffle(later)
        plain = sent(name, session.exchanges, terms)[:moment]
        shuffled = sent(name, [*session.exchanges[:moment], *later], terms)[:moment]
        assert texts(plain) == texts(shuffled)


def texts(requests: list[list[tuple[tuple[Frame, ...], bool]]]) -> list[list[tuple[bytes, ...]]]:
    """The requests as bytes."""
    return [[tuple(frame.data for frame in found) for found, _ in group] for group in requests]


def test_append_only_sends_everything(session: RecordedSession) -> None:
    """Each request is the one before, its reply and what has arrived; the budget does not matter."""
    requests = sent("append-only", session.exchanges, Terms(opening(session), 1_000))
    whole: tuple[Frame, ...] = opening(session).reminders
    for exchange, ((found, cut),) in zip(session.exchanges, requests, strict=True):
        whole = (*whole, *exchange.arrived)
        assert found == whole and not cut
        whole = (*whole, *exchange.reply)


def test_sliding_keeps_the_newest_that_fit(session: RecordedSession) -> None:
    """No request is over the budget; each ends with what has arrived, and no result is without its call."""
    begun = opening(session)
    requests = sent("sliding", session.exchanges, Terms(begun, BUDGET))
    for exchange, ((found, _),) in zip(session.exchanges, requests, strict=True):
        assert sum(frame.tokens for frame in (*begun.head, *found)) <= BUDGET
        assert found[-len(exchange.arrived) :] == exchange.arrived
        calls = {frame.value["id"] for frame in found if frame.value["type"] == "tool_use"}
        assert all(frame.value["tool_use_id"] in calls for frame in found if frame.value["type"] == "tool_result")


def test_recorded_cuts_where_the_recording_did(tmp_path: Path) -> None:
    """After a compaction the recorded policy sends the summary and what the client restores."""
    log = working(2)
    log.add("system", None, subtype="compact_boundary")
    log.prompt("Summary.", isCompactSummary=True)
    log.reply("after", {"type": "text", "text": "On."})
    session = log.session(tmp_path)
    ((found, cut),) = sent("recorded", session.exchanges, Terms(opening(session), BUDGET))[-1]
    assert cut and [frame.value.get("text") for frame in found] == [None, "Summary.", None]


def test_an_unknown_policy_is_named_with_those_there_are() -> None:
    """A wrong name is a ConfigError that lists the right ones."""
    with pytest.raises(ConfigError, match=r"append-only.*langchain-summarization"):
        maker("append")


@pytest.mark.parametrize("name", NAMES)
def test_an_empty_arrival_is_no_trouble(name: str, session: RecordedSession) -> None:
    """Recordings have requests before which nothing new arrived."""
    first, second, *_ = session.exchanges
    exchanges = [first, replace(second, arrived=()), second]
    assert len(sent(name, exchanges, Terms(opening(session), BUDGET))) == 3
