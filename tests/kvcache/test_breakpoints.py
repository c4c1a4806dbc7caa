"""Breakpoints: never more than four, the long-lived ones first, and a match however long a turn was."""

from hypothesis import given
from hypothesis import strategies as st

from agentmem.kvcache.breakpoints import place
from agentmem.kvcache.frames import frame
from agentmem.kvcache.rules import MAX_BREAKPOINTS, UNMARKABLE
from agentmem.types import Mark, Role, Turn


def turn(role: Role, *texts: str) -> Turn:
    return Turn(role, tuple(frame("message", {"type": "text", "text": text}, role) for text in texts))


@st.composite
def conversations(draw: st.DrawFn) -> list[Turn]:
    roles: list[Role] = ["user", "assistant"]
    return [
        turn(roles[at % 2], *draw(st.lists(st.just("x"), min_size=1, max_size=30)))
        for at in range(draw(st.integers(0, 9)))
    ]


marks = st.builds(
    Mark, st.sampled_from(["tool", "system"]), st.integers(0, 2), st.just(0), st.sampled_from(["5m", "1h"])
)


@given(st.integers(0, 3), st.integers(0, 3), conversations(), st.lists(marks, max_size=6))
def test_never_more_than_four_and_long_before_short(
    tools: int, system: int, turns: list[Turn], asked: list[Mark]
) -> None:
    """Whatever else is asked for, there are at most four marks in different places, and no 1 h mark after a 5 min."""
    placed = place(tools, system, turns, asked)
    assert len(placed) <= MAX_BREAKPOINTS
    assert len({(mark.segment, mark.index, mark.block) for mark in placed}) == len(placed)
    ttls = [mark.ttl for mark in placed]
    assert ttls == sorted(ttls)


@given(conversations())
def test_the_end_of_the_request_before_is_marked_again(turns: list[Turn]) -> None:
    """However many blocks a turn has, the next request has a breakpoint exactly where the last one wrote."""
    before = turns[: len(turns) - (len(turns) + 1) % 2]  # a request ends with the user's turn
    if len(before) < 3:
        return
    earlier, now = place(1, 1, before[:-2]), place(1, 1, before)
    assert earlier[-1] in now


def test_the_head_lives_an_hour() -> None:
    """Tools and system are marked with the 1 h lifetime, at the last system block or else the last tool."""
    assert place(3, 2, [])[0] == Mark("system", 1, 0, "1h")
    assert place(3, 0, [])[0] == Mark("tool", 2, 0, "1h")
    assert place(0, 0, []) == ()


def test_thinking_takes_no_mark() -> None:
    """A block that cannot carry a mark passes it to the block before it."""
    thinking = frame("message", {"type": "thinking", "thinking": "hm", "signature": "s"}, "assistant")
    last = Turn("assistant", (*turn("assistant", "a").frames, thinking))
    placed = place(0, 0, [turn("user", "hi"), last])
    assert placed[-1] == Mark("message", 1, 0, "5m")
    assert "thinking" in UNMARKABLE
