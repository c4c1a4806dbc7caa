"""agentmem.kvcache.shared_blocks."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentmem.integrations.wirelog import as_json
from agentmem.kvcache.shared_blocks import LONG, LineReader, LineWriter, MissingBlocks

KEYS = st.sampled_from(("messages", "tools", "system", "input", "text", "role", "$chain", "$text", "$as-is", "blocks"))
TEXTS = st.text() | st.sampled_from(("x" * LONG, "\ud800" + "y" * LONG, "z" * (LONG - 1)))
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS | st.text(max_size=3), inner, max_size=4),
    max_leaves=12,
)
LINES = st.builds(
    lambda request, response, status: {"at": 1.5, "request": request, "response": response, "status": status},
    st.dictionaries(KEYS, VALUES, max_size=5),
    VALUES,
    st.integers(),
)


@given(st.lists(LINES, max_size=6), st.data())
def test_every_line_is_whole_again_to_the_byte(lines: list[dict[str, Any]], data: st.DataObject) -> None:
    """Whatever a request holds, also our own marks, and whenever the writer forgets or a line cannot be written."""
    writer, reader = LineWriter(), LineReader()
    for line in (*lines, *lines):
        short = json.loads(as_json(writer.shortened(line)))
        if data.draw(st.booleans()):
            continue  # it could not be written, so nothing of it is known
        writer.kept()
        assert as_json(reader.whole(short)) == as_json(line)
        if data.draw(st.integers(0, 4)) == 0:
            writer.forget()


def _said(at: int, marks: dict[str, Any]) -> dict[str, Any]:
    return {"role": "user", "content": [{"type": "text", "text": f"{at} " + "word " * 400, **marks}]}


def asked(turns: int) -> dict[str, Any]:
    """The request of a conversation after so many turns, with a cache mark at its end."""
    said = [_said(at, {"cache_control": {"type": "ephemeral"}} if at == turns - 1 else {}) for at in range(turns)]
    return {"at": 1.0, "request": {"model": "m", "system": "s" * 9_000, "tools": [{"name": "t"}], "messages": said}}


def test_a_log_grows_as_its_conversation_does() -> None:
    """Twice the turns are twice the bytes, though each request repeats all before it, and marks move."""
    writer = LineWriter()
    sizes = []
    for turns in range(1, 201):
        sizes.append(len(as_json(writer.shortened(asked(turns)))))
        writer.kept()
    assert sum(sizes[100:]) < 1.1 * sum(sizes[:100])
    assert max(sizes[1:]) < 1.5 * len(as_json({"text": "word " * 400}))


def test_old_lines_are_whole_as_they_are() -> None:
    """A log from before reads on; a body that is no object is passed on."""
    reader, writer = LineReader(), LineWriter()
    lines: list[dict[str, Any]] = [{"request": {"messages": [{"$chain": "x"}]}}, {"body": {}}, {"request": None}]
    for line in lines:
        assert reader.whole(line) == line
    assert writer.shortened({"request": None}) == {"request": None}


def test_a_line_whose_blocks_are_lost_says_so() -> None:
    """Nothing is made up; lines that do not need them are read on."""
    writer, reader = LineWriter(), LineReader()
    writer.shortened(asked(1))
    writer.kept()
    needs = writer.shortened(asked(2))
    with pytest.raises(MissingBlocks, match="lost"):
        reader.whole(needs)
    writer.forget()
    assert reader.whole(writer.shortened(asked(3))) == asked(3)
    with pytest.raises(ValueError, match="another kind"):
        reader.whole({"request": {}, "blocks": [["picture", "x"]]})
