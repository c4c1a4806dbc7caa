"""An agent's state as a transcript: its reducers, what others lay over it, and which lane follows it."""

from typing import Any

from langchain_core.messages import AIMessage, AnyMessage, HumanMessage, ToolMessage

from agentmem.context.offload import Offload
from agentmem.integrations.langchain_state import (
    Lane,
    Lanes,
    MiddlewareState,
    added_cuts,
    added_rows,
    overlay,
    repaired,
)
from agentmem.transcript.transcript import Opening


def lane(messages: list[AnyMessage]) -> Lane:
    made = Lane(Opening("m", provider="anthropic"), Offload(), frozenset())
    assert made.follow(messages, [])
    return made


def said(*names: str) -> list[AnyMessage]:
    return [HumanMessage(name, id=name) for name in names]


def test_only_the_newest_cuts_are_kept_whole() -> None:
    """Of older ones their places stay, so that a state does not grow by whole cuts."""
    cuts: list[dict[str, Any]] = []
    for number in range(4):
        cuts = added_cuts(cuts, [{"after": f"m{number}", "seq": number, "data": "{}"}])
    assert ["data" in one for one in cuts] == [False, False, True, True]
    assert [(one["after"], one["seq"]) for one in cuts] == [(f"m{number}", number) for number in range(4)]


def test_rows_are_added_in_any_batches() -> None:
    """As a channel of deltas demands: two writes at once are the same as one after the other."""
    one, two = [{"at": 1}], [{"at": 2}, {"at": 3}]
    assert added_rows(added_rows([], [one]), [two]) == added_rows([], [one, two]) == [*one, *two]


def test_the_fields_are_private() -> None:
    """They are no part of an agent's input or output."""
    assert {name for name in MiddlewareState.__annotations__ if name.startswith("agentmem")} == {
        "agentmem_cuts",
        "agentmem_ledger",
    }


def test_what_lies_over_a_state_is_told_apart() -> None:
    """Nothing, another form of a message, messages at the end; and what has no place is counted."""
    state = said("a", "b", "c")
    assert overlay(state, list(state)).changed == {}
    other = HumanMessage("B", id="b")
    laid = overlay(state, [state[0], other, state[2], HumanMessage("hint")])
    assert laid.changed == {"b": other} and [one.text for one in laid.behind] == ["hint"] and laid.ignored == 0
    assert overlay(state, [state[0], HumanMessage("in between"), state[2]]).ignored == 2


def test_answers_that_langchain_writes_to_unread_calls_belong_to_the_state() -> None:
    """They are stored behind the request; other additions are not taken for them."""
    broken: Any = {"id": "c", "name": "look", "args": "{", "error": None, "type": "invalid_tool_call"}
    state: list[AnyMessage] = [HumanMessage("a", id="a"), AIMessage("", id="b", invalid_tool_calls=[broken])]
    answered = [*state, ToolMessage("unreadable", tool_call_id="c")]
    assert repaired(state, answered) == answered
    assert repaired(state, [*state, HumanMessage("hint")]) is state


def test_a_lane_follows_what_goes_on_alone() -> None:
    """More messages, also read anew; not an edit, and not a state that went back."""
    made = lane(said("a", "b"))
    assert made.follow(said("a", "b", "c"), []) and made.first == "a"
    assert not made.follow(said("a", "b"), [])
    assert not made.follow([HumanMessage("A", id="a"), *said("b", "c")], [])
    assert made.follow(said("a", "b", "c", "d"), [])


def test_lanes_are_found_by_kind_and_first_message() -> None:
    """One belongs to one request at a time; the oldest leave when there are too many."""
    lanes = Lanes(keep=2)
    first, second = lane(said("a")), lane(said("b"))
    lanes.give("x", first)
    lanes.give("x", second)

    def taken(kind: Any, name: str) -> Lane:
        return lanes.take(kind, name, lambda: lane(said(name)), lambda one: one.follow(said(name), []))[1]

    assert taken("y", "a") is not first
    assert taken("x", "a") is first
    assert taken("x", "a") is not first  # it is in use
    assert taken(None, "b") is second
    for one in (second, first, lane(said("c"))):
        lanes.give("x", one)
    assert taken("x", "b") is not second and taken("x", "a") is first
