"""From whole requests to what was new in each: for logs that write every request out in full."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from agentmem.replay.session import Exchange, RecordedCut
from agentmem.types import Frame


@dataclass(slots=True)
class Growth:
    """One conversation as it grows. ``live`` is the last request and its reply; ``seen`` all frames ever sent."""

    exchanges: list[Exchange] = field(default_factory=list)
    sent: tuple[Frame, ...] = ()
    live: tuple[Frame, ...] = ()
    seen: set[Frame] = field(default_factory=set)

    def add(self, frames: Sequence[Frame], exchange: Exchange, *, declared: bool = False) -> None:
        """Take the next request, of the message ``frames``; ``exchange`` holds all else that is known of it.

        A client that sends a reply back in its own words only extends what was there: its words then stand for the
        reply.
        """
        frames = tuple(frames)
        self._echoed(frames)
        if frames[: len(self.live)] == self.live:
            arrived, cut = frames[len(self.live) :], None
        else:
            arrived = tuple(one for one in frames if one.role == "user" and one not in self.seen)
            cut = RecordedCut("edit", frames, declared=declared)
        self.exchanges.append(replace(exchange, arrived=arrived, cut=cut))
        self.sent, self.live = frames, (*frames, *exchange.reply)
        self.seen.update(frames)

    def common(self, frames: Sequence[Frame]) -> int:
        """How many frames a request shares with the last one of this conversation."""
        pairs = enumerate(zip(self.live, frames, strict=False))
        return next((at for at, (one, other) in pairs if one != other), min(len(self.live), len(frames)))

    def _echoed(self, frames: tuple[Frame, ...]) -> None:
        if not self.exchanges or frames[: len(self.sent)] != self.sent or frames[: len(self.live)] == self.live:
            return
        rest = frames[len(self.sent) :]
        echoed = next((at for at, one in enumerate(rest) if one.role != "assistant"), len(rest))
        self.exchanges[-1] = replace(self.exchanges[-1], reply=rest[:echoed])
        self.live = (*self.sent, *rest[:echoed])
