"""The window extends and never changes, except at a cut."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentmem.compaction.plan import cut_at
from agentmem.context.cut import Cut, Part, compaction, read_cut
from agentmem.context.view import wire
from agentmem.context.window import View, extend, resume, window
from agentmem.errors import TranscriptError
from agentmem.kvcache import frames
from agentmem.transcript import transcript
from agentmem.transcript.transcript import Opening
from agentmem.types import Draft, Text, ToolCall, ToolResult
from tests.transcript.transcripts import drafts, entries, reply

OPENING = transcript.opening(Opening("a-model", system=("be brief",)))
CALLS = reply(Text("look"), ToolCall("a", "read", '{"page":"x"}'), ToolCall("b", "read", '{"page":"y"}'))


def result(call_id: str, text: str = "found") -> Draft:
    return transcript.tool_result(ToolResult(call_id, (Text(text),)))


def cut(last: int) -> Draft:
    return compaction(Cut(last, (Part("summary", 0, Text("summary")),)))


def shown(made: list[Draft]) -> list[tuple[str, str]]:
    """Each message frame of the view, as (role, what it says)."""
    view = window(entries(made))
    return [(one.role or "", str(one.value.get("text") or one.value["type"])) for one in view.frames if one.role]


@given(drafts())
def test_appending_only_extends_the_wire(made: list[Draft]) -> None:
    """Invariant 1: for every transcript and next entry that is no cut, the wire before is a prefix of that after."""
    before = b""
    for view in _views(made):
        after = wire(view)
        assert after.startswith(before)
        before = after


@given(drafts(cuts=True))
def test_totals_are_those_of_the_frames(made: list[Draft]) -> None:
    """Size, tokens and digest, kept up entry by entry, are what counting all frames afresh gives."""
    for view in _views(made):
        assert view.size == len(wire(view))
        assert view.tokens == sum(one.tokens for one in view.frames)
        assert view.digest == frames.digest(map(frames.encode, view.frames))


@given(drafts(cuts=True))
def test_calls_and_results_stand_together(made: list[Draft]) -> None:
    """Invariant 4: every call shown is followed by its result in the next turn, in order, unless it is still open."""
    for view in _views(made):
        for at, turn in enumerate(view.turns):
            calls = [one.value["id"] for one in turn.frames if one.value["type"] == "tool_use"]
            if not calls or (at == len(view.turns) - 1 and view.open):
                continue
            following = [one.value.get("tool_use_id") for one in view.turns[at + 1].frames[: len(calls)]]
            assert following == calls


@given(drafts(cuts=True), st.data())
def test_the_window_is_a_fold(made: list[Draft], data: st.DataObject) -> None:
    """Folding a transcript in two parts, as after a resume, gives the same view as folding it at once."""
    made_entries = entries(made)
    at = data.draw(st.integers(1, len(made_entries)))
    view = window(made_entries[:at])
    for entry in made_entries[at:]:
        view = extend(view, entry)
    assert view == window(made_entries)


@given(drafts(cuts=True, most=30))
def test_a_thread_opens_from_its_last_compaction(made: list[Draft]) -> None:
    """Folding from what the last compaction left gives the view of the whole transcript, whatever else was cut."""
    whole = entries(made)
    for end in range(1, len(whole) + 1):
        at = max((entry.seq for entry in whole[:end] if entry.kind == "compaction"), default=None)
        if at is not None:
            known = read_cut(whole[at])
            assert resume(whole[known.opening], at, whole[known.first : end]) == window(whole[:end])


def test_a_note_from_before_the_tail_stays_in_the_result_that_carries_it() -> None:
    """A note that waited for a result is older than the tail that the result is in: folding begins with the note."""
    opening = transcript.opening(Opening("old", notes_in_results=True))
    made = [opening, transcript.user("go"), transcript.note("plan", "new"), Draft("usage", b"{}"), CALLS, result("a")]
    made += [result("b")]
    view = window(entries(made))
    whole = entries([*made, compaction(cut_at(view, len(view.turns) - 2, ()))])
    known = read_cut(whole[-1])
    assert (known.first, known.last) == (2, 3)
    assert resume(whole[0], len(made), whole[known.first :]) == window(whole)


def test_results_are_shown_in_the_order_of_their_calls() -> None:
    """Results that come in another order wait for one another, and text waits for all of them."""
    made = [OPENING, transcript.user("go"), CALLS, result("b", "second"), transcript.user("wait"), result("a", "first")]
    assert [say for _, say in shown(made[:5])] == ["go", "look", "tool_use", "tool_use"]
    assert shown(made)[4:] == [("user", "tool_result"), ("user", "tool_result"), ("user", "wait")]
    results = [one.value for one in window(entries(made)).frames if one.value.get("type") == "tool_result"]
    assert [one["tool_use_id"] for one in results] == ["a", "b"]


def test_a_note_travels_inside_the_last_result_where_a_plain_turn_strips_thinking() -> None:
    """On such models a note waits for the next results, so that no user turn of its own is made for it."""
    opening = transcript.opening(Opening("old", notes_in_results=True))
    made = [opening, transcript.user("go"), CALLS, transcript.note("plan", "changed"), result("a"), result("b")]
    view = window(entries(made))
    assert view.turns[-1].frames[-1].value["content"] == [
        {"type": "text", "text": "found"},
        {"type": "text", "text": "changed"},
    ]
    waits = [*made, reply(Text("done")), transcript.note("date", "new day")]
    assert not window(entries(waits)).ready
    assert shown([*waits, transcript.user("next")])[-2:] == [("user", "new day"), ("user", "next")]


def test_empty_text_is_not_sent() -> None:
    """Providers refuse empty text blocks; what is left of the turn is sent."""
    assert shown([OPENING, transcript.user([Text(" "), Text("hi")]), reply(Text(""))]) == [("user", "hi")]


def test_half_a_surrogate_pair_is_kept_but_not_sent() -> None:
    """A broken character reads back from its entry; on the wire it is a replacement character."""
    made = entries([OPENING, transcript.user("bad \ud83d end")])
    assert transcript.read_blocks(made[1]) == (Text("bad \ud83d end"),)
    wire(window(made)).decode()


def test_a_compaction_stands_for_what_left() -> None:
    """After a compaction the summary opens the conversation, the tail follows, and the prefix frames are unchanged."""
    before = [
        OPENING,
        transcript.user("go"),
        CALLS,
        result("a"),
        result("b"),
        reply(Text("x")),
        transcript.user("more"),
    ]
    view = window(entries(before))
    after = window(entries([*before, cut(4)]))
    assert [(turn.role, len(turn.frames)) for turn in after.turns] == [("user", 1), ("assistant", 1), ("user", 1)]
    assert after.prefix == view.prefix
    assert after.turns[1:] == view.turns[3:]
    assert after.cuts == 1


def test_a_compaction_may_not_part_a_call_from_its_result() -> None:
    """A cut between a call and its result is refused."""
    made = [OPENING, transcript.user("go"), CALLS, result("a"), result("b")]
    with pytest.raises(TranscriptError, match="part a tool call"):
        window(entries([*made, cut(2)]))


def test_a_reconfiguration_changes_the_prefix_and_keeps_the_messages() -> None:
    """A changed system prompt is a declared cut: messages stay as they were."""
    view = window(entries([OPENING, transcript.user("go")]))
    changed = transcript.reconfigure(Opening("a-model", system=("be long",)))
    after = window(entries([OPENING, transcript.user("go"), changed]))
    assert after.turns == view.turns
    assert after.prefix != view.prefix
    assert after.cuts == 1


@pytest.mark.parametrize(
    ("made", "says"),
    [
        ([transcript.user("hi")], "begins with"),
        ([OPENING, OPENING], "one opening"),
        ([OPENING, result("a")], "no open tool call"),
        ([OPENING, CALLS, result("a"), result("a")], "no open tool call"),
        ([OPENING, CALLS, reply(Text("early"))], "had no result"),
    ],
)
def test_an_entry_that_cannot_follow_is_refused(made: list[Draft], says: str) -> None:
    """An impossible transcript is named as such instead of making an impossible request."""
    with pytest.raises(TranscriptError, match=says):
        window(entries(made))


def test_entries_must_come_in_order() -> None:
    """A gap in the sequence is refused."""
    first, second = entries([OPENING, transcript.user("a")])
    with pytest.raises(TranscriptError, match="cannot follow"):
        window([first, replace(second, seq=5)])


def _views(made: list[Draft]) -> list[View]:
    views, view = [], View()
    for entry in entries(made):
        view = extend(view, entry)
        views.append(view)
    return views
