"""What stands before a conversation: tools and system, recorded or known by their size only."""

from dataclasses import dataclass

from agentmem.replay.session import RecordedSession
from agentmem.types import Frame

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
