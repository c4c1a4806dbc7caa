"""Which strings of a conversation were used again: names, paths, identifiers and numbers that a result or a person
brought in and that a later call's arguments repeat.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from agentmem.context.window import Origin
from agentmem.types import Frame

_NAME = re.compile(r"[\w./:@-]{8,}")
_MARK = re.compile(r"[\d_/.]")
_SMALL, _CAPITAL = re.compile(r"[a-z]"), re.compile(r"[A-Z]")
_ENDS = ".:-"
_UNSAID = frozenset({"type", "id", "tool_use_id", "signature", "data", "media_type", "name"})
_COMMON = 4
"""A name that stands in more results than this says little about which of them was meant."""


@dataclass(frozen=True, slots=True)
class Said:
    """One message frame with its origin and its text, nothing of its JSON."""

    origin: Origin
    frame: Frame
    text: str


@dataclass(frozen=True, slots=True)
class Use:
    """A name that was brought in by entry ``source`` and last used in a call by entry ``used``."""

    name: str
    source: int
    used: int


def names(text: str) -> set[str]:
    """The strings in ``text`` that must be exact: eight characters or more with a digit, a mark or mixed case."""
    found = {name.rstrip(_ENDS) for name in _NAME.findall(text)}
    return {name for name in found if len(name) >= 8 and _marked(name)}


def mentions(text: str) -> Iterator[str]:
    """The same in order, as often as they occur."""
    found = [name.rstrip(_ENDS) for name in _NAME.findall(text)]
    marked = {name for name in set(found) if len(name) >= 8 and _marked(name)}
    return (name for name in found if name in marked)


def _marked(name: str) -> bool:
    return bool(_MARK.search(name) or (_SMALL.search(name) and _CAPITAL.search(name)))


def spoken(frame: Frame) -> str:
    """The text of a frame; of a call, its arguments."""
    value = frame.value
    return "\n".join(_strings(value.get("input") if value.get("type") == "tool_use" else value))


def said(turns: Iterable[Sequence[Frame]], origins: Iterable[Sequence[Origin]]) -> list[Said]:
    """All frames of some turns. Thinking is no source: nobody else may read it."""
    pairs = zip(turns, origins, strict=True)
    return [
        Said(origin, frame, "" if "thinking" in frame.value["type"] else spoken(frame))
        for frames, places in pairs
        for frame, origin in zip(frames, places, strict=True)
    ]


class References:
    """What calls used of what was said, over a stretch of conversation in order.

    ``uses`` are the names that calls repeated, ``said`` the entries in which each name stands, calls apart, and
    ``last_used`` the last entry that used anything of a result.
    """

    def __init__(self, frames: Iterable[Said], earlier: Mapping[str, int]) -> None:
        """``earlier`` are names used before this stretch, with the entries that brought them in."""
        self.uses: dict[str, Use] = {}
        self.said: dict[str, list[int]] = {}
        self._own: set[int] = set()  # entries of the model's own
        self.last_used: dict[int, int] = {}
        self._latest: dict[str, int] = dict(earlier)
        for one in frames:
            if one.frame.value["type"] == "tool_use":
                self._use(one)
            elif one.origin.kind not in ("index", "summary"):
                self._bring(one)

    def _bring(self, one: Said) -> None:
        seq, found = one.origin.seq, names(one.text)
        for name in found:
            self.said.setdefault(name, []).append(seq)
        if one.origin.kind == "assistant":
            self._own.add(seq)
        else:
            self._latest.update(dict.fromkeys(found, seq))

    def _use(self, one: Said) -> None:
        for name in names(one.text):
            if name not in self._latest:
                continue
            self.uses[name] = Use(name, self._latest[name], one.origin.seq)
            brought = [seq for seq in self.said.get(name, ()) if seq not in self._own]
            if len(brought) <= _COMMON:
                self.last_used.update(dict.fromkeys(brought, one.origin.seq))


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
