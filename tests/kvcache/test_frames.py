"""Frames are canonical: the same content gives the same bytes, whoever built it."""

from hypothesis import given
from hypothesis import strategies as st

from agentmem.kvcache import frames

values = st.dictionaries(
    st.text(max_size=5), st.text(max_size=5) | st.integers() | st.booleans() | st.none(), max_size=4
)


def test_cache_control_is_not_part_of_a_frame() -> None:
    """Marking a block does not change its bytes."""
    bare = {"type": "text", "text": "a"}
    marked = {**bare, "cache_control": {"type": "ephemeral", "ttl": "1h"}}
    assert frames.frame("system", bare) == frames.frame("system", marked)


def test_the_order_of_keys_is_kept() -> None:
    """Key order reaches the provider's tokenizer, so it is part of the frame."""
    assert frames.frame("tool", {"a": 1, "b": 2}).data != frames.frame("tool", {"b": 2, "a": 1}).data


def test_a_string_is_one_text_block() -> None:
    """Both spellings of the API give the same frames."""
    short = {"model": "m", "system": "s", "messages": [{"role": "user", "content": "hi"}]}
    text = [{"type": "text", "text": "hi"}]
    long = {"model": "m", "system": [{"type": "text", "text": "s"}], "messages": [{"role": "user", "content": text}]}
    assert frames.body_frames(short) == frames.body_frames(long)


def test_frames_stand_in_the_order_of_the_cache_key() -> None:
    """Frames are in the order model, tools, system, options, messages, in whatever order the body has them."""
    body = {
        "messages": [{"role": "user", "content": "hi"}],
        "tool_choice": {"type": "auto"},
        "tools": [{"name": "t"}],
        "system": "s",
        "model": "m",
    }
    segments = [one.segment for one in frames.body_frames(body)]
    assert segments == ["model", "tool", "system", "options", "message"]


@given(st.lists(values, max_size=5), st.lists(values, max_size=5))
def test_equal_wires_mean_equal_frames(left: list[dict[str, object]], right: list[dict[str, object]]) -> None:
    """Length prefixes make the encoding unambiguous: different frames never share their bytes."""
    one = [frames.frame("message", value, "user") for value in left]
    two = [frames.frame("message", value, "user") for value in right]
    assert (frames.wire(one) == frames.wire(two)) == (one == two)
    assert (frames.digest(map(frames.encode, one)) == frames.digest(map(frames.encode, two))) == (one == two)


@given(st.lists(values, max_size=6), st.integers(0, 6))
def test_a_digest_can_be_carried_on(made: list[dict[str, object]], at: int) -> None:
    """The digest of a prefix, extended by the rest, is the digest of the whole."""
    all_frames = [frames.frame("message", value, "user") for value in made]
    encoded = [frames.encode(one) for one in all_frames]
    assert frames.digest(encoded[at:], frames.digest(encoded[:at])) == frames.digest(encoded)
