"""What a provider refused is shown as a reference from then on, and nothing else changes."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentmem.compaction.plan import cut_at, places
from agentmem.context.cut import compaction, read_cut
from agentmem.context.view import View, wire
from agentmem.context.window import resume, window
from agentmem.context.withheld import MARK, draft, read_withheld
from agentmem.errors import BlockPlace, ModelRejected
from agentmem.kvcache.simulated.checks import problem
from agentmem.models.error_messages import place_of
from agentmem.transcript import transcript
from agentmem.transcript.transcript import Opening
from agentmem.types import Draft, Image, Opaque, Text, ToolCall, ToolResult
from tests import pictures
from tests.transcript.transcripts import drafts, entries, reply

OPENING = transcript.opening(Opening("claude-sonnet-5", provider="anthropic"))
PNG = Image("image/png", pictures.encoded(pictures.png(8, 6)))
THINKING = Opaque('{"type":"thinking","thinking":"hm","signature":"s"}')
SEARCH = Opaque('{"type":"server_tool_use","id":"srv_1","name":"web_search","input":{"query":"x"}}')
FOUND = Opaque('{"type":"web_search_tool_result","tool_use_id":"srv_1","content":[]}')
CONVERSATION = [
    OPENING,
    transcript.user([Text("look"), PNG]),
    reply(THINKING, SEARCH, FOUND, ToolCall("a", "read", "{}"), ToolCall("b", "read", "{}")),
    transcript.tool_result(ToolResult("a", (Text("found"), PNG, PNG))),
    transcript.tool_result(ToolResult("b", (Text("nothing"),))),
    transcript.user("go on"),
]


def refused(said: str, place: BlockPlace | None = None) -> ModelRejected:
    """The error that a provider's words become."""
    error = ModelRejected(f"the provider refused the request: {said}")
    error.place = place or place_of(said)
    return error


def after(made: list[Draft], said: str) -> View | None:
    """The view after what was said of it has been withheld; None where nothing is."""
    found = draft(window(entries(made)), "t", refused(said))
    return window(entries([*made, found])) if found else None


def shown(view: View) -> list[list[Any]]:
    """Of each turn, its blocks: a text in its first 30 characters, others by their type."""

    def brief(value: Any) -> Any:
        if value["type"] == "tool_result":
            return [brief(one) for one in value["content"]]
        return value["text"][:30] if value["type"] == "text" else value["type"]

    return [[brief(one.value) for one in turn.frames] for turn in view.turns]


PICTURE = "[Withheld: a picture (image/pn"
BEFORE: list[list[Any]] = [
    ["look", "image"],
    ["thinking", "server_tool_use", "web_search_tool_result", "tool_use", "tool_use"],
]
BEFORE += [[["found", "image", "image"], ["nothing"], "go on"]]


@pytest.mark.parametrize(
    ("said", "turn", "blocks"),
    [
        ("messages.0.content.1: Could not process image", 0, ["look", PICTURE]),
        ("messages.0: could not process image", 0, ["look", PICTURE]),
        ("messages.0.content.0: text is not allowed", 0, ["[Withheld: a text stood here. ", "image"]),
        (
            "messages.2.content.0.tool_result.content.1.image.source.base64: Could not process image",
            2,
            [["found", PICTURE, "image"], ["nothing"], "go on"],
        ),
        ("messages.2.content.0: could not process image", 2, [["found", PICTURE, PICTURE], ["nothing"], "go on"]),
        ("messages.2: could not process image", 2, [["found", PICTURE, PICTURE], ["nothing"], "go on"]),
        (
            "messages.2.content.1: bad result",
            2,
            [["found", "image", "image"], ["[Withheld: a tool's result sto"], "go on"],
        ),
        ("messages.1.content.0: Invalid `signature` in `thinking` block", 1, BEFORE[1][1:]),
        ("messages.1.content.1: Input tag 'server_tool_use' found", 1, ["thinking", "tool_use", "tool_use"]),
        ("Unable to process input image", 2, [["found", PICTURE, PICTURE], ["nothing"], "go on"]),
    ],
)
def test_what_was_named_gives_way_to_a_reference(said: str, turn: int, blocks: list[Any]) -> None:
    """The block, or of a message only the pictures; where no place is said, the pictures that are new."""
    assert shown(window(entries(CONVERSATION))) == BEFORE
    view = after(CONVERSATION, said)
    assert view is not None
    assert shown(view) == [blocks if at == turn else was for at, was in enumerate(BEFORE)]
    assert view.cuts == 1


def test_a_call_goes_with_its_result() -> None:
    """Invariant 4: of a call that is refused, the result is shown as a reference too, after the other results."""
    view = after(CONVERSATION, "messages.1.content.3.tool_use.name: String should match pattern")
    assert view is not None
    assert shown(view)[1][3:] == ["[Withheld: a call of read stoo", "tool_use"]
    assert shown(view)[2] == [["nothing"], "[Withheld: a tool's result sto", "go on"]


def test_calls_without_the_thought_before_them() -> None:
    """Where thinking is wanted first and none is there, the reply's calls and their results become text."""
    view = after(
        CONVERSATION, "messages.1.content.0.type: Expected `thinking` or `redacted_thinking`, but found `tool_use`"
    )
    assert view is not None
    assert {one.value["type"] for one in view.frames if one.role} == {
        "text",
        "image",
        "thinking",
        "server_tool_use",
        "web_search_tool_result",
    }


@pytest.mark.parametrize(
    ("said", "left"), [("messages: too many images: 30 > 20", 15), ("Request exceeds the maximum size", 15)]
)
def test_of_too_many_pictures_the_older_half_leaves(said: str, left: int) -> None:
    """The newest stay: those are what is worked on."""
    view = after([OPENING, transcript.user([PNG] * 30)], said)
    assert view is not None
    assert [one.value["type"] for one in view.turns[0].frames] == ["text"] * (30 - left) + ["image"] * left


def test_pictures_that_are_too_large_among_many() -> None:
    """A request of more than twenty pictures goes on with the ten newest."""
    said = (
        "messages.0.content.3.image.source.base64.data: At least one of the image dimensions exceed max allowed size "
    )
    view = after([OPENING, transcript.user([PNG] * 21)], f"{said}for many-image requests: 2000 pixels")
    assert view is not None
    assert [one.value["type"] for one in view.turns[0].frames] == ["text"] * 11 + ["image"] * 10


@pytest.mark.parametrize(
    "said",
    [
        "prompt is too long: 205123 tokens > 200000 maximum",
        "messages.9.content.0: no such message",
        "messages.0.content.7: no such block",
        "messages.0: something else is wrong",
        "max_tokens: Field required",
    ],
)
def test_an_error_that_blames_no_block_withholds_nothing(said: str) -> None:
    """What cannot be found in the request is no reason to change it."""
    assert after(CONVERSATION, said) is None


def test_nothing_is_withheld_twice() -> None:
    """The same error again finds nothing more to withhold, so that asking again comes to an end."""
    said, made = "messages.0.content.1: Could not process image", [*CONVERSATION]
    first = draft(window(entries(made)), "t", refused(said))
    assert first is not None
    assert draft(window(entries([*made, first])), "t", refused(said)) is None


def test_nothing_is_withheld_while_calls_are_open() -> None:
    """No request can have been made."""
    assert draft(window(entries(CONVERSATION[:4])), "t", refused("messages.0.content.1: bad")) is None


def test_what_was_withheld_is_kept_and_named() -> None:
    """The text says what stood there, why it was refused and where it is kept; the entry is as it was."""
    view = after(CONVERSATION, "messages.0.content.1: Could not process image")
    assert view is not None
    assert view.turns[0].frames[1].value["text"] == (
        f"{MARK}a picture (image/png, 8 × 6 pixels) stood here. The provider refused it: messages.0.content.1: Could "
        "not process image. It is kept as t/1.]"
    )
    assert transcript.read_blocks(entries(CONVERSATION)[1]) == (Text("look"), PNG)


SAID = st.sampled_from(["Could not process image", "Invalid block", "Expected `thinking`", "text must be non-empty"])


@given(drafts(cuts=True, most=30), st.data())
def test_refusals_come_to_an_end(made: list[Draft], data: st.DataObject) -> None:
    """Whatever is refused, again and again: pairs stay together, no turn is lost, and at last there is nothing left."""
    view = window(entries(made))
    if not view.ready:
        return
    roles = [turn.role for turn in view.turns]
    most = sum(len(turn.frames) for turn in view.turns) * 4 + 4
    for _ in range(most):
        turn = data.draw(st.integers(0, len(view.turns) - 1))
        block = data.draw(st.none() | st.integers(0, len(view.turns[turn].frames) - 1))
        found = draft(view, "t", refused(data.draw(SAID), BlockPlace(turn, block)))
        if found is None:
            continue
        made = [*made, found]
        view = window(entries(made))
        assert view.ready and all(turn.frames for turn in view.turns)
        assert [turn.role for turn in view.turns] == roles
        assert view.size == len(wire(view))
        _paired(view)


def _paired(view: View) -> None:
    for at, turn in enumerate(view.turns):
        calls = [one.value["id"] for one in turn.frames if one.value["type"] == "tool_use"]
        following = view.turns[at + 1].frames if at + 1 < len(view.turns) else ()
        assert [one.value.get("tool_use_id") for one in following[: len(calls)]] == calls
        assert all(one.value["type"] != "tool_result" for one in following[len(calls) :])


@given(drafts(most=20), st.data())
def test_a_thread_opens_from_its_last_compaction_with_what_was_withheld(made: list[Draft], data: st.DataObject) -> None:
    """Withheld before a compaction or after it, a thread folded from there is the thread folded whole."""
    for _ in range(3):
        view = window(entries(made))
        if view.ready:
            turn = data.draw(st.integers(0, len(view.turns) - 1))
            found = draft(view, "t", refused("refused", BlockPlace(turn, 0)))
            made = [*made, found] if found else made
        view = window(entries(made))
        if places(view) and data.draw(st.sampled_from([False, True])):
            place = data.draw(st.sampled_from(places(view)))
            made = [*made, compaction(cut_at(view, place, ()))]
    whole = entries(made)
    at = max((entry.seq for entry in whole if entry.kind == "compaction"), default=None)
    if at is not None:
        known = read_cut(whole[at])
        assert resume(whole[known.opening], at, whole[known.first :]) == window(whole)


def test_the_entry_reads_back() -> None:
    """What stands for what, as it was written."""
    found = draft(window(entries(CONVERSATION)), "t", refused("messages.1.content.1: bad"))
    assert found is not None
    steads = read_withheld(replace(entries([found])[0], seq=6))
    assert [(one.seq, one.nth, one.block) for one in steads] == [(2, 1, None), (2, 2, None)]
    assert (
        problem(
            {"model": "m", "max_tokens": 1, "messages": [turn.message for turn in window(entries(CONVERSATION)).turns]}
        )
        is None
    )
