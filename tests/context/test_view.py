"""agentmem.context.view."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentmem import images
from agentmem.context.view import Growing, View, largest, request, sendable, wire
from agentmem.context.window import extend, window
from agentmem.errors import BudgetExceeded, TranscriptError
from agentmem.kvcache import frames
from agentmem.kvcache.simulated.checks import problem
from agentmem.transcript import transcript
from agentmem.transcript.transcript import Opening, read_blocks, read_opening
from agentmem.types import Block, Draft, Image, Opaque, Text, ToolCall, ToolResult
from tests import pictures
from tests.transcript.transcripts import PNG, drafts, entries, reply

Change = tuple[int, Callable[[Growing[int]], Growing[int]], Callable[[tuple[int, ...]], tuple[int, ...]]]


def _plus(item: int, version: int) -> Change:
    return version, lambda one: one.plus(item), lambda one: (*one, item)


def _with_last(item: int, version: int) -> Change:
    return version, lambda one: one.with_last(item), lambda one: (*one[:-1], item)


@given(
    st.lists(st.integers(), max_size=4),
    st.lists(st.builds(_plus, st.integers(), st.integers()) | st.builds(_with_last, st.integers(), st.integers())),
)
def test_every_version_stays_as_it_was(first: list[int], changes: list[Change]) -> None:
    """Whichever version the next one is made from, each reads as a tuple made the same way."""
    versions = [(Growing(first), tuple(first))]
    for version, change, same in changes:
        one, known = versions[version % len(versions)]
        versions.append((change(one), same(known)))
    for one, known in versions:
        assert tuple(one) == known
        assert len(one) == len(known)
        assert one == known
        assert one == Growing(known)
        assert hash(one) == hash(known)
        assert one.each(str) == [str(item) for item in known]
        assert one[1:] == known[1:]
        assert one[::-1] == known[::-1]
        assert [one[at] for at in range(-len(known), len(known))] == [*known, *known]


def test_two_versions_of_one_length_differ() -> None:
    """What grew from the same version in two ways is two sequences, unequal and both whole."""
    trunk = Growing("ab")
    left, right = trunk.plus("c"), trunk.plus("d")
    assert (list(left), list(right), list(trunk)) == (["a", "b", "c"], ["a", "b", "d"], ["a", "b"])
    assert left != right
    assert "Growing(['a', 'b', 'd'])" in repr(right)


def test_growing_from_many_threads() -> None:
    """Threads that grow one version at once each get their own."""
    trunk = Growing(range(50))
    with ThreadPoolExecutor(8) as pool:
        grown = list(pool.map(trunk.plus, range(400)))
    assert [list(one) for one in grown] == [[*range(50), item] for item in range(400)]


CLAUDE = transcript.opening(Opening("claude-sonnet-5", provider="anthropic"))
OTHER = transcript.opening(Opening("gpt-5.5", provider="openai"))
GOOD = Image("image/png", PNG)
LARGE = Image("image/png", pictures.encoded(pictures.png(9_000, 400)))
HEAVY = Image("image/png", pictures.encoded(pictures.png(more=images.MOST_ENCODED)))


def said_by(view: View) -> str | None:
    """What the Messages API has against the messages of a view."""
    messages = [turn.message for turn in view.turns]
    return problem({"model": "claude-sonnet-5", "max_tokens": 1, "messages": messages})


@given(drafts(cuts=True))
def test_whatever_was_said_is_served(made: list[Draft]) -> None:
    """Blank texts, broken pictures, ids and names of any form, another provider's calls: Claude is never refused."""
    view = View()
    for entry in entries(made):
        view = extend(view, entry)
        if view.ready and view.settings.is_claude and view.turns[0].role == "user":
            assert said_by(view) is None


def answered(*content: Text | Image, id: str = "a", name: str = "read", opening: Draft = CLAUDE) -> list[Draft]:
    """A thread in which a tool gave back ``content``."""
    result = transcript.tool_result(ToolResult(id, content))
    return [opening, transcript.user("go"), reply(ToolCall(id, name, "{}")), result]


@pytest.mark.parametrize(
    ("content", "shown"),
    [
        ((Text("a"), Text("")), ["a"]),
        ((Text(""),), []),
        ((), []),
        ((GOOD,), ["image"]),
        (
            (Text("x"), LARGE),
            ["x", "[A picture (image/png, 9,000 × 400 pixels) is not shown because it has 9,000 × 400"],
        ),
        ((HEAVY,), ["[A picture (image/png, 1 × 1 pixels) is not shown because it has 6.7 MB in base64 and at most"]),
        ((Image("image/png", "@@@"),), ["[A picture (image/png) is not shown because it is no picture that can be"]),
        ((Image("image/bmp", "AAAA"),), ["[A picture (image/bmp) is not shown because it is no picture that can be"]),
    ],
)
def test_a_result_that_would_be_refused(content: tuple[Text | Image, ...], shown: list[str]) -> None:
    """In a thread that holds it already; the entry keeps it."""
    made = entries(answered(*content))
    view = window(made)
    values = view.turns[-1].frames[0].value["content"]
    assert [str(one.get("text", one["type"]))[: len(says)] for one, says in zip(values, shown, strict=True)] == shown
    assert said_by(view) is None
    assert read_blocks(made[-1]) == (ToolResult("a", content),)


@pytest.mark.parametrize(
    "picture",
    [
        Image("image/jpeg", PNG),
        Image("image/jpg", PNG),
        Image("", PNG),
        Image("image/png", f"data:image/png;base64,{PNG}"),
        Image("image/png", f"{PNG[:40]}\n{PNG[40:]}\n"),
    ],
)
def test_a_picture_that_is_mislabelled_is_mended(picture: Image) -> None:
    """Its media type is what its bytes say; a URL's head and line breaks are no part of it."""
    assert sendable(picture, "t/1") == GOOD


def test_only_claude_has_claudes_limits() -> None:
    """Other providers take larger pictures and other ids: their frames stay as they were sent."""
    view = window(entries(answered(LARGE, id="functions.read:0", opening=OTHER)))
    assert view.turns[-1].frames[0].value["content"] == [LARGE.wire()]
    assert view.turns[1].frames[0].value["id"] == "functions.read:0"


@pytest.mark.parametrize(
    ("name", "shown"), [("functions.read", "functions_read"), ("", "unnamed"), ("n" * 300, "n" * 128)]
)
def test_names_that_no_tool_can_have(name: str, shown: str) -> None:
    """A model made them up: they are shown in characters that providers take, and kept as they were."""
    made = entries(answered(Text("no such tool"), name=name))
    assert window(made).turns[1].frames[0].value["name"] == shown
    assert read_blocks(made[2]) == (ToolCall("a", name, "{}"),)


THINKING = Opaque('{"type":"thinking","thinking":"hm","signature":"s"}')
REASONING = Opaque('{"type":"reasoning","id":"rs_1","summary":[]}')
SEARCH = Opaque('{"type":"server_tool_use","id":"s1","name":"web_search","input":{}}')
FOUND = Opaque('{"type":"web_search_tool_result","tool_use_id":"s1","content":[]}')
CITED = Opaque('{"type":"text","text":"cited","citations":[{"type":"char_location"}]}')
REFUSAL = Opaque('{"type":"refusal","refusal":"I will not."}')


def moved(blocks: list[Block], before: Opening, after: Opening) -> list[str]:
    """Of a reply, the types of what is shown under another model."""
    made = [transcript.opening(before), transcript.user("go"), reply(*blocks), transcript.user("on")]
    view = window(entries([*made, transcript.reconfigure(after)]))
    assert view.cuts == 1
    return [str(one.value.get("text", one.value["type"])) for one in view.turns[1].frames]


SONNET, OPUS = Opening("claude-sonnet-5", provider="anthropic"), Opening("claude-opus-5", provider="anthropic")
GPT, AZURE = Opening("gpt-5.5", provider="openai"), Opening("gpt-5.5", provider="azure")
OLD_SONNET, OLD_GPT = replace(SONNET, provider=""), replace(GPT, provider="")


@pytest.mark.parametrize(
    ("blocks", "before", "after", "shown"),
    [
        ([THINKING, SEARCH, FOUND, CITED], SONNET, OPUS, ["server_tool_use", "web_search_tool_result", "cited"]),
        ([THINKING, SEARCH, FOUND, CITED], OLD_SONNET, OPUS, ["server_tool_use", "web_search_tool_result", "cited"]),
        ([THINKING, SEARCH, FOUND, CITED], SONNET, GPT, ["cited"]),
        ([THINKING, Text("hi")], SONNET, replace(SONNET, system=("x",)), ["thinking", "hi"]),
        ([REASONING, Text("hi")], GPT, SONNET, ["hi"]),
        ([REASONING, Text("hi")], OLD_GPT, SONNET, ["hi"]),
        ([REASONING, Text("hi")], OLD_GPT, OLD_SONNET, ["hi"]),
        ([REASONING, Text("hi")], GPT, AZURE, ["hi"]),
        ([REASONING, Text("hi")], GPT, replace(GPT, model="gpt-4.1"), ["hi"]),
        ([REFUSAL], GPT, SONNET, ["I will not."]),
        ([THINKING], SONNET, GPT, ["[What another model thought stood here.]"]),
    ],
)
def test_what_another_model_takes(blocks: list[Block], before: Opening, after: Opening, shown: list[str]) -> None:
    """Thoughts stay with their model, a provider's own tools with the provider; under the same model nothing goes."""
    assert moved(blocks, before, after) == shown


def test_calls_that_are_open_while_the_provider_changes() -> None:
    """The result that comes later is shown with the id that its call has by then."""
    made = answered(Text("found"), id="functions.read:0", opening=OTHER)
    made[3:3] = [transcript.reconfigure(SONNET)]
    view = window(entries(made))
    call, result = view.turns[1].frames[0].value, view.turns[2].frames[0].value
    assert call["id"] == result["tool_use_id"] != "functions.read:0"
    assert view.ready and said_by(view) is None


def test_ids_that_came_again() -> None:
    """Models that count their calls anew in each reply: under another provider each has an id of its own."""
    made = [*answered(Text("one"), id="call_0", opening=OTHER), *answered(Text("two"), id="call_0")[2:]]
    assert said_by(window(entries([*made, transcript.reconfigure(SONNET)]))) is None


def test_an_opening_of_an_earlier_version_has_no_provider() -> None:
    """It reads as one whose provider is not known."""
    bare = Draft("opening", CLAUDE.data.replace(b',"provider":"anthropic"', b""))
    assert bare.data != CLAUDE.data
    assert read_opening(entries([bare])[0]) == Opening("claude-sonnet-5")


def test_an_entry_of_a_later_version_is_named_as_such() -> None:
    """Not a bare KeyError."""
    (first, second) = entries([CLAUDE, transcript.user("go")])
    with pytest.raises(TranscriptError, match="later version"):
        window([first, replace(second, kind="something")])  # type: ignore[arg-type]


OPENING = transcript.opening(
    Opening("a-model", ({"name": "read", "description": "d", "input_schema": {}},), ("be brief",))
)


@given(drafts(cuts=True))
def test_a_body_gives_back_the_frames(made: list[Draft]) -> None:
    """Invariant 1: the frames of a body in Anthropic's form are those of the view, markers or no markers."""
    view = window(entries(made))
    options = view.settings.options
    body = {
        "model": view.settings.model,
        "messages": [{"role": turn.role, "content": [one.value for one in turn.frames]} for turn in view.turns],
        "system": [
            {**one.value, "cache_control": {"type": "ephemeral"}} for one in view.prefix if one.segment == "system"
        ],
        "tools": [one.value for one in view.prefix if one.segment == "tool"],
        "thinking": options.thinking and {"type": "adaptive"},
        "output_config": {"effort": options.effort},
    }
    assert frames.wire(frames.body_frames(body)) == wire(view)


def test_a_request_has_everything_the_view_shows() -> None:
    """Tools, system, turns and options go in; the turn to answer is the user's."""
    view = window(entries([OPENING, transcript.user("go")]))
    made = request(view, estimate=10, limit=100, thread="t", previous_id="msg_1")
    assert [one.value["name"] for one in made.tools] == ["read"]
    assert [one.value["text"] for one in made.system] == ["be brief"]
    assert made.turns == view.turns
    assert (made.model, made.previous_id, made.estimate) == ("a-model", "msg_1", 10)


def test_no_request_without_something_to_answer() -> None:
    """Before anything was said, and after the model's own turn, there is nothing to ask."""
    for made in ([OPENING], [OPENING, transcript.user("go"), reply(Text("done"))]):
        with pytest.raises(TranscriptError, match="no request"):
            request(window(entries(made)), estimate=1, limit=10, thread="t")


def test_over_budget_names_the_largest() -> None:
    """What does not fit is refused with the largest parts by reference, largest first."""
    made = [OPENING, transcript.user("small"), reply(Text("ok")), transcript.user("large " * 500)]
    view = window(entries(made))
    with pytest.raises(BudgetExceeded, match=r"about 700 tokens and the budget is 600.*t/3") as caught:
        request(view, estimate=700, limit=600, thread="t")
    assert caught.value.largest[0][0] == "t/3"
    assert [tokens for _, tokens in largest(view, "t")] == sorted((n for _, n in largest(view, "t")), reverse=True)
