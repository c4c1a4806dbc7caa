import asyncio
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentmem.errors import ModelOverloaded, ScriptEnded
from agentmem.kvcache.rules import claude_rules
from agentmem.kvcache.simulated.simulator import Simulator
from agentmem.models import load
from agentmem.models.engine import Engine
from agentmem.models.metering import ReplyMeter, Simulated
from agentmem.models.script import Turn
from agentmem.models.scripted import ScriptedModel, place
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
