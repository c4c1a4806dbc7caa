"""What is sent for the first time, by its text."""

import re

from hypothesis import given
from hypothesis import strategies as st

from agentmem.kvcache.frames import frame
from agentmem.kvcache.rules import rules
from agentmem.replay.layout import Layout, Strip
from agentmem.replay.resent import RecordedTexts, SentTexts, pieces
from agentmem.replay.simulation import SimulatedRequests
from agentmem.types import Frame

TEXT = "".join(f"Drawer {number} holds {number * 7} keys and the lamp of room {number * 3}\n" for number in range(60))


def result(words: str, identity: str = "c") -> Frame:
    return frame("message", {"type": "tool_result", "tool_use_id": identity, "content": words}, "user")


def said(words: str) -> Frame:
    return frame("message", {"type": "text", "text": words}, "user")


def test_a_frame_is_new_once() -> None:
    """Whoever wrote it; without a recording every frame is new in full."""
    for sent in (SentTexts(), SentTexts(RecordedTexts([said(TEXT)])), SentTexts(RecordedTexts())):
        assert sent.send(said(TEXT)) == said(TEXT).tokens
        assert sent.send(said(TEXT)) == 0


def test_moved_and_headed_texts_are_not_new() -> None:
    """As another block, behind a heading on the same line or in front of it, cut in two, or a part of it."""
    recorded = RecordedTexts([result(TEXT)])
    half = len(TEXT) // 2
    for words in (TEXT, f"Kept results: {TEXT}", f"# What main/3 said\n\n{TEXT}", TEXT[half:], TEXT[:half]):
        sent = SentTexts(recorded)
        sent.send(result(TEXT))
        assert sent.send(said(words)) <= 0.05 * said(words).tokens
    fresh = SentTexts(recorded)
    assert fresh.send(said(f"Kept: {TEXT}")) > 0.9 * said(TEXT).tokens


def test_what_the_recording_brings_again_is_new() -> None:
    """A file that an agent reads a second time arrives a second time, whatever the policy does."""
    first, second = result(TEXT, "c1"), result(TEXT, "c2")
    sent = SentTexts(RecordedTexts([first, second]))
    assert (sent.send(first), sent.send(second)) == (first.tokens, second.tokens)


@given(st.text(), st.text(min_size=1), st.text(alphabet=":.\n", min_size=1))
def test_a_text_has_the_same_pieces_behind_a_heading(head: str, text: str, between: str) -> None:
    """And all of its words, in order."""
    assert list(pieces(head + between + text)) == [*pieces(head), *pieces(text)]
    assert " ".join(pieces(text)).split() == re.findall(r"\w+", text)


def test_a_moved_text_is_processed_again() -> None:
    """In a request its tokens are redo: neither read, nor new."""
    simulation = SimulatedRequests(rules, "5m", RecordedTexts([said(TEXT)]))
    model = "claude-opus-4-6"
    simulation.send(Layout(model, 0, "", (Strip([said(TEXT)]).run(),)), 0.0, 0.0)
    moved = Layout(model, 0, "", (Strip([said("Summary."), said(f"Kept: {TEXT}")]).run(),))
    metered = simulation.send(moved, 10.0, 10.0, cut=True)
    assert metered.usage.cache_read_tokens == 0
    assert metered.new_tokens <= 0.05 * metered.usage.input_tokens
