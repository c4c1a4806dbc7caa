"""An agent's state as a transcript: its reducers, what others lay over it, and which folded follows it."""

from typing import Any

import pytest
from langchain_core.messages import AIMessage, AnyMessage, HumanMessage, ToolMessage

from agentmem.compaction.summarizing import drive
from agentmem.compaction.when import Compaction
from agentmem.context.offload import Offload
from agentmem.context.view import wire
from agentmem.integrations.langchain_state import (
    FoldedState,
    FoldedStates,
    MiddlewareState,
    added_cuts,
    added_rows,
    overlay,
    repaired,
)
from agentmem.transcript.transcript import Opening


def folded(messages: list[AnyMessage]) -> FoldedState:
    made = FoldedState(Opening("m", provider="anthropic"), Offload(), frozenset())
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
    made = folded(said("a", "b"))
    assert made.follow(said("a", "b", "c"), []) and made.first == "a"
    assert not made.follow(said("a", "b"), [])
    assert not made.follow([HumanMessage("A", id="a"), *said("b", "c")], [])
    assert made.follow(said("a", "b", "c", "d"), [])


def worked(turns: int) -> list[AnyMessage]:
    made: list[AnyMessage] = [HumanMessage("Look everything up.", id="task")]
    for at in range(turns):
        calls: Any = [{"id": f"c{at}", "name": "look", "args": {"at": f"page_{at:03d}"}}]
        text = f"page_{at:03d} " + "word " * 300
        made += [
            AIMessage(f"Page {at}.", tool_calls=calls, id=f"a{at}"),
            ToolMessage(text, tool_call_id=f"c{at}", id=f"r{at}"),
        ]
    return made


def cut_twice() -> tuple[list[AnyMessage], list[dict[str, Any]], FoldedState]:
    """A state with two cuts, and the folded that made them."""
    messages, cuts = worked(40), list[dict[str, Any]]()
    made = folded(messages[:41])
    for end in (41, 81):
        assert made.follow(messages[:end], cuts)
        decided = drive(made.talk.compacting("asked", Compaction(), 60_000, ask=False), lambda question: None)
        assert decided is not None
        made.cut(decided.draft)
        cuts = added_cuts(cuts, made.pending)
    return messages, cuts, made


def test_a_state_folds_to_the_same_bytes_wherever_it_is_folded() -> None:
    """Also when the older cut is known by its place alone."""
    messages, cuts, made = cut_twice()
    for known in (cuts, [{"after": cuts[0]["after"], "seq": cuts[0]["seq"]}, cuts[1]]):
        again = FoldedState(Opening("m", provider="anthropic"), Offload(), frozenset())
        assert again.follow(messages, known) and wire(again.talk.view) == wire(made.talk.view)
        assert again.cut_after == len(messages)


def test_without_its_message_a_cut_gives_way_to_the_one_before(caplog: pytest.LogCaptureFixture) -> None:
    """The newest message is taken out, and the newest cut with it; the older one is still in force."""
    messages, cuts, _ = cut_twice()
    again = FoldedState(Opening("m", provider="anthropic"), Offload(), frozenset())
    assert again.follow(messages[:-1], cuts)
    assert again.talk.view.cuts == 1 and again.talk.view.cut is not None
    assert "1 cuts do not fit the messages" in caplog.text


def test_a_cut_that_does_not_fit_edited_messages_is_left_out(caplog: pytest.LogCaptureFixture) -> None:
    """One that cannot be read, or would part what belongs together, is passed over; its number counts."""
    messages, cuts, made = cut_twice()
    broken = {**cuts[1], "data": '{"last": 3}'}
    again = FoldedState(Opening("m", provider="anthropic"), Offload(), frozenset())
    assert again.follow(messages, [cuts[0], broken]) and again.talk.view.cuts == 1
    assert "is left out" in caplog.text
    assert again.talk.view.seq == made.talk.view.seq


def test_lanes_are_found_by_kind_and_first_message() -> None:
    """One belongs to one request at a time; the oldest leave when there are too many."""
    states = FoldedStates(keep=2)
    first, second = folded(said("a")), folded(said("b"))
    states.give("x", first)
    states.give("x", second)

    def taken(kind: Any, name: str) -> FoldedState:
        return states.take(kind, name, lambda: folded(said(name)), lambda one: one.follow(said(name), []))[1]

    assert taken("y", "a") is not first
    assert taken("x", "a") is first
    assert taken("x", "a") is not first  # it is in use
    assert taken(None, "b") is second
    for one in (second, first, folded(said("c"))):
        states.give("x", one)
    assert taken("x", "b") is not second and taken("x", "a") is first
