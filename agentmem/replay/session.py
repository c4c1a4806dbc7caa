"""A recorded session as values: what arrived before each request, what was replied, and where the context was cut."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from agentmem.kvcache.prompts import Breakpoint
from agentmem.kvcache.rules import Setting
from agentmem.types import NO_EXTRAS, Extras, Frame, Ttl, Usage

CutKind = Literal[
    "compaction",  # a summary stands for what was there before
    "clearing",  # old tool results were emptied in place
    "clear",  # the context was dropped
    "rewind",  # the user went back to an earlier point
    "resume",  # another process took the session up and wrote the prompt's beginning anew
    "edit",  # anything else that is not an extension
]


@dataclass(frozen=True, slots=True)
class RecordedCut:
    """Where a recorded context stops extending the one before.

    ``frames`` are all message frames that the request had, as far as they are recorded. ``declared`` says whether the
    recording itself names the cut; ``hidden`` estimates the tokens that came with it and are not recorded.
    """

    kind: CutKind
    frames: tuple[Frame, ...]
    declared: bool = True
    hidden: int = 0


UNIQUE = 16
"""The least characters of an id that no other reply has: those of providers have more than twenty."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request and its reply.

    ``at`` is when it was sent and ``answered`` when the reply began, in seconds since the epoch. ``arrived`` are
    message frames that were not there at the request before: results and user turns, without summaries that a
    compaction wrote. ``reply`` are the frames of the reply. ``usage`` is what the provider reported, if it is known.
    ``marks`` are the breakpoints that were sent, None where they are not recorded. ``head`` are tools and system where
    they are not the session's; ``identity`` is the provider's id of the reply, ``extras`` what was billed beside.
    ``partial``: the reply's end was not recorded, so that more may have been used than was reported. ``line`` is its
    line in a log of whole requests, from 1.
    """

    at: float
    answered: float
    model: str
    arrived: tuple[Frame, ...]
    reply: tuple[Frame, ...]
    usage: Usage | None = None
    cut: RecordedCut | None = None
    settings: Mapping[Setting, str] = field(default_factory=dict)
    marks: tuple[Breakpoint, ...] | None = None
    head: tuple[Frame, ...] | None = None
    identity: str = ""
    extras: Extras = NO_EXTRAS
    partial: bool = False
    line: int = 0

    @property
    def output(self) -> int:
        """Tokens of the reply: what was reported; where that is partial, or less than half, what is counted of it."""
        reported = self.usage.output_tokens if self.usage else 0
        counted = sum(one.tokens for one in self.reply)
        return max(reported, counted) if self.partial or 2 * reported < counted else reported

    @property
    def known_by(self) -> str:
        """What tells this request from all others, also of other logs; "" if nothing does.

        It is the reply's id. A server of one's own may count its replies from 0 in each run: a short id counts only
        together with the moment.
        """
        if not self.identity or len(self.identity) >= UNIQUE:
            return self.identity
        return f"{self.identity} {self.at}"

    @property
    def ends_turn(self) -> bool:
        """Whether the model asked for no tool, so that a person is next."""
        return not any(frame.value.get("type") == "tool_use" for frame in self.reply)


@dataclass(frozen=True, slots=True)
class RecordedSession:
    """One agent's conversation, from its first request to its last.

    ``head`` are the frames of tools and system, None where they are not recorded: then the first request's usage
    tells their size. ``text`` is false for a ledger, which has numbers only. ``ttl`` is the lifetime the recording's
    client asks for, ``background`` whether that client sends requests of its own between turns. ``provider`` is whom it
    asked.
    """

    name: str
    source: str
    exchanges: tuple[Exchange, ...]
    head: tuple[Frame, ...] | None = None
    text: bool = True
    ttl: Ttl = "5m"
    background: bool = False
    provider: str = "anthropic"

    @property
    def started(self) -> float:
        """When the first request was sent."""
        return self.exchanges[0].at


def lifetime(exchanges: Iterable[Exchange]) -> Ttl:
    """The lifetime that requests asked for, as their usage shows it: 1 h if any did."""
    return "1h" if any(one.usage and one.usage.cache_write_1h_tokens for one in exchanges) else "5m"


@dataclass(frozen=True, slots=True)
class SkippedLine:
    """A piece of a recording that could not be read: where, and why. ``line`` counts from 1; 0 is the whole file."""

    path: str
    line: int
    reason: str

    @property
    def place(self) -> str:
        """Where, for a person: the file, and the line if it is one."""
        return f"{self.path}:{self.line}" if self.line else self.path


HEAD_SHARE = 0.6
"""How much of what is not recorded before the first prompt is tools and system prompt, rather than reminders in the
first message: about the median of recorded sessions. Used only where the first request read nothing."""


HIDDEN_MOST = 60_000
"""Tokens from which on a first request must have carried an earlier conversation, which is not recorded."""


@dataclass(frozen=True, slots=True)
class SessionOpening:
    """``head``: tools and system. ``reminders``: what a client puts in front of the first prompt.

    ``earlier``: a conversation that went before and is not recorded; a compaction drops it. Only the recording's own
    context is known to have had it.
    """

    head: tuple[Frame, ...]
    reminders: tuple[Frame, ...] = ()
    earlier: tuple[Frame, ...] = ()

    @property
    def tokens(self) -> int:
        """Tokens of head and reminders."""
        return sum(one.tokens for one in (*self.head, *self.reminders))


def opening(session: RecordedSession) -> SessionOpening:
    """The opening of ``session``. What is not recorded takes its size from the first request's usage."""
    if session.head is not None:
        return SessionOpening(session.head)
    first = session.exchanges[0]
    if first.usage is None:
        return SessionOpening(())
    shown = first.cut.frames if first.cut else first.arrived
    hidden = max(0, first.usage.input_tokens - sum(one.tokens for one in shown))
    earlier = max(0, hidden - HIDDEN_MOST)
    hidden -= earlier
    read = first.usage.cache_read_tokens
    head = read if 0 < read <= hidden else round(HEAD_SHARE * hidden)
    went_before = (unknown("message", "earlier conversation", earlier),) if earlier else ()
    return SessionOpening((unknown("system", "tools and system", head),), (reminder(hidden - head),), went_before)


def reminder(tokens: int, version: int = 0) -> Frame:
    """A stand-in for reminders of that size; another ``version`` has other bytes."""
    return unknown("message", f"reminders {version}", tokens)


def unknown(segment: str, name: str, tokens: int) -> Frame:
    """A frame of known size whose text is not recorded."""
    if segment == "system":
        return Frame("system", None, {"type": "unknown"}, name.encode(), tokens)
    return Frame("message", "user", {"type": "unknown"}, name.encode(), tokens)
