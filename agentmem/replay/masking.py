"""Observation masking: old tool results are replaced by a line, everything else stays.

SWE-agent's history processor does so, and Lindenberg et al. ("The Complexity Trap", 2025) measured it beside summaries,
with the newest ten results whole. It keeps no budget.
"""

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from agentmem.kvcache.frames import frame
from agentmem.kvcache.prompts import Breakpoint
from agentmem.kvcache.rules import UNMARKABLE
from agentmem.replay.layout import Strip
from agentmem.replay.needed import NeededEvent, spoken
from agentmem.replay.policies import Arrival, Sent, Terms
from agentmem.types import Frame

KEPT = 10
"""Results that stay whole."""
MASK = "Old environment output: ({} lines omitted)"


class Masking:
    """What is sent is the masked strip up to the oldest result that is whole, and from there on the strip itself.

    Every new result masks an old one and breaks the prefix there; nothing declares it. A breakpoint stands where the
    masked part ends, beside those that clients put: what is behind it is all that has to be processed again.
    """

    settings: Mapping[str, Any] = MappingProxyType({"keep": f"{KEPT} results", "limit": None})

    def __init__(self, terms: Terms) -> None:
        self._reminders = Strip(terms.opening.reminders)
        self._whole, self._masked = Strip(), Strip()
        self._results: list[int] = []
        self._head, self._ttl = len(terms.opening.head), terms.ttl

    def send(self, arrival: Arrival) -> Sequence[Sent]:
        """Everything so far, with old results masked."""
        self._add(arrival.frames)
        start = self._results[-KEPT] if len(self._results) >= KEPT else 0
        runs = (self._reminders.run(), self._masked.run(0, start), self._whole.run(start))
        return (Sent(runs, marks=tuple(self._marks(start))),)

    def _marks(self, start: int) -> Iterator[Breakpoint]:
        """On the end of the system prompt, of what is masked, and of everything."""
        before = self._head + len(self._reminders)
        if self._head:
            yield Breakpoint(self._head - 1, self._ttl)
        for stop in dict.fromkeys((start, len(self._whole))):
            if stop and self._whole.frames[stop - 1].value.get("type") not in UNMARKABLE:
                yield Breakpoint(before + stop - 1, self._ttl)

    def reply(self, frames: Sequence[Frame]) -> None:
        """The answer stays."""
        self._add(frames)

    def reaches(self, event: NeededEvent, asked: str) -> bool:
        """What is masked is gone."""
        return False

    def close(self) -> None:
        """Nothing is held."""

    def _add(self, frames: Sequence[Frame]) -> None:
        for at, one in enumerate(frames, start=len(self._whole)):
            if one.value.get("type") == "tool_result":
                self._results.append(at)
        self._whole.extend(frames)
        self._masked.extend(map(masked, frames))


def masked(one: Frame) -> Frame:
    """A frame without its result."""
    if one.value.get("type") != "tool_result":
        return one
    lines = spoken(one).count("\n") + 1
    return frame("message", {**one.value, "content": MASK.format(lines)}, one.role)
