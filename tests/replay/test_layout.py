"""Contexts as runs: keys and sums are those of the frames, however they were put together."""

from itertools import accumulate

from hypothesis import given
from hypothesis import strategies as st

from agentmem.kvcache.frames import frame
from agentmem.kvcache.prompts import Breakpoint, Prompt
from agentmem.kvcache.rules import TTLS, rules
from agentmem.kvcache.simulated.simulator import Simulator
from agentmem.replay.layout import Layout, Run, Strip
from agentmem.replay.thinking import without_thinking
from agentmem.types import Frame, Role

NAMES = ("alpha", "beta", "gamma")
HEAD = frame("system", {"type": "text", "text": "head " * 1200})
RULES = rules("claude-opus-4-8")


def block(name: str) -> Frame:
    return frame("message", {"type": "text", "text": name * 300}, "user")


def laid(runs: list[Run]) -> Layout:
    return Layout("m", 1, "", (Strip((HEAD,)).run(), *runs))


frames = st.lists(st.sampled_from(NAMES).map(block), max_size=6)


@given(frames, frames, st.data())
def test_content_makes_the_key(first: list[Frame], second: list[Frame], data: st.DataObject) -> None:
    """Frames in one strip, in two, or as stretches of longer ones have the same keys and tokens at every position."""
    before = data.draw(frames)
    one = laid([Strip([*first, *second]).run()])
    longer = Strip([*before, *first, *second])
    middle = len(before) + data.draw(st.integers(0, len(first)))
    other = laid([Run(longer, len(before), middle), Run(longer, middle, len(longer))])
    assert [one.key_at(at) for at in range(len(one))] == [other.key_at(at) for at in range(len(other))]
    assert [one.tokens_at(at) for at in range(len(one))] == [other.tokens_at(at) for at in range(len(other))]
    assert list(one) == list(other) == [HEAD, *first, *second]
    assert one.tokens == sum(each.tokens for each in one)


@given(frames, frames)
def test_a_prefix_is_recognised(first: list[Frame], second: list[Frame]) -> None:
    """One layout begins with another just when its frames do."""
    one, other = laid([Strip(first).run()]), laid([Strip(second).run()])
    assert one.begins_with(other) == (second == first[: len(second)])


@given(st.lists(st.tuples(frames, st.sets(st.integers(0, 6), max_size=4)), min_size=1, max_size=8))
def test_the_simulator_bills_a_layout_as_it_bills_the_prompt(requests: list[tuple[list[Frame], set[int]]]) -> None:
    """The fast way and the plain way through the cache give the same usage, request by request."""
    fast, plain = Simulator(RULES), Simulator(RULES)
    for number, (messages, marked) in enumerate(requests):
        marks = tuple(Breakpoint(at, "5m") for at in sorted(marked) if at <= len(messages))
        layout = laid([Strip(messages).run()])
        prompt = Prompt("m", (), (HEAD,), tuple(messages), breakpoints=marks)
        at = 100.0 * number
        assert fast.send_path(layout.path(marks), RULES, at) == plain.send(prompt, at).usage


KINDS: dict[str, tuple[Role, dict[str, str]]] = {
    "prompt": ("user", {"type": "text", "text": "go on"}),
    "result": ("user", {"type": "tool_result", "tool_use_id": "c", "content": "so"}),
    "thought": ("assistant", {"type": "thinking", "thinking": "Hm.", "signature": "s"}),
    "reply": ("assistant", {"type": "text", "text": "well"}),
}


TURNS = (["prompt"], ["result"], ["result", "prompt"]), (["reply"], ["thought", "reply"], ["thought"])
exchanges = st.lists(st.tuples(*map(st.sampled_from, TURNS)), min_size=1, max_size=8)


@given(exchanges, st.data())
def test_thinking_is_stripped_as_the_server_does(turns: list[tuple[list[str], list[str]]], data: st.DataObject) -> None:
    """Runs without thinking are billed as the simulator bills the whole prompt on a model that strips it, wherever
    breakpoints stood before, on blocks that are dropped too, and at whichever turn a new strip begins.
    """
    kinds = [kind for turn in turns for side in turn for kind in side]
    messages = [frame("message", value, role) for role, value in map(KINDS.__getitem__, kinds)]
    old = rules("claude-sonnet-4-5")
    first, second = Strip(), Strip()
    cut = data.draw(st.sampled_from([0, *accumulate(len(side) for turn in turns for side in turn)]))
    fast, plain = Simulator(old), Simulator(old)
    for stop in range(1, len(messages) + 1):
        if kinds[stop - 1] == "thought":
            continue
        first.extend(messages[len(first) : min(cut, stop)])
        second.extend(messages[cut + len(second) : stop])
        stripped = without_thinking(laid([first.run(), second.run()]))
        places = sorted(data.draw(st.sets(st.integers(0, stop), max_size=3)) | {stop})
        marks = tuple(Breakpoint(at, data.draw(st.sampled_from(TTLS))) for at in places)
        prompt = Prompt("m", (), (HEAD,), tuple(messages[:stop]), breakpoints=marks)
        found = fast.send_path(stripped.layout.path(stripped.moved(marks)), old, float(stop))
        assert found == plain.send(prompt, float(stop)).usage
