"""What a compaction keeps: whole turns, what people said, the results used last, and a line for all the rest."""

import json
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from agentmem.compaction.acceptance import fallback
from agentmem.compaction.plan import plan
from agentmem.compaction.when import Compaction
from agentmem.context.window import View, window
from agentmem.transcript import transcript
from agentmem.types import Draft, Image, Opaque, Text, ToolCall, ToolResult
from tests.compaction.conversations import BUDGET, OPENING, SMALL, conversation, name, planned, round_of, view_of
from tests.transcript.transcripts import PNG, drafts, entries, reply


def compacted(made: list[Draft], settings: Compaction = SMALL) -> View:
    """The view after a compaction without a model."""
    found = planned(made, settings)
    return view_of([*made, fallback(found)])


def test_the_tail_keeps_whole_turns_up_to_its_size() -> None:
    """The newest turns that fit stay frame for frame, and the first of them answers no call that left."""
    made = conversation(12)
    found, before, after = planned(made), view_of(made), compacted(made)
    tail = before.turns[found.place :]
    assert after.turns[1:] == tail
    assert sum(frame.tokens for turn in tail for frame in turn.frames) <= SMALL.tail
    assert tail[0].role == "assistant"
    assert after.tokens < before.tokens / 2


def test_the_last_reply_and_its_results_stay_however_long() -> None:
    """What the model has not seen yet cannot be summarised away."""
    long = transcript.tool_result(ToolResult("big", (Text("word " * 2_000),)))
    made = [*conversation(6), reply(ToolCall("big", "read", "{}")), long]
    found = planned(made)
    assert found.place == found.asked == len(found.view.turns) - 2
    assert compacted(made).turns[-1] == view_of(made).turns[-1]


def test_an_open_call_stays_and_its_results_come_later() -> None:
    """While calls wait, the reply that made them is the tail; results are then shown as ever."""
    calls = reply(ToolCall("x", "read", "{}"), ToolCall("y", "read", "{}"))
    made = [*conversation(8), calls, transcript.tool_result(ToolResult("y", (Text("second"),)))]
    found = planned(made)
    after = [*made, fallback(found), transcript.tool_result(ToolResult("x", (Text("first"),)))]
    view = view_of(after)
    assert view.ready
    assert [frame.value["tool_use_id"] for frame in view.turns[-1].frames] == ["x", "y"]
    asked = found.view.turns[: found.asked]
    assert asked[-1].role == "user"
    assert all(frame.value.get("id") != "x" for turn in asked for frame in turn.frames)


def test_what_people_said_stays_in_their_words() -> None:
    """Short messages stay verbatim with their reference, the newest first; longer ones that are done leave a line."""
    long = [transcript.user("word " * 100), reply(Text("Done.")), transcript.user("And the averages.")]
    made = [*conversation(4), reply(Text("Done.")), *long]
    for number in range(4, 10):
        made += round_of(number)
    found = planned(made)
    kept, newer = found.users
    assert isinstance(kept.block, Text) and isinstance(newer.block, Text)
    assert newer.block.text.endswith("And the averages.")
    assert kept.block.text == "[t/1, said by the person]\nCount all totals. The limit is 8642 per module."
    assert any(line.about.startswith("the person: word word") for line in found.lines)
    twice = planned([*made, fallback(found), *[d for n in range(10, 16) for d in round_of(n)]])
    assert twice.users == found.users


def test_the_results_used_last_are_kept() -> None:
    """Of all results those stay whose names the newest calls repeat, as far as there is room."""
    made = conversation(10)
    for number in range(10, 13):
        made += round_of(number, uses=2)
    found = planned(made, replace(SMALL, retained=300))
    assert [name(2) in part.block.text for part in found.results if isinstance(part.block, Text)] == [True]
    assert name(2) in found.kept


def test_every_other_result_has_a_line() -> None:
    """A line names the entry, the tool and what it was asked."""
    found = planned(conversation(12))
    lines = {line.seq: line.about for line in found.lines}
    left = {one.origin.seq for one in found.leaving if one.origin.kind == "tool_result"}
    assert left <= set(lines)
    assert lines[3] == "read src/module_000.py"


def test_nothing_to_compact_is_no_plan() -> None:
    """A thread without a reply, or one whose tail is all there is, is left alone."""
    assert plan(view_of(conversation(0)), "t", SMALL, BUDGET) is None
    assert plan(view_of(conversation(2)), "t", Compaction(tail=1_000), BUDGET) is None
    roomy = Compaction(summary=planned(conversation(2), Compaction()).tokens)
    assert plan(view_of(conversation(2)), "t", roomy, BUDGET) is None, "a summary could be as long as what leaves"


def test_an_entry_larger_than_everything_leaves_like_any_other() -> None:
    """A message of more than the whole budget, once answered, becomes a line and the summary."""
    huge = [OPENING, transcript.user("word " * 70_000), reply(Text("Noted.")), transcript.user("Go on.")]
    view = compacted(huge)
    assert view.tokens < 1_000
    assert view.turns[-1].frames[-1].value["text"] == "Go on."


def test_thinking_leaves_with_its_whole_turn_or_stays_as_it_was() -> None:
    """No turn keeps a part of its thinking, and none is changed."""
    thought = Opaque('{"type":"thinking","thinking":"hmm","signature":"c2ln"}')
    made = [OPENING, transcript.user("go")]
    for number in range(12):
        call = ToolCall(f"k{number}", "read", json.dumps({"what": f"a/b/c_{number}"}))
        result = transcript.tool_result(ToolResult(call.id, (Text("text " * 60),)))
        made += [reply(thought, call), result]
    before, after = view_of(made), compacted(made)
    kept = [turn for turn in after.turns if turn.role == "assistant"]
    assert kept
    assert all(turn in before.turns for turn in kept)
    assert "thinking" not in str([frame.value for frame in after.turns[0].frames])


def test_pictures_leave_with_their_turn() -> None:
    """A result with a picture is not kept as text, and its line says where it is."""
    made = [OPENING, transcript.user([Text("look"), Image("image/png", PNG)])]
    made += [reply(ToolCall("p", "read", '{"what":"plan_of_site.png"}'))]
    made += [transcript.tool_result(ToolResult("p", (Image("image/png", PNG), Text("see plan_of_site.png"))))]
    for number in range(8):
        made += round_of(number)
    found = planned(made)
    assert {part.seq for part in found.results}.isdisjoint({3})
    assert any(line.seq == 3 and "plan_of_site.png" in line.about for line in found.lines)
    assert any(isinstance(part.block, Image) for part in found.users)


@given(drafts(most=15), st.sampled_from([0, 30, 200]))
def test_any_transcript_can_be_compacted_twice_in_a_row(made: list[Draft], tail: int) -> None:
    """However a conversation goes on: pairs stay together, what is open stays open, the newest words stay last."""
    whole = [*conversation(6), *made[1:]]
    for _ in range(2):
        found = plan(window(entries(whole)), "t", replace(SMALL, tail=tail), BUDGET)
        if found is None:
            break
        before = found.view
        whole.append(fallback(found))
        after = window(entries(whole))
        assert (after.open, after.results, after.held) == (before.open, before.results, before.held)
        assert after.turns[-1].frames[-1] == before.turns[-1].frames[-1]
        assert after.tokens < before.tokens
