"""agentmem.kvcache.why.diagnosis, on faults that tests/agents puts into an agent's traffic."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from agentmem.integrations.observing import completed, observe
from agentmem.kvcache.frames import Frames, body_frames, wire
from agentmem.kvcache.why.diagnosis import Finding, diagnose
from agentmem.kvcache.why.observed import ObservedRequest
from agentmem.types import Usage
from tests.agents.coding import START, CodingAgent, Turn
from tests.agents.faults import (
    CLEAN,
    COMBINED,
    FAULTS,
    Faulty,
    Traffic,
    clean,
    never_marked,
    time_in_system,
    tool_added,
)
from tests.agents.provider import answered


def clean_body(turn: Any, body: Any) -> Any:
    """The body as it is."""
    return body


WAYS = [(cause, way) for cause, ways in FAULTS.items() for way in ways]


def observed(traffic: Traffic, **changes: Any) -> list[ObservedRequest]:
    make = Frames()
    requests = [observe(line, number, make) for number, line in enumerate(answered(traffic), 1)]
    return completed(replace(one, **changes) for one in requests)


def found(faulty: Faulty, seed: int = 11) -> list[Finding]:
    return diagnose(observed(faulty(seed)))


@pytest.mark.parametrize(("cause", "way"), WAYS)
def test_the_right_cause_is_named(cause: str, way: str) -> None:
    """Every fault, however it is made, is found by its cause, and nothing else is."""
    assert {one.cause for one in found(FAULTS[cause][way])} == {cause}


@pytest.mark.parametrize("title", COMBINED)
def test_two_faults_at_once(title: str) -> None:
    """Two faults in one agent are both named."""
    expected, faulty = COMBINED[title]
    assert {one.cause for one in found(faulty)} == expected


def test_a_clean_run_has_no_findings() -> None:
    """A run without faults has no findings, also with helpers and other models beside the agent."""
    assert diagnose(observed(clean(11, 120))) == []


@pytest.mark.parametrize("title", CLEAN)
def test_clean_agents_of_other_kinds(title: str) -> None:
    """Chats, thinking that the provider strips, and single questions have no findings."""
    assert found(CLEAN[title]) == []


def test_a_finding_says_where_and_what() -> None:
    """The byte is that of the wire form, the text around it is shown, and the loss is that of the usage."""
    requests = observed(CodingAgent(5, turns=4, fault=time_in_system).requests())
    first, *_ = diagnose(requests)
    assert (first.request, first.previous, first.segment, first.block) == (2, 1, "system", 0)
    assert first.before is not None
    assert first.after is not None
    assert "The current time is 2026-11-" in first.before
    assert first.before != first.after
    assert first.tokens_lost == requests[0].used.input_tokens - requests[0].used.uncached_tokens
    assert first.usd_lost
    assert "new message at the end" in first.fix


def test_the_byte_is_that_of_the_wire_form() -> None:
    """Up to the byte both wire forms agree, apart from frame headers, and there they differ."""
    bodies = [body for _, body in CodingAgent(5, turns=2, fault=tool_added_now).requests()]
    [finding] = diagnose(observed(CodingAgent(5, turns=2, fault=tool_added_now).requests()))
    data = wire(body_frames(bodies[1]))
    assert finding.byte is not None
    assert data[finding.byte :].startswith(b"tool ")
    assert wire(body_frames(bodies[0]))[: finding.byte] == data[: finding.byte]


def tool_added_now(turn: Any, body: Any) -> Any:
    """A tool is added with the second request."""
    return tool_added(replace(turn, number=turn.number + 13), body)


def test_losses_are_not_counted_twice() -> None:
    """The findings of two faults in one request share the loss that one of them would have alone."""
    _, faulty = COMBINED["time in the system, tools in another order"]
    requests = observed(faulty(3))
    by_request: dict[int, int] = {}
    for one in diagnose(requests):
        by_request[one.request] = by_request.get(one.request, 0) + one.tokens_lost
    usage = {one.number: one.used for one in requests}
    for number, lost in by_request.items():
        assert lost <= usage[number - 1].input_tokens - usage[number].cache_read_tokens


def test_a_declared_cut_is_said_to_be_one() -> None:
    """A compaction that the run recorded is a finding, and declared."""
    requests = observed(FAULTS["compaction"]["compacted_for_good"](3), thread="t")
    known = [replace(one, cuts=int(one.number > 20)) for one in requests]
    [finding] = diagnose(known)
    assert (finding.request, finding.cause, finding.declared) == (21, "compaction", True)
    assert [one.declared for one in diagnose(requests)] == [False]


def test_what_nothing_explains_is_said_to_be_unexplained() -> None:
    """A prefix that the provider dropped has a finding without a cause, not with a guess."""
    requests = observed(CodingAgent(5, turns=6).requests())
    used = requests[4].used
    lost = replace(used, cache_read_tokens=0, cache_write_5m_tokens=used.input_tokens, cache_write_1h_tokens=0)
    requests[4] = replace(requests[4], usage=lost)
    [finding] = diagnose(requests)
    assert (finding.request, finding.cause, finding.segment) == (5, None, None)


def test_the_fix_of_an_expiry_says_how_long_it_was() -> None:
    """The fix of an expiry states the idle time and the lifetime."""
    [finding] = found(FAULTS["expiry"]["twenty_minutes"])
    assert "unused for 21 minutes" in finding.fix
    assert "lives for 5 minutes" in finding.fix


def unmarked_time(turn: Any, body: Any) -> Any:
    """The time in the system prompt, and no breakpoint anywhere."""
    return never_marked(turn, time_in_system(turn, body))


@pytest.mark.parametrize(
    ("tools", "fault", "reported", "expected"),
    [
        (1, unmarked_time, True, {"volatile_text", "breakpoint_missing"}),
        (40, unmarked_time, True, {"volatile_text", "breakpoint_missing"}),
        (1, time_in_system, False, {"volatile_text"}),
        (40, time_in_system, False, {"volatile_text"}),
        (3, clean_body, False, {None}),
        (40, never_marked, True, {"breakpoint_missing"}),
    ],
)
def test_a_breakpoint_is_missing_only_where_one_would_help(
    tools: int, fault: Any, reported: bool, expected: set[str | None]
) -> None:
    """Not below the model's minimum, not where one stands, and nothing is lost twice.

    A provider whose usage says nothing of its cache cannot make a breakpoint missing that stands in the request.
    """
    requests = observed(CodingAgent(5, turns=6, tools=tools, fault=fault).requests())
    if not reported:
        requests = [replace(one, usage=Usage("measured", one.used.input_tokens)) for one in requests]
    findings = diagnose(requests)
    assert {one.cause for one in findings} == expected
    usage = {one.number: one.used for one in requests}
    for number in {one.request for one in findings}:
        lost = sum(one.tokens_lost for one in findings if one.request == number)
        assert lost <= usage[number - 1].input_tokens - usage[number].cache_read_tokens


def test_a_short_beginning_is_no_finding() -> None:
    """A conversation that reaches the minimum within a few requests has no finding for its first ones."""
    grows = CodingAgent(
        2, turns=10, words=40, tools=3, model="claude-opus-4-6", result_words=(900, 1200), started=START
    )
    assert diagnose(observed(grows.requests())) == []


def test_secrets_do_not_show_in_a_diff() -> None:
    """A changed key is reported as a difference, and is not printed."""

    def key(turn: Any, body: Any) -> Any:
        body["system"][0]["text"] += f" Use the key sk-{'abcdefgh'[turn.number] * 24} for builds."
        return body

    first, *_ = diagnose(observed(CodingAgent(5, turns=3, fault=key).requests()))
    assert first.before is not None
    assert first.after is not None
    assert "[redacted]#1" in first.before
    assert "[redacted]#2" in first.after


def runs(*began: float, clock: bool = True) -> list[ObservedRequest]:
    """Runs of one agent, whose prompt says when each began, and which all have another task."""

    def traffic() -> Traffic:
        for at in began:

            def told(turn: Turn, body: Any, at: float = at) -> Any:
                body["system"][0]["text"] += f"\nThis run began at {datetime.fromtimestamp(at, UTC):%H:%M:%S}." * clock
                body["messages"][0]["content"][0]["text"] += f" It is the task of {at:.0f}."
                return body

            yield from CodingAgent(5, turns=3, fault=told, started=at).requests()

    return observed(traffic())


def test_another_conversation_could_have_read_the_head() -> None:
    """A time in the prompt of each run is found though no request of one run changes it; its price is the head's."""
    requests = runs(START, START + 90)
    (one,) = diagnose(requests)
    assert (one.request, one.cause, one.segment) == (4, "volatile_text", "system")
    first, again = requests[0], requests[3]
    head = len(first.prompt.tools) + len(first.prompt.system)
    assert one.tokens_lost == first.stored(head) - again.used.cache_read_tokens > 0
    assert one.usd_lost


@pytest.mark.parametrize(
    "requests", [runs(START, START + 90, clock=False), runs(START, START + 7_300)], ids=["no clock", "expired"]
)
def test_another_conversation_that_lost_nothing(requests: list[ObservedRequest]) -> None:
    """Where the prompt is the same it is read, and where the cache had expired nothing could have been."""
    assert diagnose(requests) == []
