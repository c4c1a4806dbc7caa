"""agentmem.sandbox.capture: what is kept of an output."""

from hypothesis import given
from hypothesis import strategies as st

from agentmem.sandbox.capture import Capture


@given(parts=st.lists(st.binary(max_size=50)), limit=st.integers(3, 300))
def test_short_output_is_whole_and_long_output_has_its_ends(parts: list[bytes], limit: int) -> None:
    """Up to the limit every byte is there; beyond it the ends are, and the count of the rest is right."""
    capture, whole = Capture(limit), b"".join(parts)
    for part in parts:
        capture.feed(part)
    text = capture.text()
    if len(whole) <= limit:
        assert text == whole.decode(errors="replace")
    else:
        assert f"{len(whole) - limit:,} of {len(whole):,} bytes left out" in text
        assert text.startswith(whole[: limit // 3].decode(errors="replace"))
        assert text.endswith(whole[limit // 3 - limit :].decode(errors="replace"))
