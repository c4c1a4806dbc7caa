"""Lines of a wire log in which whatever requests share stands once, so that a log grows as its conversation does.

    writer, reader = LineWriter(), LineReader()
    line = writer.shortened({"request": {"messages": [...]}, ...})    # a JSON object, as it is written
    reader.whole(line)                                                # the object that it was made of, key by key

A request repeats its whole context. Here its lists (tools, system, messages) are chains: each item is stored once,
under a hash of itself and all before it, and a request names the last. Long texts are stored once by themselves, so
that a message with another cache mark is not stored twice. What is new stands in the line that first needs it, under
"blocks"; lines without that key are whole as they are. A line needs earlier lines of the same writer only.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any

BLOCKS = "blocks"
"""The key of what a line adds: [kind, id, id before, value] of each item of a list, ["text", id, text] of each text."""
LISTS = frozenset({"messages", "input", "tools", "system"})
"""The keys of a request whose lists are chains."""
LONG = 400
"""Characters from which on a text is stored by itself."""
_CHAIN, _TEXT, _AS_IS = "$chain", "$text", "$as-is"
_OURS = ({_CHAIN}, {_TEXT}, {_AS_IS})


class MissingBlocks(ValueError):
    """A line that refers to what an earlier line held, which is lost."""


@dataclass(slots=True)
class LineWriter:
    """Shortens lines. What it has stored counts as known once ``kept`` says that the line was written."""

    known: set[str] = field(default_factory=set)
    _new: dict[str, list[Any]] = field(default_factory=dict)

    def shortened(self, line: Mapping[str, Any]) -> dict[str, Any]:
        """The line as it is to be written: its request with references, and the blocks that are new."""
        self._new = {}
        request = line.get("request")
        if not isinstance(request, dict) or BLOCKS in line:
            return dict(line)
        short = {key: self._part(key, value) for key, value in request.items()}
        made = {key: short if key == "request" else value for key, value in line.items()}
        return {**made, BLOCKS: list(self._new.values())}

    def kept(self) -> None:
        """The last line was written whole."""
        self.known.update(self._new)
        self._new = {}

    def forget(self) -> None:
        """The lines before may be lost: what comes now is stored anew."""
        self.known.clear()

    def _part(self, key: str, value: Any) -> Any:
        return self._chain(value) if key in LISTS and isinstance(value, list) and value else self._value(value)

    def _chain(self, items: list[Any]) -> dict[str, Any]:
        before = ""
        for item in items:
            value = self._value(item)
            identity = _digest(before, json.dumps(value, ensure_ascii=False))
            self._store(identity, ["item", identity, before, value])
            before = identity
        return {_CHAIN: before}

    def _value(self, value: Any) -> Any:
        if isinstance(value, str):
            return self._text(value) if len(value) >= LONG else value
        if isinstance(value, dict):
            made = {key: self._value(part) for key, part in value.items()}
            return {_AS_IS: made} if set(value) in _OURS else made
        return [self._value(part) for part in value] if isinstance(value, list) else value

    def _text(self, text: str) -> dict[str, str]:
        identity = _digest("text", text)
        self._store(identity, ["text", identity, text])
        return {_TEXT: identity}

    def _store(self, identity: str, block: list[Any]) -> None:
        if identity not in self.known:
            self._new.setdefault(identity, block)


class LineReader:
    """Makes lines whole again, in the order of the log. Equal items are the same objects: treat them as read-only."""

    def __init__(self) -> None:
        self._items: dict[str, tuple[str, Any]] = {}
        self._texts: dict[str, str] = {}

    def whole(self, line: Mapping[str, Any]) -> dict[str, Any]:
        """The line that was shortened; others as they are. Raises MissingBlocks, and ValueError for broken ones."""
        if not isinstance(line.get(BLOCKS), list):
            return dict(line)
        for block in line[BLOCKS]:
            self._take(block)
        whole = {key: self._part(key, value) for key, value in line["request"].items()}
        return {key: whole if key == "request" else value for key, value in line.items() if key != BLOCKS}

    def _part(self, key: str, value: Any) -> Any:
        chained = key in LISTS and isinstance(value, dict) and set(value) == {_CHAIN}
        return self._list(value) if chained else self._value(value)

    def _take(self, block: Any) -> None:
        match block:
            case ["text", str(identity), str(text)]:
                self._texts[identity] = text
            case ["item", str(identity), str(before), value]:
                self._items[identity] = (before, self._value(value))
            case _:
                raise ValueError("a block of another kind")

    def _list(self, reference: Mapping[str, str]) -> list[Any]:
        found, identity = [], reference[_CHAIN]
        while identity:
            if identity not in self._items:
                raise MissingBlocks("it refers to what an earlier line held, which is lost")
            identity, item = self._items[identity]
            found.append(item)
        return found[::-1]

    def _value(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self._value(part) for part in value]
        if not isinstance(value, dict):
            return value
        if set(value) == {_TEXT}:
            if value[_TEXT] not in self._texts:
                raise MissingBlocks("it refers to what an earlier line held, which is lost")
            return self._texts[value[_TEXT]]
        inner = value[_AS_IS] if set(value) == {_AS_IS} else value
        return {key: self._value(part) for key, part in inner.items()}


def _digest(*parts: str) -> str:
    hashed = blake2b(digest_size=12)
    for part in parts:
        data = part.encode("utf-8", "surrogatepass")
        hashed.update(len(data).to_bytes(8, "little") + data)
    return hashed.hexdigest()
