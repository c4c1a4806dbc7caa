"""What each request of a conversation sent, at the cost of what is new: lists of frames that grow, and lengths in them.

Requests that extend each other share one list, so that a conversation of thousands of turns is kept once.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from agentmem.types import Frame, Turn


@dataclass(frozen=True, slots=True)
class SentContext:
    """The context of one request: ``head``, then the first ``length`` of ``messages``, then ``reply`` frames of reply.

    ``messages`` is shared by requests that extend each other, so it may be longer by now. ``told`` is the data of
    frames that a compaction wrote; the last ``pages`` of ``head`` are pinned pages.
    """

    head: tuple[Frame, ...]
    messages: Sequence[Frame]
    length: int
    reply: int = 0
    told: frozenset[bytes] = frozenset()
    pages: int = 0

    @property
    def sent(self) -> tuple[Frame, ...]:
        """All frames of the request."""
        return (*self.head, *self.messages[: self.length])


def first_difference(before: SentContext, now: SentContext) -> tuple[Frame | None, Frame | None] | None:
    """The first frame that ``now`` has otherwise than ``before``, in both; None if it only extends it.

    A frame that only one of the two has stands beside None.
    """
    old = (*before.head, *before.messages[: before.length + before.reply])
    new = now.sent
    place = next(
        (at for at, pair in enumerate(zip(old, new, strict=False)) if pair[0] != pair[1]), min(len(old), len(new))
    )
    if place >= len(old) - before.reply and place >= len(new):
        return None
    left = old[place] if place < len(old) else None
    right = new[place] if place < len(new) else None
    return None if left is None else (left, right)


class Flattened:
    """Lists of frames for views that follow each other: a view that extends the one before grows its list."""

    def __init__(self) -> None:
        self._turns: tuple[Turn, ...] = ()
        self._starts: list[int] = []
        self._frames: list[Frame] = []

    def add(self, turns: Sequence[Turn]) -> tuple[Sequence[Frame], int]:
        """The list that ``turns`` are the beginning of, and their length in it."""
        same = 0
        for one, other in zip(self._turns, turns, strict=False):
            if one is not other:
                break
            same += 1
        if same == len(turns) and same:
            return self._frames, self._starts[same - 1] + len(turns[-1].frames)
        start = self._starts[same] if same < len(self._starts) else len(self._frames)
        rest = [frame for turn in turns[same:] for frame in turn.frames]
        left = self._frames[start:]
        if rest[: len(left)] != left:
            self._frames = [*self._frames[:start], *rest]
        else:
            self._frames += rest[len(left) :]
        self._turns, self._starts = tuple(turns), self._starts[:same]
        for turn in turns[same:]:
            self._starts.append(start)
            start += len(turn.frames)
        return self._frames, start
