"""Writes each kind of entry to canonical bytes and reads it back, with calls of models in a form that providers take.

A kind's payload is a JSON object with a fixed key order. Blocks are stored as their wire values, with one exception: a
tool call keeps its arguments as the text that the model wrote. Providers refuse a request if two calls share an id
("`tool_use` ids must be unique") or if an id has characters other than letters, digits, ``_`` and ``-``; models and
gateways send both.
"""

import json
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import chain, count
from typing import Any

from agentmem.errors import TranscriptError
from agentmem.kvcache.frames import canonical
from agentmem.types import (
    UNREADABLE,
    Block,
    Draft,
    Entry,
    EntryKind,
    Image,
    Json,
    Message,
    Opaque,
    Options,
    Reply,
    Text,
    ToolCall,
    ToolResult,
)

CUTS: frozenset[EntryKind] = frozenset({"compaction", "reconfigure", "withheld"})
"""The kinds that may change frames already sent. Appending any other kind only extends them."""


@dataclass(frozen=True, slots=True)
class PinnedPage:
    """A page in the prefix: its name, the frozen revision and the rendered text."""

    page: str
    revision: str
    text: str


@dataclass(frozen=True, slots=True)
class Opening:
    """Entry 0: the settings that a thread keeps until a cut, even after an upgrade.

    ``model`` is the name sent to the provider. ``tools`` are definitions, in order. ``notes_in_results`` is set for
    models on which a plain user turn strips thinking: a note then travels inside the last tool result. ``provider`` is
    the model's provider, "" in entries that do not say. ``target`` names the place where routing put the thread, "" for
    the agent's own model.
    """

    model: str
    tools: tuple[Json, ...] = ()
    system: tuple[str, ...] = ()
    pinned: tuple[PinnedPage, ...] = ()
    options: Options = Options()
    notes_in_results: bool = False
    provider: str = ""
    target: str = ""

    @property
    def is_claude(self) -> bool:
        """True if requests follow the rules of Anthropic's Messages API."""
        return self.provider.startswith("anthropic") or "claude" in self.model.lower()


def opening(value: Opening) -> Draft:
    return Draft("opening", canonical(_settings(value)))


def _settings(value: Opening) -> dict[str, Any]:
    """The settings as JSON. A thread without a target is written as it was before there were any."""
    given = asdict(value)
    return given if value.target else {name: one for name, one in given.items() if name != "target"}


def reconfigure(value: Opening, switch: Json | None = None) -> Draft:
    """A cut: from here on the thread continues as if it had been opened with ``value``.

    ``switch`` says why it falls back to another model, or comes back, and what that costs.
    """
    return Draft("reconfigure", canonical({**_settings(value), **({"switch": switch} if switch else {})}))


def user(blocks: Sequence[Block] | str, *, run: str = "", shown: Sequence[Block] | None = None) -> Draft:
    """A person's message. ``run`` names its run, so that a resumed run does not say it twice.

    ``shown`` is what the model sees in its place, if it was too long.
    """
    blocks = (Text(blocks),) if isinstance(blocks, str) else blocks
    return _draft("user", {"run": run, "blocks": _packed(blocks), **_instead(shown)})


def assistant(reply: Reply) -> Draft:
    return _draft("assistant", {"id": reply.id, "stop": reply.stop_reason, "blocks": _packed(reply.message.blocks)})


def tool_started(call: ToolCall) -> Draft:
    return _draft("tool_started", {"call_id": call.id, "name": call.name})


def tool_result(
    result: ToolResult,
    shown: Sequence[Text | Image | Opaque] | None = None,
    spent: Json | None = None,
    *,
    source: str = "",
) -> Draft:
    """A tool's whole result. ``shown`` is what the model sees in its place, if it was too long.

    ``spent`` is the usage of delegates that worked for the call, on threads of their own. ``source`` says which
    connection it came from, and when: "github, 2026-11-30 09:15".
    """
    beside = {**({"spent": spent} if spent else {}), **({"source": source} if source else {})}
    return _draft("tool_result", {**pack(result), **_instead(shown), **beside})


def read_source(entry: Entry) -> str:
    """Which connection an entry came from, and when; "" for everything that is the agent's or the person's own."""
    return str(entry.value.get("source", "")) if entry.kind == "tool_result" else ""


def note(about: str, text: str, *, now: bool = False) -> Draft:
    """A change outside the conversation. ``about`` names its subject, so that a note is added only on a change.

    ``now`` makes it the model's turn, also where a note would wait for the next results.
    """
    return _draft("note", {"about": about, "text": text, **({"now": True} if now else {})})


def read_opening(entry: Entry) -> Opening:
    value = entry.value
    return Opening(
        model=value["model"],
        tools=tuple(value["tools"]),
        system=tuple(value["system"]),
        pinned=tuple(PinnedPage(**page) for page in value["pinned"]),
        options=Options(**value["options"]),
        notes_in_results=value["notes_in_results"],
        provider=value.get("provider", ""),
        target=value.get("target", ""),
    )


def read_blocks(entry: Entry) -> tuple[Block, ...]:
    """The blocks of a user, assistant, note, tool_result or compaction entry, whole."""
    value = entry.value
    if entry.kind == "note":
        return (Text(value["text"]),)
    if entry.kind == "tool_result":
        return (unpack(value),)
    return tuple(map(unpack, value["blocks"]))


def read_shown(entry: Entry) -> tuple[Block, ...]:
    """The blocks of a user or note entry as the model sees them."""
    shown = entry.value.get("shown")
    return read_blocks(entry) if shown is None else tuple(map(unpack, shown))


def read_result(entry: Entry) -> ToolResult:
    """The result in a tool_result entry, as the model sees it."""
    value = entry.value
    block = unpack(value)
    if not isinstance(block, ToolResult):
        raise TranscriptError(f"entry {entry.reference} is a {entry.kind} entry and holds no tool result")
    return block if value.get("shown") is None else replace(block, content=_contents(value["shown"]))


def read_message(entry: Entry) -> Message:
    """The message in a user or assistant entry."""
    return Message("assistant" if entry.kind == "assistant" else "user", read_blocks(entry))


def readable(entry: Entry) -> str:
    """An entry's text for a person or a search: text, calls and results. Pictures and thinking are only named."""
    return "\n\n".join(filter(None, map(_readable, read_blocks(entry)))) if entry.kind in _WITH_BLOCKS else ""


_WITH_BLOCKS = frozenset({"user", "assistant", "note", "tool_result", "compaction"})


def _readable(block: Block) -> str:
    match block:
        case Text(text):
            return text
        case ToolCall(_, name, arguments):
            return f"{name} {arguments}"
        case ToolResult(_, content):
            return "\n\n".join(map(_readable, content))
        case Image(media_type):
            return f"[{media_type}]"
        case Opaque():
            return ""


def _packed(blocks: Iterable[Block]) -> list[dict[str, Any]]:
    return [pack(block) for block in blocks]


def _instead(shown: Sequence[Block] | None) -> dict[str, Any]:
    return {} if shown is None else {"shown": _packed(shown)}


def _draft(kind: EntryKind, value: Mapping[str, Any]) -> Draft:
    return Draft(kind, canonical(value), value)


def pack(block: Block) -> dict[str, Any]:
    """The stored form of a block."""
    match block:
        case ToolCall(id, name, arguments):
            return {"type": "tool_use", "id": id, "name": name, "arguments": arguments}
        case Opaque(raw):
            return {"type": "opaque", "raw": raw}
        case _:
            return block.wire()


def unpack(value: Json) -> Block:
    """The block that `pack` stored."""
    reader = _READERS.get(value["type"])
    if reader is None:
        raise TranscriptError(f"a block of type {value['type']!r} was written by a later version of agentmem")
    return reader(value)


def _contents(values: Iterable[Json]) -> tuple[Text | Image | Opaque, ...]:
    """The blocks of a result: texts and pictures; other blocks stay as they came."""
    return tuple(_content(value) for value in values)


def _content(value: Json) -> Text | Image | Opaque:
    if value["type"] == "text":
        return Text(value["text"])
    source = value.get("source")
    if value["type"] == "image" and isinstance(source, Mapping) and {"media_type", "data"} <= source.keys():
        return Image(source["media_type"], source["data"])
    return Opaque(canonical(value).decode("utf-8", "surrogatepass"))


_READERS: dict[str, Callable[[Json], Block]] = {
    "text": lambda value: Text(value["text"]),
    "image": lambda value: Image(value["source"]["media_type"], value["source"]["data"]),
    "tool_use": lambda value: ToolCall(value["id"], value["name"], value["arguments"]),
    "tool_result": lambda value: ToolResult(
        value["tool_use_id"], _contents(value["content"]), value.get("is_error", False)
    ),
    "opaque": lambda value: Opaque(value["raw"]),
}


def block(value: Json) -> Block:
    """The block behind a wire value, as of a message frame. What has no kind here, or is not whole, stays opaque."""
    try:
        return _BY_WIRE[value["type"]](value)
    except (KeyError, TypeError, AttributeError):
        return Opaque(canonical(value).decode())


def _wire_call(value: Json) -> Block:
    return ToolCall(value["id"], value["name"], canonical(value["input"]).decode())


def _wire_result(value: Json) -> Block:
    content: Any = value.get("content") or ()
    parts = [{"type": "text", "text": content}] if isinstance(content, str) else content
    return unpack({**value, "content": parts})


_BY_WIRE: Mapping[str, Callable[[Json], Block]] = {
    "text": lambda value: Text(value["text"]),
    "image": unpack,
    "tool_use": _wire_call,
    "tool_result": _wire_result,
}


_FOREIGN = re.compile(r"[^a-zA-Z0-9_-]")


def arrived(message: Message, known: Collection[str]) -> Message:
    """A reply in the form of an entry: its ids have allowed characters and are new in the thread."""
    return _renamed(message, lambda call_id: _FOREIGN.sub("_", call_id) or "call", known)


def unique(message: Message, known: Collection[str] = ()) -> Message:
    """The message with a different id for each of its calls, and none of those that are ``known``."""
    return _renamed(message, lambda call_id: call_id, known)


def sibling(call_id: str, waiting: Collection[str]) -> str | None:
    """The new id of a second call with the same id, which waits for its result."""
    made = re.compile(rf"{re.escape(call_id)}_\d+")
    return next((one for one in waiting if made.fullmatch(one)), None)


def _renamed(message: Message, wanted: Callable[[str], str], known: Collection[str]) -> Message:
    taken: set[str] = set()
    blocks = tuple(_named(block, wanted, taken, known) for block in message.blocks)
    return message if blocks == message.blocks else replace(message, blocks=blocks)


def _named(block: Block, wanted: Callable[[str], str], taken: set[str], known: Collection[str]) -> Block:
    if not isinstance(block, ToolCall):
        return block
    fresh = next(one for one in _candidates(wanted(block.id)) if one not in taken and one not in known)
    taken.add(fresh)
    return block if fresh == block.id else replace(block, id=fresh)


def _candidates(call_id: str) -> Iterator[str]:
    return chain([call_id], (f"{call_id}_{number}" for number in count(2)))


def call_arguments(text: str) -> str:
    """A call's arguments as the compact text of a JSON object, in the model's order. Empty text becomes ``{}``."""
    try:
        value = json.loads(text) if text.strip() else {}
        compact = canonical(value if isinstance(value, dict) else {UNREADABLE: text})
    except (ValueError, RecursionError):
        compact = canonical({UNREADABLE: text})
    return compact.decode("utf-8", "surrogatepass")
