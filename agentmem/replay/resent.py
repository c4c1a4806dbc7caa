"""What of a request is sent for the first time, by its text: what is moved, or stands under another heading, is not.

A frame of the recording is new once. What a policy writes is new as far as its words are: texts are cut into pieces of
a few words at places that their own words decide, so that the same text has the same pieces wherever it stands.
"""

import re
from collections.abc import Iterable, Iterator

from agentmem.replay.needed import spoken
from agentmem.types import Frame

MOST = 16
"""Words of a piece, at most; half as many in the mean."""

_STRETCH = re.compile(r"[^\n.:;!?]+")
_WORD = re.compile(r"\w+")


class RecordedTexts:
    """The frames of a recording, and the pieces of all texts, each cut once for all policies."""

    def __init__(self, frames: Iterable[Frame] = ()) -> None:
        self._recorded = frozenset(one.data for one in frames)
        self._pieces: dict[bytes, tuple[int, ...]] = {}

    def has(self, frame: Frame) -> bool:
        """Whether it was recorded."""
        return frame.data in self._recorded

    def pieces(self, frame: Frame) -> tuple[int, ...]:
        """The pieces of a frame's text."""
        if frame.data not in self._pieces:
            self._pieces[frame.data] = tuple(hash(one) for one in pieces(spoken(frame)))
        return self._pieces[frame.data]


class SentTexts:
    """What one policy has sent so far."""

    def __init__(self, texts: RecordedTexts | None = None) -> None:
        self._texts = texts
        self._frames: set[int] = set()
        self._pieces: set[int] = set()

    def send(self, frame: Frame) -> int:
        """The tokens of a frame that were not sent before; from now on they were."""
        key = hash((frame.segment, frame.role, frame.data))
        if key in self._frames:
            return 0
        self._frames.add(key)
        return frame.tokens if self._texts is None else self._new(frame, self._texts)

    def _new(self, frame: Frame, texts: RecordedTexts) -> int:
        found = texts.pieces(frame)
        new = sum(one not in self._pieces for one in found)
        self._pieces.update(found)
        return frame.tokens if texts.has(frame) or not found else round(frame.tokens * new / len(found))


def pieces(text: str) -> Iterator[str]:
    """The words of a text in pieces: of a line or clause, up to a word that ends one, MOST at the most."""
    for stretch in _STRETCH.findall(text):
        held: list[str] = []
        for word in _WORD.findall(stretch):
            held.append(word)
            if (ord(word[0]) + ord(word[-1]) + len(word)) % 8 == 0 or len(held) == MOST:
                yield " ".join(held)
                held = []
        if held:
            yield " ".join(held)
