"""What an agent needed later: strings it first read in a result or from the user, and used in a call turns afterwards.

A needed event (s, i, j): s looks like a name, a path or a number, was first seen at request i in a tool result or a
user message, stands in an argument of a tool call replied at j, and in nothing that the assistant wrote in between,
text or calls: what it writes it need not read again. Events with j > i + FAR judge what a policy keeps; those with
1 <= j - i <= FAR are the near ones, which every policy should keep.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from agentmem.replay.layout import Layout, Strip
from agentmem.types import Frame

FAR = 10

_TOKEN = re.compile(r"[\w./:@-]{8,}")
_MARKED = re.compile(r"[\d_/.]|[a-z].*[A-Z]|[A-Z].*[a-z]")
_UNSAID = frozenset({"type", "id", "tool_use_id", "signature", "data", "media_type"})


@dataclass(frozen=True, slots=True)
class NeededEvent:
    """``text`` was first seen at request ``seen``, in ``source``, and used in the reply to request ``used``."""

    text: str
    seen: int
    used: int
    source: Frame


@dataclass(slots=True)
class Needs:
    """The events of one conversation, as it is followed. ``by_use`` lists them by the request they are used at.

    ``held`` are the strings in each frame, by its data. ``open`` are strings that the assistant has not written yet,
    with where they were first seen; ``said`` all others.
    """

    by_use: dict[int, list[NeededEvent]] = field(default_factory=dict)
    held: dict[bytes, frozenset[str]] = field(default_factory=dict)
    open: dict[str, tuple[int, Frame]] = field(default_factory=dict)
    said: set[str] = field(default_factory=set)
    request: int = -1

    def follow(self, arrived: Sequence[Frame], reply: Sequence[Frame]) -> None:
        """Take the next request's new frames and its reply."""
        self.request += 1
        for frame in arrived:
            for token in self._tokens(frame):
                if token not in self.open and token not in self.said:
                    self.open[token] = (self.request, frame)
        uses = {token for frame in reply if frame.value.get("type") == "tool_use" for token in self._tokens(frame)}
        found = [NeededEvent(token, *self._first(token)) for token in sorted(uses) if self._used(token)]
        self.by_use[self.request] = found
        self._say(uses)
        for frame in reply:
            if frame.value.get("type") == "text":
                self._say(self._tokens(frame))

    def events(self) -> Iterator[NeededEvent]:
        """All events, near ones too."""
        for events in self.by_use.values():
            yield from events

    def _tokens(self, frame: Frame) -> frozenset[str]:
        found = self.held.get(frame.data)
        if found is None:
            found = self.held[frame.data] = frozenset(tokens(spoken(frame)))
        return found

    def _used(self, token: str) -> bool:
        return token in self.open and self.open[token][0] < self.request

    def _first(self, token: str) -> tuple[int, int, Frame]:
        seen, frame = self.open[token]
        return seen, self.request, frame

    def _say(self, found: Iterable[str]) -> None:
        for token in found:
            self.open.pop(token, None)
            self.said.add(token)


def said_before(text: str, reply: Sequence[Frame]) -> str:
    """What a reply says before the call that uses ``text``."""
    calls = (at for at, one in enumerate(reply) if one.value.get("type") == "tool_use" and text in spoken(one))
    return "\n".join(spoken(one) for one in reply[: next(calls, 0)] if one.value.get("type") == "text")


def tokens(text: str) -> set[str]:
    """The strings in ``text`` that count: eight characters or more, with a digit, a mark or mixed case."""
    return set(names(text))


def names(text: str) -> Iterator[str]:
    """The same in order, as often as they occur."""
    return (token for token in _TOKEN.findall(text) if _MARKED.search(token))


def spoken(frame: Frame) -> str:
    """The text of a frame, with nothing of its JSON: of a call, its arguments."""
    return "\n".join(_strings(frame.value.get("input") if frame.value.get("type") == "tool_use" else frame.value))


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for key, part in value.items():
            if key not in _UNSAID:
                yield from _strings(part)
    elif isinstance(value, Sequence):
        for part in value:
            yield from _strings(part)


class Sight:
    """Answers whether a string stands in a layout. Strips are indexed as they grow, by the strings that matter."""

    def __init__(self, needs: Needs) -> None:
        self._wanted = frozenset(event.text for event in needs.events())
        self._held = needs.held
        self._indexes: dict[int, tuple[Strip, int, dict[str, list[int]]]] = {}

    def sees(self, layout: Layout, text: str) -> bool:
        """Whether ``text`` stands in any frame of ``layout``, by itself or inside a longer string."""
        for run in layout.runs:
            places = self._index(run.strip).get(text, ())
            if any(run.start <= place < run.stop for place in places):
                return True
        data = text.encode()
        return any(data in frame.data for run in layout.runs for frame in run)

    def _index(self, strip: Strip) -> dict[str, list[int]]:
        _, done, index = self._indexes.get(id(strip), (strip, 0, {}))
        for place in range(done, len(strip)):
            for token in self._names(strip.frames[place]) & self._wanted:
                index.setdefault(token, []).append(place)
        self._indexes[id(strip)] = strip, len(strip), index
        return index

    def _names(self, frame: Frame) -> frozenset[str]:
        found = self._held.get(frame.data)
        return frozenset(tokens(spoken(frame))) if found is None else found
