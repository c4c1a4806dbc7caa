"""Which recorded calls an agent could make with what a request shows: their parts that stood before must be in view.

A part counts where it stood in a result, in a person's message or in a call of the agent's own before the request; it
is needed again then, however often it was used. A call is far where one of its parts last stood more than FAR requests
before. In what a policy wrote by itself a name is in view only beside a word that it stood beside in the recording: a
list of bare names says nothing about them.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from agentmem.replay.call_needs import CallPart, parts
from agentmem.replay.layout import Layout, Strip
from agentmem.replay.needed import FAR, identity, spoken
from agentmem.replay.sightings import Vocabulary, beside
from agentmem.types import Frame

Entries = Sequence[tuple[Sequence[Frame], Sequence[Frame]]]
"""The new frames and the reply of each request."""


@dataclass(frozen=True, slots=True)
class NeededPart:
    """A part that stood before; ``last`` is the request at which it did for the last time, in ``source``."""

    number: int
    part: CallPart
    last: int
    source: Frame


@dataclass(frozen=True, slots=True)
class NeededCall:
    """A call in the reply to request ``used``, its parts that stood before, and what the reply ``said`` before it."""

    used: int
    parts: tuple[NeededPart, ...]
    said: str

    @property
    def far(self) -> bool:
        """Whether a part last stood long before."""
        return any(self.used - one.last > FAR for one in self.parts)

    @property
    def far_lines(self) -> bool:
        """Whether that is so of a line that it must give verbatim."""
        return any(self.used - one.last > FAR for one in self.parts if one.part.kind == "line")


@dataclass(slots=True)
class Calls:
    """The calls of one conversation, by the request that they answer, and where their parts stand in texts.

    Frames have numbers, by their content: ``places`` lists of each part the numbers of frames it stands in; the first
    ``recorded`` frames are the recording's.
    """

    by_request: dict[int, list[NeededCall]] = field(default_factory=dict)
    vocabulary: Vocabulary = field(default_factory=Vocabulary)
    frames: dict[bytes, int] = field(default_factory=dict)
    same: dict[int, int] = field(default_factory=dict)
    texts: list[str] = field(default_factory=list)
    since: list[int] = field(default_factory=list)
    places: dict[int, list[int]] = field(default_factory=dict)
    recorded: int = 0
    under: dict[str, tuple[str, ...]] = field(default_factory=dict)
    near: dict[tuple[int, int], frozenset[str]] = field(default_factory=dict)
    joined: dict[tuple[int, frozenset[str]], int | None] = field(default_factory=dict)

    def number(self, frame: Frame) -> int:
        """The number of a frame; a new one is looked through. A result is the same in whichever blocks it is given."""
        if frame.data not in self.frames:
            known = self.same.get(hash(identity(frame)))
            if known is None:
                self.enter(frame)
            else:
                self.frames[frame.data] = known
        return self.frames[frame.data]

    def enter(self, frame: Frame, request: int = 0) -> set[int]:
        """Look through a new frame, which requests from ``request`` on show, or a policy wrote; gives its parts."""
        number = self.frames[frame.data] = len(self.texts)
        self.same[hash(identity(frame))] = number
        self.texts.append(spoken(frame))
        self.since.append(request)
        held = self.held(frame)
        for part in held:
            self.places.setdefault(part, []).append(number)
        return held

    def held(self, frame: Frame) -> set[int]:
        """The parts that stand in a frame; a result lists what is in the folders that its call was given."""
        return self.vocabulary.held(spoken(frame), self.under.get(str(frame.value.get("tool_use_id")), ()))

    def told(self, part: NeededPart, frame: int) -> int | None:
        """The request from which on a frame that a policy wrote shows a name beside a word it stood beside; or None."""
        key = part.number, self._near(part.number, frame)
        if key not in self.joined:
            stood = (one for one in self.places.get(part.number, ()) if one < self.recorded)
            met = (self.since[one] for one in stood if not key[1].isdisjoint(self._near(part.number, one)))
            self.joined[key] = next(met, None)
        return self.joined[key]

    def _near(self, number: int, frame: int) -> frozenset[str]:
        """The words beside a name in a frame."""
        if (number, frame) not in self.near:
            self.near[number, frame] = frozenset(beside(self.texts[frame], self.vocabulary.every[number].text))
        return self.near[number, frame]


def calls(entries: Entries) -> Calls:
    """The calls of a conversation, each with its parts that stood before it."""
    made = Calls()
    wanted = [[(at, _numbered(one, made)) for at, one in _asked(reply)] for _, reply in entries]
    last: dict[int, tuple[int, Frame]] = {}
    for request, (arrived, reply) in enumerate(entries):
        for one in arrived:
            _stands(made, one, request, last)
        found = [_needed(request, needs, reply[:at], made, last) for at, needs in wanted[request]]
        made.by_request[request] = [one for one in found if one.parts]
        for one in reply:
            _stands(made, one, request, last if one.value.get("type") == "tool_use" else {}, shown=request + 1)
    made.recorded = len(made.texts)
    return made


def _asked(reply: Sequence[Frame]) -> list[tuple[int, Frame]]:
    return [(at, one) for at, one in enumerate(reply) if one.value.get("type") == "tool_use"]


def _numbered(call: Frame, made: Calls) -> list[int]:
    found = parts(call.value)
    made.under[str(call.value.get("id"))] = tuple(one.text.rpartition("/")[2] for one in found if one.kind == "file")
    return [made.vocabulary.number(one) for one in found]


def _needed(
    request: int, needs: Iterable[int], before: Sequence[Frame], made: Calls, last: dict[int, tuple[int, Frame]]
) -> NeededCall:
    stood = [(number, made.vocabulary.every[number], *last[number]) for number in needs if number in last]
    said = "\n".join(spoken(one) for one in before if one.value.get("type") == "text")
    return NeededCall(request, tuple(NeededPart(*one) for one in stood), said)


def _stands(
    made: Calls, frame: Frame, request: int, last: dict[int, tuple[int, Frame]], shown: int | None = None
) -> None:
    """Enter a frame of the recording that requests from ``shown`` on can show, and note where its parts last stood."""
    again = frame.data in made.frames
    held = made.held(frame) if again else made.enter(frame, request if shown is None else shown)
    last.update((part, (request, frame)) for part in held)


class CallSight:
    """Answers which parts of a call a layout does not show. Strips are indexed as they grow."""

    def __init__(self, known: Calls) -> None:
        self._known = known
        self._indexes: dict[int, StripIndex] = {}

    def missing(self, call: NeededCall, layout: Layout) -> list[NeededPart]:
        """The parts of ``call`` that are not in view, in order."""
        runs = [(run.start, run.stop, self._index(run.strip)) for run in layout.runs]
        self._indexes = {id(run.strip): index for run, (_, _, index) in zip(layout.runs, runs, strict=True)}

        def shown(frame: int) -> bool:
            return any(start <= place < stop for start, stop, index in runs for place in index.places.get(frame, ()))

        return [one for one in call.parts if not self._sees(one, call.used, shown)]

    def _sees(self, one: NeededPart, request: int, shown: Callable[[int], bool]) -> bool:
        wrote: list[int] = []
        for frame in reversed(self._known.places.get(one.number, ())):
            if shown(frame):
                if frame < self._known.recorded or one.part.kind != "name":
                    return True
                wrote.append(frame)
        since = (self._known.told(one, frame) for frame in wrote)
        return any(found is not None and found <= request for found in since)

    def _index(self, strip: Strip) -> "StripIndex":
        index = self._indexes.get(id(strip)) or StripIndex(strip)
        for place in range(index.done, len(strip)):
            index.places.setdefault(self._known.number(strip.frames[place]), []).append(place)
        index.done = len(strip)
        return index


@dataclass(slots=True)
class StripIndex:
    """Where in a strip each frame stands, by its number; ``done`` frames are looked at."""

    strip: Strip
    done: int = 0
    places: dict[int, list[int]] = field(default_factory=dict)
