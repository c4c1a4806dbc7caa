"""A conversation while a log tells it, item by item: what was heard, what was replied, and what it cost.

Readers of logs whose lines are items, and not whole requests, share this.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from agentmem.kvcache.frames import frame
from agentmem.kvcache.reported import tokens_of
from agentmem.replay.formats.contents import PACE, moment_of, sent, usage_or_odd, worded
from agentmem.replay.session import CutKind, Exchange, RecordedCut, RecordedSession, SkippedLine, lifetime
from agentmem.types import NO_EXTRAS, Extras, Frame, Role, Usage


@dataclass(slots=True)
class Telling:
    """Takes items in their order. A request ends where the log meters it, or else where somebody else speaks again.

    ``model`` is whose reply comes next, ``system`` and ``tools`` are what the log says of them. ``odd`` are the usages
    that could not be read, in words, until they are `named`.
    """

    model: str = ""
    system: list[Frame] = field(default_factory=list)
    tools: list[Frame] = field(default_factory=list)
    exchanges: list[Exchange] = field(default_factory=list)
    live: list[Frame] = field(default_factory=list)
    odd: list[str] = field(default_factory=list)
    _arrived: list[Frame] = field(default_factory=list)
    _later: list[Frame] = field(default_factory=list)
    _reply: list[Frame] = field(default_factory=list)
    _cut: tuple[CutKind, tuple[Frame, ...]] | None = None
    _heard_at: float | None = None
    _clock: float = -PACE

    def heard(self, content: Any, at: Any = None) -> None:
        """A person's words or a tool's result. Behind an open reply it belongs to the next request."""
        frames = _frames(worded(content), "user")
        if self._reply:
            self._later += frames
        else:
            self._arrived += frames
            moment = moment_of(at)
            self._heard_at = self._heard_at if moment is None else moment

    def replied(self, content: Any) -> None:
        """A part of the model's reply. If somebody spoke since its last part, it is the reply to another request."""
        frames = _frames(worded(content), "assistant")
        if self._reply and self._later:
            self.metered(None)
        self._reply += frames

    def metered(
        self, usage: Usage | None, at: Any = None, *, identity: str = "", extras: Extras = NO_EXTRAS, bare: bool = False
    ) -> None:
        """The end of a request. One without a reply is kept if it is ``bare``: the log has no text."""
        if not self._reply and not bare:
            return
        answered = moment_of(at)
        answered = self._clock + PACE if answered is None else answered
        self._clock = answered
        sent_at = answered if self._heard_at is None else min(self._heard_at, answered)
        cut = RecordedCut(self._cut[0], (*self._cut[1], *self._arrived)) if self._cut else None
        exchange = Exchange(
            at=sent_at,
            answered=answered,
            model=self.model,
            arrived=tuple(self._arrived),
            reply=tuple(self._reply),
            usage=usage,
            cut=cut if self.exchanges else None,
            identity=identity,
            extras=extras,
        )
        self.exchanges.append(exchange)
        self.live += (*self._arrived, *self._reply)
        self._arrived, self._later, self._reply, self._heard_at, self._cut = self._later, [], [], None, None

    def used(self, read: Callable[[Any], Usage | None], value: Any) -> Usage | None:
        """The usage that ``read`` makes of what the log has."""
        return usage_or_odd(read, value, self.odd)

    def named(self, path: str, line: int) -> Iterator[SkippedLine]:
        """The usages that could not be read since the last time, by the line where they stand."""
        told, self.odd = self.odd, []
        yield from (SkippedLine(path, line, one) for one in told)

    def cut(self, kind: CutKind, content: Iterable[tuple[Role, Any]]) -> None:
        """The context begins anew with ``content``, what stands for the rest."""
        self.metered(None)
        frames = tuple(one for role, said in content for one in _frames(said, role))
        self.live, self._cut = list(frames), (kind, frames)

    def session(self, name: str, path: str, provider: str) -> RecordedSession | None:
        """All of it; None without a request. What the log does not say of tools and system, the first usage tells."""
        self.metered(None)
        if not self.exchanges:
            return None
        exchanges = tuple(self.exchanges)
        text = any(one.arrived or one.reply for one in exchanges)
        head = (*self.tools, *self.system)
        known = bool(self.tools) or exchanges[0].usage is None
        return RecordedSession(
            name, path, exchanges, head if known else None, text, ttl=lifetime(exchanges), provider=provider
        )


def _frames(content: Any, role: Role) -> list[Frame]:
    return [frame("message", block, role) for block in sent(content)]


def counted(whole: Any, cached: Any = 0, output: Any = 0, written: Any = 0, *, apart: bool = False) -> Usage:
    """Usage from a tool's own counters. ``whole`` has the cached tokens in it, unless they stand ``apart``."""
    total, read, wrote = map(tokens_of, (whole, cached, written))
    fresh = total if apart else max(0, total - read - wrote)
    return Usage("measured", fresh, min(read, total) if not apart else read, wrote, 0, tokens_of(output))
