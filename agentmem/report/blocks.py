"""The blocks of a conversation, each once, and which of them each request sent: what the page shows behind a bar.

A table of columns names every block; a request is a place in a list of blocks. The texts are not in it: `bodies` makes
those that are looked at.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from agentmem.kvcache.why.texts import one_line, shown
from agentmem.report.contexts import SentContext
from agentmem.report.recorded import PARTS, TAIL, part_of
from agentmem.types import Frame

Data = dict[str, Any]

KINDS: tuple[str, ...] = ("tools", "system", "pages", "summary", "results", "calls", "thinking", "replies", "messages")
"""The kinds of blocks, in the order in which they are shown."""

_BY_PART: Mapping[int, str] = {0: "tools", 1: "system", PARTS["page"]: "pages", 3: "summary", 4: "results"}
_BY_TYPE: Mapping[str, str] = {"tool_use": "calls", "thinking": "thinking", "redacted_thinking": "thinking"}
_TEXT = 60
_LINE = 100


def kind_of(one: Frame, told: frozenset[bytes]) -> str:
    """The kind of a block; ``told`` is the data of those that a compaction wrote."""
    part = part_of(one, told)
    if part != TAIL:
        return _BY_PART[part]
    return _BY_TYPE.get(str(one.value.get("type")), "replies" if one.role == "assistant" else "messages")


def call_names(frames: Iterable[Frame]) -> dict[str, str]:
    """The tools that were called, by the ids of the calls."""
    return {
        str(one.value.get("id")): str(one.value.get("name")) for one in frames if one.value.get("type") == "tool_use"
    }


def name_of(one: Frame, calls: Mapping[str, str], length: int = _TEXT) -> str:
    """What a block is called: a tool and what it was given or gave, else its first words."""
    value = one.value
    if one.segment == "tool" or value.get("type") == "tool_use":
        given = json.dumps(value["input"], ensure_ascii=False) if value.get("input") else ""
        return one_line(f"{value.get('name', 'tool')} {given}".strip()[: 4 * length])[:length]
    if value.get("type") == "unknown":
        return "not recorded: tools, system prompt, reminders"
    if value.get("type") == "tool_result":
        called = calls.get(str(value.get("tool_use_id")), "")
        return one_line(f"{called} {said(value.get('content'))[: 4 * length]}".strip())[:length]
    return one_line(str(value.get("text") or value.get("thinking") or shown(one))[: 4 * length])[:length]


def said(content: Any) -> str:
    """The words of a result."""
    if isinstance(content, str) or content is None:
        return content or ""
    if not isinstance(content, Sequence):
        return str(content)
    texts = (str(part.get("text") or part.get("type")) for part in content if isinstance(part, Mapping))
    return " ".join(texts)


@dataclass(slots=True)
class BlockTable:
    """The blocks of some conversations, numbered from 0 in the order in which they were first sent.

    ``frames`` are the blocks themselves, for `bodies` and for searching.
    """

    frames: list[Frame] = field(default_factory=list)
    kinds: list[str] = field(default_factory=list)
    calls: dict[str, str] = field(default_factory=dict)
    _numbers: dict[tuple[str, str | None, bytes], int] = field(default_factory=dict)
    _lists: list[list[int]] = field(default_factory=list)
    _places: dict[int, int] = field(default_factory=dict)
    _kept: list[Sequence[Frame]] = field(default_factory=list)
    _heads: list[list[int]] = field(default_factory=list)
    _head_places: dict[tuple[int, ...], int] = field(default_factory=dict)
    _head: tuple[tuple[Frame, ...] | None, int] = (None, 0)
    _turns: list[tuple[int, int, int, int]] = field(default_factory=list)

    def add(self, sent: SentContext | None) -> None:
        """Take the next request; None: what it sent is not known."""
        if sent is None:
            self._turns.append((-1, -1, 0, 0))
            return
        place = self._place(sent)
        self._turns.append((self._head_place(sent), place, sent.length, sent.reply))

    def number(self, one: Frame, kind: str = "") -> int:
        """The number of a block, which is given one if it has none."""
        key = (one.segment, one.role, one.data)
        number = self._numbers.get(key)
        if number is None:
            number = self._numbers[key] = len(self.frames)
            self.frames.append(one)
            self.kinds.append(kind or kind_of(one, frozenset()))
            if one.value.get("type") == "tool_use":
                self.calls[str(one.value.get("id"))] = str(one.value.get("name"))
        return number

    def first_turns(self) -> dict[int, int]:
        """Of each block the request that first had it, or that it was the reply of, by the index of the request."""
        found: dict[int, int] = {}
        done = [0] * len(self._lists)
        heads: set[int] = set()
        for turn, (head, place, length, reply) in enumerate(self._turns):
            if place < 0:
                continue
            numbers = self._heads[head] if head not in heads else []
            heads.add(head)
            for number in (*numbers, *self._lists[place][done[place] : length + reply]):
                found.setdefault(number, turn)
            done[place] = max(done[place], length + reply)
        return found

    def value(self) -> Data:
        """The object that the page reads: columns of the blocks, lists of their numbers, and each request's place.

        Turn t sent ``heads[head[t]]``, then the first ``length[t]`` of ``lists[list[t]]``; ``reply[t]`` more are the
        reply. -1 where it is not known.
        """
        columns = list(zip(*self._turns, strict=True)) or [(), (), (), ()]
        names = [name_of(one, self.calls, _LINE) for one in self.frames]
        return {
            "kind": [KINDS.index(kind) for kind in self.kinds],
            "tokens": [one.tokens for one in self.frames],
            "name": names,
            "lists": self._lists,
            "heads": self._heads,
            **dict(zip(("head", "list", "length", "reply"), map(list, columns), strict=True)),
        }

    def _place(self, sent: SentContext) -> int:
        place = self._places.get(id(sent.messages))
        if place is None:
            place = self._places[id(sent.messages)] = len(self._lists)
            self._kept.append(sent.messages)  # its id stays its own
            self._lists.append([])
        numbers = self._lists[place]
        for one in sent.messages[len(numbers) : sent.length + sent.reply]:
            numbers.append(self.number(one, kind_of(one, sent.told)))
        return place

    def _head_place(self, sent: SentContext) -> int:
        if self._head[0] is sent.head:
            return self._head[1]
        first = len(sent.head) - sent.pages
        numbers = tuple(
            self.number(one, "pages" if at >= first else kind_of(one, sent.told)) for at, one in enumerate(sent.head)
        )
        place = self._head_places.setdefault(numbers, len(self._heads))
        if place == len(self._heads):
            self._heads.append(list(numbers))
        self._head = (sent.head, place)
        return place
