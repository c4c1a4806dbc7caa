"""What was needed later, and what it costs at least."""

import pytest

from agentmem.kvcache.frames import frame
from agentmem.replay.bound import live_tokens, lower_bound
from agentmem.replay.layout import Layout, Strip
from agentmem.replay.needed import FAR, Needs, Sight, tokens
from agentmem.types import Frame, Rates

RATES = Rates(uncached=1.0, cache_read=0.1, cache_write_5m=1.25, cache_write_1h=2.0, output=5.0)


def result(text: str) -> Frame:
    return frame("message", {"type": "tool_result", "tool_use_id": "c", "content": text}, "user")


def said(text: str) -> Frame:
    return frame("message", {"type": "text", "text": text}, "assistant")


def call(**arguments: str) -> Frame:
    return frame("message", {"type": "tool_use", "id": "c", "name": "read", "input": arguments}, "assistant")


def followed(*entries: tuple[list[Frame], list[Frame]]) -> Needs:
    needs = Needs()
    for arrived, reply in entries:
        needs.follow(arrived, reply)
    return needs


def test_which_strings_count() -> None:
    """Eight characters or more, with a digit, a mark or mixed case."""
    found = tokens("plain_words shortish anything CamelCases src/a.py:12 --------- ALLUPPER abc1 deadbeef42")
    assert found == {"plain_words", "CamelCases", "src/a.py:12", "deadbeef42"}


def test_an_event_is_first_read_then_used() -> None:
    """A string from a result that a later call uses is an event, once; what the model wrote before that is not."""
    quiet: tuple[list[Frame], list[Frame]] = ([], [said("hm")])
    needs = followed(
        ([result("see src/alpha.py and src/beta.py")], [said("I made src/gamma.py")]),
        *[quiet] * FAR,
        ([result("src/gamma.py")], [said("so src/beta.py"), call(path="src/alpha.py")]),
        ([], [call(path="src/beta.py src/gamma.py")]),
        ([], [call(path="src/alpha.py")]),
    )
    assert [(event.text, event.seen, event.used) for event in needs.events()] == [("src/alpha.py", 0, 11)]


def test_sight_is_by_content() -> None:
    """A string is seen alone or inside a longer one, and only where the layout reaches."""
    needs = followed(([result("src/alpha.py"), result("other")], []), ([], [call(path="src/alpha.py")]))
    strip = Strip([result("src/alpha.py"), result("x/src/alpha.py:3"), result("other")])
    sight = Sight(needs)
    assert sight.sees(Layout("m", 0, "", (strip.run(0, 1),)), "src/alpha.py")
    assert sight.sees(Layout("m", 0, "", (strip.run(1, 2),)), "src/alpha.py")
    assert not sight.sees(Layout("m", 0, "", (strip.run(2),)), "src/alpha.py")


def test_the_bound_is_that_of_the_formula() -> None:
    """Writing everything once, reading the opening and the needed lines, and the output: by hand."""
    source = result("src/alpha.py here\nand a line that nobody needs")
    entries = [([source], [said("hm")])] + [([], [said("hm")])] * FAR + [([], [call(path="src/alpha.py")])]
    needs = followed(*entries)
    live = live_tokens(len(entries), needs)
    line = source.tokens * len("src/alpha.py here") / len("src/alpha.py here\nand a line that nobody needs")
    assert live == [0, *[round(line)] * (FAR + 1)]
    replies = [sum(one.tokens for one in reply) for _, reply in entries]
    expected = 1.25 * (1_000 + source.tokens + sum(replies[:-1]))
    expected += 0.1 * (1_000 * len(entries) + sum(live)) + 5.0 * sum(replies)
    outputs = [sum(one.tokens for one in reply) for _, reply in entries]
    found = lower_bound(entries, 1_000, needs, [RATES] * len(entries), outputs)
    assert found == pytest.approx(expected)
    assert lower_bound(entries, 1_000, needs, [None] * len(entries), outputs) == 0
