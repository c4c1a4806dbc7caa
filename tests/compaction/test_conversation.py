"""A conversation that others hold, folded: it gives the same view whenever it is folded again."""

from typing import Any

import pytest

from agentmem.compaction.conversation import NO_RESULT, FoldedConversation
from agentmem.compaction.summarizing import SummaryAnswer, drive
from agentmem.compaction.when import Compaction, due
from agentmem.context.offload import Offload
from agentmem.context.view import wire
from agentmem.context.window import window
from agentmem.transcript.transcript import Opening
from agentmem.types import Draft, Message, Text, ToolCall, ToolResult

SETTINGS = Compaction(
    tail=300, users=200, user=60, summary=300, index=200, names=200, paths=200, commands=100, files=200
)
BUDGET = 60_000


def begun(**settings: Any) -> FoldedConversation[str]:
    return FoldedConversation(Opening("m", provider="anthropic"), Offload(), **settings)


def turn(talk: FoldedConversation[str], number: int, words: int = 120) -> None:
    """A reply with a call, and its result."""
    call = ToolCall(f"c{number}", "look", f'{{"at": "page_{number:03d}"}}')
    talk.reply(Message("assistant", (Text(f"Page {number}."), call)), f"reply {number}")
    talk.result(ToolResult(f"c{number}", (Text(f"page_{number:03d} " + "word " * words),)), 10_000, f"result {number}")


def worked(turns: int = 30) -> FoldedConversation[str]:
    talk = begun()
    talk.say((Text("Look at every page."),), "task")
    for number in range(turns):
        turn(talk, number)
    return talk


def cut(talk: FoldedConversation[str]) -> Draft:
    """Cuts the conversation with a model's summary; gives the entry."""
    page = "## Goal\n- Look at every page.\n\n## Facts\n- page_001 was seen."
    decided = drive(talk.compacting("asked", SETTINGS, BUDGET), lambda question: SummaryAnswer(page))
    assert decided is not None
    return decided.draft


def sources(talk: FoldedConversation[str]) -> list[str | None]:
    return [one.source for one in talk.shown(talk.view)]


def test_what_is_shown_is_the_callers_own() -> None:
    """Every message comes back as the object that was given, in order, whole."""
    talk = worked(3)
    shown = list(talk.shown(talk.view))
    assert [one.source for one in shown] == [
        "task", "reply 0", "result 0", "reply 1", "result 1", "reply 2", "result 2"
    ]  # fmt: skip
    assert all(one.whole for one in shown)


def test_behind_a_cut_its_parts_come_first() -> None:
    """As one run without a source; then the messages of the tail."""
    talk = worked()
    cut(talk)
    first, *rest = talk.shown(talk.view)
    assert first.source is None and first.seq == 0 and "What was said and done" in str(first.frames)
    assert [one.source for one in rest] == sources(talk)[1:] and rest[-1].source == "result 29"
    assert all(one.whole for one in rest)


def test_folding_again_with_the_cut_gives_the_same_bytes() -> None:
    """And so does folding only the places of earlier cuts, with the last one whole."""
    talk = begun()
    talk.say((Text("Look at every page."),), "task")
    cuts: dict[int, Draft] = {}
    for number in range(60):
        turn(talk, number)
        if number in (24, 48):
            cuts[number] = cut(talk)
    again = begun()
    again.say((Text("Look at every page."),), "task")
    for number in range(60):
        turn(again, number)
        if number == 24:
            again.stub()
        elif number == 48:
            again.append(cuts[48])
    assert wire(again.view) == wire(talk.view)
    assert (again.view.cuts, again.view.seq, again.view.tokens) == (talk.view.cuts, talk.view.seq, talk.view.tokens)


def test_the_journal_has_every_entry() -> None:
    """It is the same transcript, and grows with the conversation."""
    talk = worked(2)
    assert wire(window(talk.journal.entries("main"))) == wire(talk.view)
    turn(talk, 2)
    cut_at = talk.view.seq
    assert [one.seq for one in talk.journal.entries("main")] == list(range(cut_at + 1))
    talk.close()


def test_a_call_without_a_result_gets_one_that_says_so() -> None:
    """In the view of a request without being in the conversation; for good once something else is said."""
    talk = begun()
    talk.say((Text("Look."),), "task")
    talk.reply(Message("assistant", (ToolCall("c", "look", "{}"),)), "reply")
    assert NO_RESULT in str([one.value for turn in talk.ready().turns for one in turn.frames])
    assert talk.view.open == ("c",)
    talk.say((Text("Never mind."),), "more")
    assert not talk.view.open and sources(talk) == ["task", "reply", None, "more"]


def test_a_result_without_a_call_is_told() -> None:
    """As a note, not as what a person said."""
    talk = begun()
    talk.say((Text("Look."),), "task")
    talk.result(ToolResult("gone", (Text("42 apples"),)), 0, "result")
    assert "42 apples" in str(talk.view.turns[-1].frames[-1].value)
    assert talk.view.origins[-1][-1].kind == "note"


def test_an_id_that_is_used_again_is_another_call() -> None:
    """Its call and result are shown with a new id, so neither is whole; others stay."""
    talk = begun()
    talk.say((Text("Look."),), "task")
    for number in range(2):
        talk.reply(Message("assistant", (ToolCall("c", "look", "{}"),)), f"reply {number}")
        talk.result(ToolResult("c", (Text(str(number)),)), 0, f"result {number}")
    assert [one.whole for one in talk.shown(talk.view)] == [True, True, True, False, False]


def test_long_results_are_offloaded_unless_their_tool_pages() -> None:
    """A tool that gives parts itself is shown whole while there is room behind the reply."""
    long = "word " * 12_000
    for paging, room, whole in (
        (frozenset({"read"}), 20_000, True),
        (frozenset({"read"}), 5_000, False),
        (frozenset(), 20_000, False),
    ):
        talk = begun(paging=paging)
        talk.say((Text("Read."),), "task")
        talk.reply(Message("assistant", (ToolCall("c", "read", "{}"),)), "reply")
        talk.result(ToolResult("c", (Text(long),)), room, "result")
        assert list(talk.shown(talk.view))[-1].whole is whole
        assert ("[This result is long" in str(talk.view.turns[-1].frames[0].value)) is not whole


def test_nothing_is_cut_without_a_reason_or_right_after_a_refusal() -> None:
    """And a refusal waits until the conversation has grown."""
    talk = worked()
    assert drive(talk.compacting(None, SETTINGS, BUDGET), lambda question: None) is None
    talk.refused = talk.view.tokens + 1
    assert drive(talk.compacting("asked", SETTINGS, BUDGET), lambda question: None) is None
    talk.refused = 0
    assert drive(talk.compacting("asked", SETTINGS, BUDGET, ask=False), lambda question: None) is not None


def test_its_state_counts_what_stands_before_it() -> None:
    """Tools and system count for the context and for what a cut leaves, in the provider's tokens."""
    talk = worked()
    bare, behind = talk.state(SETTINGS, BUDGET, None), talk.state(SETTINGS, BUDGET, None, 10_000, 2.0)
    assert behind.context == pytest.approx(2 * bare.context + 20_000, abs=2)
    assert behind.least == pytest.approx(2 * bare.least + 20_000, abs=2)
    assert due(talk.state(SETTINGS, BUDGET, None, 59_000)) == "limit"
