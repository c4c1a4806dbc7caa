"""What an agent needed later: strings it first read in a result or from the user, and used in a call turns afterwards.

A needed event (s, i, j): s looks like a name, a path or a number, was first seen at request i in a tool result or a
user message, stands in an argument of a tool call replied at j, and in nothing that the assistant wrote in between,
text or calls: what it writes it need not read again. Events with j > i + FAR judge what a policy keeps; those with
1 <= j - i <= FAR are the near ones, which every policy should keep.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from agentmem.context.window import View
from agentmem.errors import RecoverableError
from agentmem.menu import builtin
from agentmem.menu.tool import ToolContext
from agentmem.pages.workspace import Workspace
from agentmem.recall.recall import JournalRecall
from agentmem.replay.layout import Layout, Strip
from agentmem.tokens import count
from agentmem.transcript.journal import Journal
from agentmem.transcript.transcript import readable
from agentmem.types import Frame, Text

FAR = 10
BESIDE = 60
"""Characters to either side of a string that are its surroundings, as far as its line goes."""

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


def identity(frame: Frame) -> tuple[object, ...]:
    """What makes two frames the same to a reader: a result's text may be given as such, or in blocks."""
    result = frame.value.get("tool_use_id") if frame.value.get("type") == "tool_result" else None
    return (frame.role, frame.data) if result is None else (result, spoken(frame))


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

    def sees_line(self, layout: Layout, event: NeededEvent) -> bool:
        """Whether the string of an event stands in ``layout`` with BESIDE characters to either side of its line."""
        text = spoken(event.source)
        at = text.find(event.text)
        start = max(at - BESIDE, text.rfind("\n", 0, at) + 1)
        line = text[start : at + len(event.text) + BESIDE].partition("\n")[0]
        return any(line in spoken(frame) for frame in self._holders(layout, event.text))

    def _holders(self, layout: Layout, text: str) -> Iterator[Frame]:
        """The frames of a layout that have a string, by itself first, then inside of a longer one."""
        for run in layout.runs:
            places = self._index(run.strip).get(text, ())
            yield from (run.strip.frames[place] for place in places if run.start <= place < run.stop)
        data = text.encode()
        yield from (frame for run in layout.runs for frame in run if data in frame.data)

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


CALLS = 3
TOKENS = 8_000
MASK = "…"

_LINE = re.compile(r"^- (?:[^\s\[\]]*/)?(\d+)\b", re.MULTILINE)
_CITED = re.compile(r"\[(\d+(?:, \d+)*)\]|recall [^\s\[\]]*/(\d+)\b|\[[^\s\[\]]*/(\d+),")


class RecallReach:
    """Asks one thread's recall as its agent would."""

    def __init__(self, journal: Journal, thread: str) -> None:
        self._journal, self._thread = journal, thread
        self._stretch = re.compile(rf"(?<![\w/]){re.escape(thread)}/(\d+)-(\d+)\b")
        self._kept = re.compile(rf"\brecall {re.escape(thread)}/(\d+) ")
        self._context = ToolContext(Workspace(Path()), thread, JournalRecall(journal, thread))
        self._texts: dict[int, str] = {}
        self._read = -1
        self._answers: dict[tuple[str, int], tuple[str, int]] = {}  # neither an entry nor a stretch ever changes

    def found(self, event: NeededEvent, asked: str, view: View) -> bool:
        """Whether the string of ``event`` comes back, by references or by asking."""
        return self._followed(event.text, view) or self._asked(event.text, asked)

    def _asked(self, text: str, asked: str) -> bool:
        question = asked.replace(text, MASK).strip()
        if not question:
            return False
        said, size = self._answer(question, 1)
        return text in said and size <= TOKENS

    def _followed(self, text: str, view: View) -> bool:
        """Follows what the request prints to each entry that has the text, newest first, until one brings it back."""
        printed = "\n".join(str(one.value.get("text", "")) for turn in view.turns for one in turn.frames)
        named = {int(number) for found in _named(printed) for number in found}
        results = (one for turn in view.turns for one in turn.frames if one.value.get("type") == "tool_result")
        named |= {int(number) for one in results for number in self._kept.findall(spoken(one))}
        stretches = [found[0] for found in self._stretch.finditer(printed)]
        for seq in self._holders(text):
            if seq in named and self._brings(seq, text, CALLS, TOKENS):
                return True
            if any(self._walks(stretch, seq, text, CALLS, TOKENS) for stretch in stretches[-1:]):
                return True
        return False

    def _walks(self, stretch: str, seq: int, text: str, calls: int, tokens: int) -> bool:
        """Lists a stretch, and goes on with the line that leads to ``seq``."""
        shown = self._call(stretch, tokens)
        left = tokens - count(shown)
        if calls < 2 or left <= 0:
            return False
        if f"- {self._thread}/{seq} " in shown:
            return self._brings(seq, text, calls - 1, left)
        inner = [
            one[0] for one in self._stretch.finditer(shown) if int(one[1]) <= seq <= int(one[2]) and one[0] != stretch
        ]
        return bool(inner) and self._walks(inner[0], seq, text, calls - 1, left)

    def _brings(self, seq: int, text: str, calls: int, tokens: int) -> bool:
        """Whether one more call brings the part of an entry that has the text."""
        reference = f"{self._thread}/{seq}"
        return calls > 0 and any(text in self._call(reference, tokens, part) for part in self._parts(reference))

    def _parts(self, reference: str) -> Iterator[int]:
        first = self._call(reference, TOKENS)
        found = re.match(r"\[part 1 of (\d+)", first)
        return iter(range(1, int(found[1]) + 1 if found else 2))

    def _call(self, what: str, tokens: int, part: int = 1) -> str:
        """What the tool answers, as far as it may be as long."""
        if (what, part) not in self._answers:
            self._answers[what, part] = self._answer(what, part)
        said, size = self._answers[what, part]
        return said if size <= tokens else ""

    def _answer(self, what: str, part: int) -> tuple[str, int]:
        """The tool's text, and its tokens."""
        try:
            answer = builtin.recall(what, self._context, part)
        except RecoverableError as error:
            answer = str(error)
        said = answer if isinstance(answer, str) else "\n".join(one.text for one in answer if isinstance(one, Text))
        return said, count(said)

    def _holders(self, text: str) -> list[int]:
        """The entries that say the text, newest first."""
        for entry in self._journal.entries(self._thread, after=self._read):
            self._read = entry.seq
            if entry.kind in ("user", "tool_result"):
                self._texts[entry.seq] = readable(entry)
        return [seq for seq, said in reversed(self._texts.items()) if text in said]


def _named(printed: str) -> Iterator[tuple[str, ...]]:
    yield from ((one,) for one in _LINE.findall(printed))
    for one in _CITED.finditer(printed):
        yield tuple(number for group in one.groups() if group for number in group.split(", "))
