"""agentmem.report.contexts."""

from hypothesis import given
from hypothesis import strategies as st

from agentmem.report.contexts import Flattened, SentContext, first_difference
from agentmem.types import Frame, Turn


def words(name: str, role: str = "user") -> Frame:
    """A block that says ``name``."""
    return Frame(
        "message", "assistant" if role == "assistant" else "user", {"type": "text", "text": name}, name.encode(), 5
    )


A, B, C, D = map(words, "abcd")


def test_requests_that_extend_each_other_differ_nowhere() -> None:
    """Also where the reply is sent back and more has arrived."""
    grown = [A, B, C, D]
    first, second = SentContext((), grown, 1, 1), SentContext((), grown, 3)
    assert first_difference(first, second) is None
    assert second.sent == (A, B, C)


def test_the_first_block_that_differs_is_found_on_both_sides() -> None:
    """In head or messages; a block that only one side has stands beside nothing."""
    before = SentContext((A,), [B, C], 2)
    assert first_difference(before, SentContext((D,), [B, C], 2)) == (A, D)
    assert first_difference(before, SentContext((A,), [B, D], 2)) == (C, D)
    assert first_difference(before, SentContext((A,), [B], 1)) == (C, None)


@given(st.lists(st.lists(st.sampled_from("abc"), min_size=1, max_size=3), max_size=6), st.data())
def test_views_share_a_list_as_long_as_they_extend_each_other(steps: list[list[str]], data: st.DataObject) -> None:
    """Whatever follows whatever, the list begins with exactly the frames of the view that was added last."""
    flat = Flattened()
    turns: list[Turn] = []
    for step in steps:
        if data.draw(st.booleans()):
            turns = turns[: data.draw(st.integers(0, len(turns)))]  # a cut
        turns = [*turns, Turn("user", tuple(map(words, step)))]
        found, length = flat.add(turns)
        assert list(found[:length]) == [frame for turn in turns for frame in turn.frames]
