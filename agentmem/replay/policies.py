"""Context policies: what each would send, told only what has arrived so far.

A policy keeps its own strips and says which stretches of them a request is made of. New ones are one class and one
line in POLICIES.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from types import MappingProxyType
from typing import Any, Protocol

from agentmem.kvcache.frames import frame
from agentmem.kvcache.prompts import Breakpoint
from agentmem.kvcache.rules import Setting
from agentmem.replay.layout import Run, Strip
from agentmem.replay.needed import NeededEvent
from agentmem.replay.session import RecordedCut, SessionOpening, reminder, unknown
from agentmem.types import Frame, Ttl


class RecordedContext:
    """Follows one session's requests."""

    def __init__(self, opening: SessionOpening) -> None:
        self._reminders = Strip(opening.reminders)
        self._live = Strip(opening.earlier)
        self._versions = count(1)

    def send(self, arrived: Iterable[Frame], cut: RecordedCut | None) -> tuple[Run, ...]:
        """The message frames of the next request, as runs."""
        if cut is None:
            self._live.extend(arrived)
        else:
            self._live = Strip(self._after(cut))
        return self.runs

    def reply(self, frames: Iterable[Frame]) -> tuple[Run, ...]:
        """The same with the reply."""
        self._live.extend(frames)
        return self.runs

    @property
    def runs(self) -> tuple[Run, ...]:
        """The context so far."""
        return self._reminders.run(), self._live.run()

    def _after(self, cut: RecordedCut) -> tuple[Frame, ...]:
        if cut.kind == "resume":
            tokens = self._reminders.tokens[-1]
            self._reminders = Strip((reminder(tokens, next(self._versions)),)) if tokens else self._reminders
        if not cut.hidden:
            return cut.frames
        return (*cut.frames, unknown("message", f"restored {next(self._versions)}", cut.hidden))


@dataclass(frozen=True, slots=True)
class Arrival:
    """What is known when a request is due: its time, its model and what has arrived since the last reply.

    ``cut``, ``settings``, ``marks`` and ``head`` are what the recording's own policy did; the others pay them no heed.
    """

    at: float
    model: str
    frames: tuple[Frame, ...]
    cut: RecordedCut | None = None
    settings: Mapping[Setting, str] = field(default_factory=dict)
    marks: tuple[Breakpoint, ...] | None = None
    head: tuple[Frame, ...] | None = None


@dataclass(frozen=True, slots=True)
class Sent:
    """One request of a policy: the ``runs`` of its messages. ``cut``: a declared cut lies before it.

    A request for a summary has a ``summary``: the tokens that came back. ``bare`` requests have no tools and system,
    and no breakpoints unless ``marks`` gives some. ``own_head`` stands for the conversation's tools and system. ``at``
    is when it was sent, where that was in the pause before the arrival.
    """

    runs: tuple[Run, ...]
    cut: bool = False
    summary: int | None = None
    bare: bool = False
    marks: tuple[Breakpoint, ...] | None = None
    own_head: tuple[Frame, ...] | None = None
    settings: Mapping[Setting, str] = field(default_factory=dict)
    at: float | None = None


class Policy(Protocol):
    """Decides what each request contains.

    ``send`` gives the requests that one arrival leads to: those for summaries first, the answer's last. ``reply``
    takes the answer; where a client asks about it by itself, the context after it comes back. ``reaches`` says whether
    a string that the last request does not show could be had by what it refers to, or by asking for what the model said
    before it used the string (``asked``). ``settings`` are printed with the
    figures, ``close`` frees what is held outside of memory.
    """

    settings: Mapping[str, Any]

    def send(self, arrival: Arrival) -> Sequence[Sent]: ...

    def reply(self, frames: Sequence[Frame]) -> Sequence[Run] | None: ...

    def reaches(self, event: NeededEvent, asked: str) -> bool: ...

    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Terms:
    """What a policy is made with: the opening it stands behind, the most tokens a request may have, whose prices hold,
    and how long what is cached lives.
    """

    opening: SessionOpening
    budget: int
    provider: str = "anthropic"
    ttl: Ttl = "5m"


class Recorded:
    """The context as it was sent."""

    settings: Mapping[str, Any] = MappingProxyType({})

    def __init__(self, terms: Terms) -> None:
        self._context = RecordedContext(terms.opening)

    def send(self, arrival: Arrival) -> Sequence[Sent]:
        declared = arrival.cut is not None and arrival.cut.declared
        runs = self._context.send(arrival.frames, arrival.cut)
        sent = Sent(runs, declared, marks=arrival.marks, own_head=arrival.head, settings=arrival.settings)
        return (sent,)

    def reply(self, frames: Sequence[Frame]) -> Sequence[Run]:
        return self._context.reply(frames)

    def reaches(self, event: NeededEvent, asked: str) -> bool:
        return False

    def close(self) -> None:
        return None


class AppendOnly:
    """Everything, forever; the budget is not kept."""

    settings: Mapping[str, Any] = MappingProxyType({"limit": None})

    def __init__(self, terms: Terms) -> None:
        self._strip = Strip(terms.opening.reminders)

    def send(self, arrival: Arrival) -> Sequence[Sent]:
        self._strip.extend(arrival.frames)
        return (Sent((self._strip.run(),)),)

    def reply(self, frames: Sequence[Frame]) -> None:
        self._strip.extend(frames)

    def reaches(self, event: NeededEvent, asked: str) -> bool:
        return False

    def close(self) -> None:
        return None


DROPPED = "[Earlier messages were dropped.]"


class Sliding:
    """The newest messages that fit the budget: at each request the oldest ones beyond it are dropped for good.

    What is kept begins with a prompt or a reply, so that no result is without its call, behind a line that says so.
    """

    def __init__(self, terms: Terms) -> None:
        self._strip = Strip()
        self._reminders = Strip(terms.opening.reminders)
        self._notice = Strip((frame("message", {"type": "text", "text": DROPPED}, "user"),))
        self._room = terms.budget - terms.opening.tokens
        self._start = 0
        self.settings: Mapping[str, Any] = MappingProxyType({"max_tokens": terms.budget, "start_on": "prompt or reply"})

    def send(self, arrival: Arrival) -> Sequence[Sent]:
        self._strip.extend(arrival.frames)
        self._drop()
        notice = (self._notice.run(),) if self._start else ()
        return (Sent((self._reminders.run(), *notice, self._strip.run(self._start))),)

    def reply(self, frames: Sequence[Frame]) -> None:
        self._strip.extend(frames)

    def reaches(self, event: NeededEvent, asked: str) -> bool:
        return False

    def close(self) -> None:
        return None

    def _drop(self) -> None:
        strip = self._strip
        room = self._room - self._notice.tokens[-1]
        fitting = self._start
        while fitting < len(strip) and strip.tokens[-1] - strip.tokens[fitting] > room:
            fitting += 1
        if fitting > self._start:
            ends = range(fitting, len(strip))
            self._start = next((at for at in ends if self._may_begin(at)), self._last_turn())

    def _may_begin(self, at: int) -> bool:
        one, before = self._strip.frames[at], self._strip.frames[at - 1]
        return one.value.get("type") != "tool_result" and one.role != before.role

    def _last_turn(self) -> int:
        """Where the last turn begins that is no result: it is sent even where it does not fit."""
        return next((at for at in range(len(self._strip) - 1, self._start, -1) if self._may_begin(at)), self._start)


Maker = Callable[[Terms], Policy]

POLICIES: Mapping[str, Maker] = MappingProxyType({"recorded": Recorded, "append-only": AppendOnly, "sliding": Sliding})
"""Policies that only cut. All of them stand in registry.py."""
