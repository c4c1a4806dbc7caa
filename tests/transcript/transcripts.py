"""Builds transcripts: by hand, and every kind of valid one for the property tests."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from hypothesis import strategies as st

from agentmem.compaction.plan import cut_at, places
from agentmem.context.cut import Part, compaction
from agentmem.context.window import View, window
from agentmem.kvcache.frames import canonical
from agentmem.transcript import transcript
from agentmem.transcript.transcript import Opening, PinnedPage
from agentmem.types import (
    Block,
    Draft,
    Entry,
    Image,
    Message,
    Opaque,
    Options,
    Reply,
    Text,
    ToolCall,
    ToolResult,
    Usage,
)

PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNk+A8AAQUBAScY42YAAAAASUVORK5CYII="  # one pixel


def entries(drafts: Iterable[Draft], thread: str = "t") -> list[Entry]:
    """Drafts as the entries of a thread, without a journal."""
    found: list[Entry] = []
    for seq, draft in enumerate(drafts):
        parent = found[-1].sha256 if found else ""
        sha256 = hashlib.sha256(parent.encode() + draft.kind.encode() + draft.data).hexdigest()
        found.append(Entry(thread, seq, parent, draft.kind, draft.data, sha256))
    return found


def reply(*blocks: Block, stop: str = "end_turn") -> Draft:
    """An assistant entry."""
    return transcript.assistant(Reply(Message("assistant", blocks), Usage("estimated"), stop_reason=stop))


texts = st.text(st.characters(codec="utf-8"), max_size=40)
words = st.text("abcdefghij", min_size=1, max_size=8)
images = st.sampled_from([Image("image/png", PNG), Image("image/jpg", PNG), Image("image/png", "AAAA")])
"""One pixel, one pixel that is said to be of another kind, and what is no picture."""
IDS = ("call_{}", "functions.read:{}", "chatcmpl-tool-00000000000000000000000000000000{}", "{} ")
NAMES = ("read", "read", "functions.read", "")
"""Forms of ids and names that models make up."""
thinking = texts.map(lambda text: Opaque(f'{{"type":"thinking","thinking":{_quoted(text)},"signature":"c2ln"}}'))
arguments = st.dictionaries(words, st.one_of(texts, st.integers(), st.none(), st.lists(texts, max_size=2)), max_size=3)
openings = st.builds(
    Opening,
    model=st.just("a-model"),
    tools=st.lists(words, max_size=3, unique=True).map(
        lambda names: tuple({"name": n, "description": "d", "input_schema": {"type": "object"}} for n in names)
    ),
    system=st.lists(st.text(min_size=1, max_size=20).filter(str.strip), max_size=2).map(tuple),
    pinned=st.just((PinnedPage("a.md", "0" * 64, "# A"),)) | st.just(()),
    options=st.sampled_from([Options(), Options(effort="low", thinking='{"type":"adaptive"}')]),
    notes_in_results=st.booleans(),
    provider=st.sampled_from(["", "anthropic", "openai"]),
)


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


@dataclass
class _Growing:
    """A transcript in the making: what is open decides what may come next."""

    drafts: list[Draft] = field(default_factory=list)
    open: list[str] = field(default_factory=list)
    made: int = 0


@st.composite
def drafts(draw: st.DrawFn, *, cuts: bool = False, least: int = 1, most: int = 25) -> list[Draft]:
    """Any transcript that the runtime could write: parallel calls answered in any order, notes and text at any time."""
    growing = _Growing([transcript.opening(draw(openings))])
    for _ in range(draw(st.integers(least, most))):
        kinds = ["user", "note", "usage"]
        kinds += ["result", "started", "result"] if growing.open else ["assistant", "assistant"]
        kinds += ["reconfigure"] if cuts else []
        kinds += ["compaction"] if cuts and places(_view(growing)) else []
        growing.drafts.append(_MAKE[draw(st.sampled_from(kinds))](draw, growing))
    return growing.drafts


def _user(draw: st.DrawFn, growing: _Growing) -> Draft:
    return transcript.user(draw(st.lists(texts.map(Text) | images, min_size=1, max_size=2)), run="r")


def _note(draw: st.DrawFn, growing: _Growing) -> Draft:
    return transcript.note("date", draw(texts))


def _usage(draw: st.DrawFn, growing: _Growing) -> Draft:
    return Draft("usage", b"{}")


def _assistant(draw: st.DrawFn, growing: _Growing) -> Draft:
    blocks: list[Block] = [*draw(st.lists(thinking, max_size=1)), *draw(st.lists(texts.map(Text), max_size=1))]
    for given in draw(st.lists(arguments, max_size=3)):
        growing.made += 1
        growing.open.append(draw(st.sampled_from(IDS)).format(growing.made))
        blocks.append(ToolCall(growing.open[-1], draw(st.sampled_from(NAMES)), canonical(given).decode()))
    return reply(*blocks)


def _result(draw: st.DrawFn, growing: _Growing) -> Draft:
    call_id = growing.open.pop(draw(st.integers(0, len(growing.open) - 1)))
    content = tuple(draw(st.lists(texts.map(Text) | images, max_size=2)))
    return transcript.tool_result(ToolResult(call_id, content, draw(st.booleans())))


def _started(draw: st.DrawFn, growing: _Growing) -> Draft:
    return transcript.tool_started(ToolCall(growing.open[0], "read", "{}"))


def _reconfigure(draw: st.DrawFn, growing: _Growing) -> Draft:
    return transcript.reconfigure(replace(draw(openings), model="another"))


def _compaction(draw: st.DrawFn, growing: _Growing) -> Draft:
    view = _view(growing)
    place = draw(st.sampled_from(places(view)))
    parts = draw(st.lists(st.builds(Part, st.just("user"), st.just(1), texts.map(Text)), max_size=2))
    return compaction(cut_at(view, place, tuple(parts)))


def _view(growing: _Growing) -> View:
    return window(entries(growing.drafts))


_MAKE = {
    "user": _user,
    "note": _note,
    "usage": _usage,
    "assistant": _assistant,
    "result": _result,
    "started": _started,
    "reconfigure": _reconfigure,
    "compaction": _compaction,
}
