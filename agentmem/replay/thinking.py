"""What servers strip: on older models a plain user turn drops all thinking before it."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from agentmem.kvcache.prompts import Breakpoint
from agentmem.kvcache.rules import UNMARKABLE
from agentmem.replay.layout import Layout, Run, Strip


class Bare:
    """A strip without its thinking, kept up with it: where each frame went, and where plain user turns begin.

    ``places[i]`` is the number of frames left of the first ``i``; ``turns[i]`` is where the last user turn without
    results begins, seen from frame ``i`` (-1: there is none).
    """

    __slots__ = ("_plain", "_start", "places", "strip", "turns")

    def __init__(self) -> None:
        self.strip = Strip()
        self.places = [0]
        self.turns: list[int] = []
        self._start, self._plain = -1, -1

    def follow(self, strip: Strip) -> None:
        """Take in what ``strip`` has grown by."""
        for at in range(len(self.turns), len(strip)):
            one = strip.frames[at]
            if at == 0 or strip.frames[at - 1].role != one.role:
                self._start = at
                if one.role == "user" and one.value.get("type") != "tool_result":
                    self._plain = at
            if one.value.get("type") not in UNMARKABLE:
                self.strip.extend((one,))
            self.places.append(len(self.strip))
            self.turns.append(self._plain)

    def runs(self, run: Run, stop: int) -> Iterator[Run]:
        """``run`` without the thinking before ``stop``, an index into the strip."""
        stop = min(max(stop, run.start), run.stop)
        yield Run(self.strip, self.places[run.start], self.places[stop])
        yield Run(run.strip, stop, run.stop)


@dataclass(frozen=True, slots=True)
class Stripped:
    """A ``layout`` as a server sees it. ``pieces`` are the runs that it had before, each with the index into its strip
    from which on nothing is dropped.
    """

    layout: Layout
    pieces: tuple[tuple[Run, int], ...]

    def moved(self, marks: Iterable[Breakpoint]) -> Iterator[Breakpoint]:
        """Breakpoints of the layout before: one on a block that is dropped goes to the block before it, if any."""
        for mark in marks:
            place = self._place(mark.position)
            if place >= 0:
                yield Breakpoint(place, mark.ttl)

    def _place(self, position: int) -> int:
        """How many frames are left of those up to ``position``, less one."""
        left = 0
        for run, stop in self.pieces:
            end = min(run.stop, run.start + position + 1)
            position -= len(run)
            places = _bare(run.strip).places
            left += places[min(end, stop)] - places[run.start] + max(0, end - stop)
            if position < 0:
                break
        return left - 1


def without_thinking(layout: Layout) -> Stripped:
    """``layout`` as a server sees it that strips thinking from before the last plain user turn."""
    runs: list[Run] = []
    pieces: list[tuple[Run, int]] = []
    found = False
    for run in reversed(layout.runs):
        bare = _bare(run.strip)
        turn = bare.turns[run.stop - 1]
        begins = not found and turn >= run.start
        stop = run.stop if found else turn if begins else run.start
        runs[:0] = bare.runs(run, stop)
        pieces.insert(0, (run, stop))
        found = found or begins
    return Stripped(Layout(layout.model, layout.head, layout.setting, runs), tuple(pieces))


def _bare(strip: Strip) -> Bare:
    if strip.bare is None:
        strip.bare = Bare()
    bare: Bare = strip.bare
    bare.follow(strip)
    return bare
