"""Entries are canonical bytes that read back as what was written."""

import json

from hypothesis import given
from hypothesis import strategies as st

from agentmem.transcript import transcript
from agentmem.transcript.transcript import Opening, PinnedPage
from agentmem.types import Draft, Image, Message, Opaque, Options, Reply, Text, ToolCall, ToolResult, Usage
from tests.transcript.transcripts import PNG, drafts, entries, reply


def test_an_opening_reads_back_as_it_was_written() -> None:
    """Every setting of entry 0 survives, tool definitions in their order of keys."""
    tool = {"name": "read", "description": "Opens a page.", "input_schema": {"type": "object", "properties": {}}}
    options = Options(effort="low", thinking='{"type":"adaptive"}')
    value = Opening("m", (tool,), ("be brief",), (PinnedPage("a.md", "ff", "# A"),), options, True)
    [entry] = entries([transcript.opening(value)])
    assert transcript.read_opening(entry) == value
    assert list(transcript.read_opening(entry).tools[0]) == ["name", "description", "input_schema"]


def test_every_kind_of_block_reads_back() -> None:
    """Text, images, calls, results and opaque blocks come back equal, arguments to the letter."""
    thinking = Opaque('{"type": "thinking",  "signature": "x"}')
    call = ToolCall("c1", "edit", '{"z": 1,  "a": "é"}')
    result = ToolResult("c1", (Text("ok"), Image("image/png", PNG)), is_error=True)
    said, replied, answered = entries(
        [transcript.user([Text("hi"), Image("image/png", PNG)]), reply(thinking, call), transcript.tool_result(result)]
    )
    assert transcript.read_blocks(said) == (Text("hi"), Image("image/png", PNG))
    assert transcript.read_message(replied).blocks == (thinking, call)
    assert transcript.read_result(answered) == result


def test_readable_is_what_a_person_would_look_for() -> None:
    """Text, calls and results are readable; pictures are only named and thinking is left out."""
    [entry] = entries(
        [reply(Opaque('{"type":"thinking","thinking":"hm"}'), Text("so"), ToolCall("c", "find", '{"q":1}'))]
    )
    assert transcript.readable(entry) == 'so\n\nfind {"q":1}'
    [picture] = entries([transcript.user([Image("image/png", PNG)])])
    assert transcript.readable(picture) == "[image/png]"
    assert transcript.readable(entries([Draft("usage", b"{}")])[0]) == ""


@given(drafts(cuts=True))
def test_packing_is_canonical(made: list[Draft]) -> None:
    """Reading any entry's blocks and packing them again gives the same values."""
    for entry in entries(made):
        if entry.kind in ("user", "assistant", "compaction"):
            assert [transcript.pack(block) for block in transcript.read_blocks(entry)] == entry.value["blocks"]


@given(st.text(st.characters(exclude_categories=()), max_size=20), st.text(max_size=20), st.booleans())
def test_what_a_draft_knows_is_what_its_bytes_say(text: str, name: str, error: bool) -> None:
    """An entry that was made here reads as one that is read back, whatever the text."""
    call, told = ToolCall("c", name, text), ToolResult("c", (Text(text), Image("image/png", "AA==")), error)
    message = Message("assistant", (Text(text), Opaque('{"type":"thinking"}'), call))
    made = [
        transcript.user(text, run=name, shown=(Text(name),)),
        transcript.assistant(Reply(message, Usage("measured"), id=name)),
        transcript.tool_started(call),
        transcript.tool_result(told, told.content),
        transcript.note(name, text),
    ]
    assert [draft.known for draft in made] == [json.loads(draft.data) for draft in made]
