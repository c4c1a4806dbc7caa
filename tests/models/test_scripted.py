import asyncio
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentmem.errors import ConfigError, ModelOverloaded, ScriptEnded
from agentmem.kvcache.rules import claude_rules
from agentmem.kvcache.simulated.simulator import Simulator
from agentmem.models import load
from agentmem.models.engine import Engine
from agentmem.models.meters import ReplyMeter, Simulated
from agentmem.models.scripted import (
    ScriptedModel,
    Turn,
    message,
    parse_markdown,
    parse_yaml,
    place,
    read,
)
from agentmem.types import Delta, Mark, Message, Model, Reply, Request, Text, TextDelta, ToolCall, ToolResult
from tests.models.requests import READ, ask, request

CALL = ToolCall("", "read", '{"page":"Team.md"}')


def reply(model: Model, asked: Request) -> Reply:
    last = list(model.stream(asked))[-1]
    assert isinstance(last, Reply)
    return last


def answered(history: list[Message], said: Message) -> list[Message]:
    """The history with a reply and what a runtime would send next."""
    results = tuple(ToolResult(call.id, (Text("Ada leads."),)) for call in said.calls)
    return [*history, said, Message("user", results or (Text("Go on."),))]


def play(model: Model, turns: int, history: list[Message] | None = None) -> list[Message]:
    """Run a conversation of so many turns."""
    history = history or [ask("Who leads?")]
    for _ in range(turns):
        history = answered(history, reply(model, request(*history)).message)
    return history


def test_it_says_its_turns_in_order() -> None:
    """Texts and calls come as written, with the stop reason that fits."""
    model = ScriptedModel([["I look.", CALL], "Ada leads."])
    first = reply(model, request(ask("Who leads?")))
    assert (first.message.text, first.stop_reason) == ("I look.", "tool_use")
    assert first.message.calls == (ToolCall("call_0_1", "read", '{"page":"Team.md"}'),)
    second = reply(model, request(*answered([ask("Who leads?")], first.message)))
    assert (second.message.text, second.stop_reason) == ("Ada leads.", "end_turn")


def test_text_streams_in_pieces() -> None:
    """A long text comes in several deltas that make it up exactly, blank lines and all."""
    words = "One two three,\n\nfour five  six seven eight nine.\n" * 3
    *deltas, last = list(ScriptedModel([words]).stream(request(ask("?"))))
    assert len(deltas) > 3
    assert "".join(delta.text for delta in deltas if isinstance(delta, TextDelta)) == words
    assert isinstance(last, Reply)


def test_asyncio_gives_the_same() -> None:
    """The asynchronous stream has the same deltas and message."""
    script = ["One two three four five six.", "Seven."]

    async def collect() -> list[Delta]:
        return [delta async for delta in ScriptedModel(script).astream(request(ask("?")))]

    one, other = asyncio.run(collect()), list(ScriptedModel(script).stream(request(ask("?"))))
    assert one[:-1] == other[:-1]
    assert isinstance(one[-1], Reply)
    assert isinstance(other[-1], Reply)
    assert one[-1].message == other[-1].message


def test_requests_are_kept() -> None:
    """Every request is there to be looked at, also one that found no turn."""
    model = ScriptedModel(["One."])
    history = play(model, 1)
    with pytest.raises(ScriptEnded, match="1 turns and turn 2"):
        reply(model, request(*history))
    assert [len(one.turns) for one in model.requests] == [1, 3]


KINDS: list[Turn] = ["Text.", CALL, ["Both.", CALL, CALL]]
TURNS = st.lists(st.sampled_from(KINDS), min_size=1, max_size=8)


@given(TURNS, st.data())
def test_a_new_model_goes_on_where_the_old_one_stopped(turns: list[Turn], data: st.DataObject) -> None:
    """Killed after any turn, a run that another process resumes gets the very turns it would have got."""
    script: list[Turn] = [*turns, "The end."]
    whole = play(ScriptedModel(script), len(script))
    stop = data.draw(st.integers(0, len(script)))
    before = play(ScriptedModel(script), stop)
    assert play(ScriptedModel(script), len(script) - stop, before) == whole


def test_a_compacted_run_goes_on() -> None:
    """Turns that left the context are not said again: the calls that stayed tell where the script was."""
    script: list[Turn] = [CALL, CALL, CALL, "Text.", "The end."]
    history = play(ScriptedModel(script), 4)
    compacted = [ask("A summary of what was done."), *history[5:]]
    assert place(request(*compacted)) == 4
    assert reply(ScriptedModel(script), request(*compacted)).message.text == "The end."


def test_sequential_takes_the_next_turn_whatever_the_request() -> None:
    """For a thread that another script began, the turns come in order and their calls have new ids."""
    history = play(ScriptedModel([CALL, "First."]), 2)
    model = ScriptedModel([CALL, "Second."], sequential=True)
    history = play(model, 2, history)
    calls = [call.id for one in history for call in one.calls]
    assert calls == ["call_0_1", "call_2_1"]
    assert history[-2].text == "Second."


def test_an_error_is_raised_once() -> None:
    """An exception in the script is raised in its place; the next try gets the turn after it."""
    for sequential in (False, True):
        model = ScriptedModel(
            ["One.", ModelOverloaded("busy"), ModelOverloaded("still"), "Two."], sequential=sequential
        )
        history = play(model, 1)
        for words in ("busy", "still"):
            with pytest.raises(ModelOverloaded, match=words):
                reply(model, request(*history))
        assert reply(model, request(*history)).message.text == "Two."


def test_a_function_can_be_the_script() -> None:
    """A function sees the request and decides; an exception that it gives back is raised."""
    model = ScriptedModel(lambda asked: f"Turn {len(asked.turns)}." if len(asked.turns) < 3 else ScriptEnded("enough"))
    history = play(model, 1)
    assert history[1].text == "Turn 1."
    with pytest.raises(ScriptEnded, match="enough"):
        reply(model, request(*history))


def test_some_purposes_have_their_own_answer() -> None:
    """A request made for another purpose gets that purpose's answer and costs no turn."""
    from dataclasses import replace

    model = ScriptedModel(["One."], by_purpose={"summary": "In short.", "title": lambda asked: asked.model})
    asked = request(ask("?"))
    assert reply(model, replace(asked, purpose="summary")).message.text == "In short."
    assert reply(model, replace(asked, purpose="title")).message.text == asked.model
    assert reply(model, asked).message.text == "One."


def test_without_a_meter_usage_is_estimated() -> None:
    """All input counts as processed, none as cached, and the basis says that it is an estimate."""
    usage = reply(ScriptedModel(["One."]), request(ask("Who?"), tools=(READ,), system=("Be kind.",))).usage
    assert (usage.basis, usage.cache_read_tokens) == ("estimated", 0)
    assert usage.uncached_tokens > 50
    assert usage.output_tokens > 0


def test_a_simulator_can_meter() -> None:
    """With a provider's rules the second request reads what the first one wrote, and the basis is simulated."""
    model = ScriptedModel(["One.", "Two."], meter=Simulated(Simulator(claude_rules("claude-opus-5"))))
    system = ("word " * 2000,)
    marks = (Mark("system", 0, 0, "5m"),)
    first = reply(model, request(ask("?"), system=system, marks=marks))
    second = reply(model, request(*answered([ask("?")], first.message), system=system, marks=marks))
    assert (first.usage.basis, second.usage.basis) == ("simulated", "simulated")
    assert first.usage.cache_write_5m_tokens == second.usage.cache_read_tokens > 2000
    assert second.usage.output_tokens > 0
    model.close()


def test_the_engine_can_meter(engine: Engine) -> None:
    """With the local engine, cached tokens are measured while the script decides what is said."""
    meter: ReplyMeter = engine
    model = ScriptedModel([["I look.", CALL], "Ada leads."], meter=meter)
    system = ("Pages about the team, one for each member. " * 10,)
    first = reply(model, request(ask("Who leads?"), tools=(READ,), system=system))
    second = reply(model, request(*answered([ask("Who leads?")], first.message), tools=(READ,), system=system))
    assert (first.usage.basis, second.usage.basis) == ("measured", "measured")
    assert second.usage.cache_read_tokens == first.usage.input_tokens
    assert second.message.text == "Ada leads."


def test_a_script_is_loaded_by_name(tmp_path: Path) -> None:
    """``scripted:PATH`` is the model of a script file."""
    (tmp_path / "script.md").write_text("## Turn 1\nHello.\n")
    model = load(f"scripted:{tmp_path / 'script.md'}")
    assert reply(model, request(ask("Hi."))).message.text == "Hello."
    assert model.profile.tier == "scripted"
    model.close()


YAML = """
- text: I look at the page first.
  calls:
    - read: {page: Team.md, since: 2026-01-31, limit: 3}
    - list:
- Ada leads the team.
- ["One.", {calls: [{read: {page: B.md}}]}, "Two."]
"""

MARKDOWN = """# Who leads?

Words before the first turn are a comment.

## Turn 1: look around
I look at the page first.

```yaml call read
page: Team.md
since: 2026-01-31
limit: 3
```

~~~~ call list
~~~~

## Turn 2

Ada leads the team.

## Not a turn, but a heading of the reply

```markdown
## Turn 9: inside a fence
```call
```

## Turn 3
One.

```json call read
{"page": "B.md"}
```

Two.
"""

FIRST = (
    Text("I look at the page first."),
    ToolCall("call_0_1", "read", '{"page":"Team.md","since":"2026-01-31","limit":3}'),
    ToolCall("call_0_2", "list", "{}"),
)
LAST = (Text("One."), ToolCall("call_2_1", "read", '{"page":"B.md"}'), Text("Two."))


def test_a_yaml_script() -> None:
    """Turns are texts or mappings; calls keep the order of their arguments, and dates stay text."""
    turns = [message(turn, place).blocks for place, turn in enumerate(parse_yaml(YAML))]
    assert turns == [FIRST, (Text("Ada leads the team."),), LAST]


def test_a_markdown_script() -> None:
    """Turns are headings, calls are fenced blocks, and other headings and fences are the reply's own text."""
    first, second, third = (message(turn, place).blocks for place, turn in enumerate(parse_markdown(MARKDOWN)))
    assert first == FIRST
    assert third == LAST
    assert len(second) == 1
    text = second[0].wire()["text"]
    assert text.startswith("Ada leads the team.\n\n## Not a turn")
    assert "## Turn 9: inside a fence" in text


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("a.yaml", "text: no list", "a list of turns"),
        ("a.yaml", "[]", "a list of turns"),
        ("a.yaml", "- [unclosed", "this is no YAML"),
        ("a.yaml", "- Fine.\n- {say: hello}", "turn 2: a part of a turn is"),
        ("a.yaml", "- {calls: [{read: {}, list: {}}]}", "turn 1: a call is a mapping of one tool's name"),
        ("a.yaml", "- {calls: [{read: Team.md}]}", "the arguments of the call read are a mapping"),
        ("a.yaml", "- {calls: [{read: {limit: .nan}}]}", "cannot be written as JSON"),
        ("a.yaml", "- 5", "turn 1: a turn of a script is text"),
        ("a.md", "Just words.", "a heading such as '## Turn 1'"),
        ("a.md", "## Turn 1\n\n## Turn 2\nText.", "'## Turn 1' has neither text nor a call"),
        ("a.md", "## Turn 1\n```call read\npage: A.md\n", "the block of the call read is not closed"),
        ("a.md", "## Turn 1\n```call read\n- a list\n```", "the arguments of the call read are a mapping"),
    ],
)
def test_a_bad_script_says_where(tmp_path: Path, name: str, text: str, says: str) -> None:
    """A script that cannot be used names the file, the turn and what is wrong with it."""
    (tmp_path / name).write_text(text)
    with pytest.raises(ConfigError) as raised:
        read(tmp_path / name)
    assert name in str(raised.value)
    assert says in str(raised.value)


@pytest.mark.parametrize("content", [None, b"- \xff\xfe"])
def test_a_script_that_cannot_be_read(tmp_path: Path, content: bytes | None) -> None:
    """A file that is missing, or no UTF-8, is named."""
    path = tmp_path / "script.yaml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ConfigError, match=r"script\.yaml cannot be read"):
        read(path)


@pytest.mark.parametrize(
    ("turn", "blocks"),
    [
        ("Hello.", (Text("Hello."),)),
        ("", ()),
        (ToolCall("mine", "read", "{}"), (ToolCall("mine", "read", "{}"),)),
        (ToolCall("", "read", "{}"), (ToolCall("call_7_1", "read", "{}"),)),
        ([ToolCall("", "a", "{}"), "And", ToolCall("", "b", "{}")], None),
        (Message("assistant", (Text("As it is."),)), (Text("As it is."),)),
    ],
)
def test_what_a_turn_may_be(turn: Turn, blocks: tuple[object, ...] | None) -> None:
    """A turn is a text, a call, a list of them or a message; calls without an id are numbered within the turn."""
    made = message(turn, 7)
    if blocks is None:
        assert [call.id for call in made.calls] == ["call_7_1", "call_7_2"]
    else:
        assert made.blocks == blocks


LINE = st.text(st.characters(blacklist_categories=["Cs", "Cc", "Zl", "Zp"]), min_size=1, max_size=30).map(str.strip)
ARGUMENTS = st.dictionaries(LINE.filter(bool), st.one_of(LINE, st.integers(), st.booleans(), st.none()), max_size=4)


@given(st.lists(ARGUMENTS, min_size=1, max_size=4))
def test_any_arguments_pass_through_markdown(calls: list[dict[str, object]]) -> None:
    """Arguments written as JSON into a fenced call come back as they were, in their order."""
    text = "".join(f"## Turn\n```json call read\n{json.dumps(one)}\n```\n" for one in calls)
    found = [message(turn, 0).calls[0].arguments for turn in parse_markdown(text)]
    assert [list(json.loads(one).items()) for one in found] == [list(one.items()) for one in calls]
