"""What search works with: vectors, who makes them, and what is found."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeAlias

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from agentmem.messages import Image

Vectors: TypeAlias = "NDArray[np.float32]"
"""Rows of unit length, so that a dot product is a cosine."""


class Embedder(Protocol):
    """Turns texts into vectors. ``name`` is another whenever the vectors would be: they are kept with it."""

    @property
    def name(self) -> str: ...

    @property
    def dimensions(self) -> int: ...

    def embed(self, texts: Sequence[str]) -> Vectors:
        """One row for each text: float32, of shape (texts, dimensions). May be called from any thread."""
        ...


@dataclass(frozen=True, slots=True)
class Found:
    """One thing that recall found: its reference, what kind of entry it is, and the lines that match.

    ``fit`` is how near its meaning is to that of the question, a cosine, and 1 where it has what the question quotes;
    None where the words alone were compared. ``day`` is when it was said, where that is known.
    """

    reference: str
    kind: str
    excerpt: str
    fit: float | None = None
    day: str = ""


class Recall(Protocol):
    """Brings back what has left the window."""

    def exact(self, reference: str) -> str:
        """The text behind a reference, whole. Raises UnknownReference."""
        ...

    def pictures(self, reference: str) -> "Sequence[Image]":
        """The pictures behind a reference, which its text only names, in order. Raises UnknownReference."""
        ...

    def search(self, question: str, limit: int = 8) -> Sequence[Found]:
        """What this thread has seen that fits the words best, best first."""
        ...


class Archive(Protocol):
    """Where what left the window can be searched. A cache: the journal has every entry, and it can be made again."""

    def keep(self, thread: str, last: int) -> None:
        """Take in the thread's entries up to ``last``, those before included. Returns at once; safe to ask again."""
        ...

    def recall(self, thread: str) -> Recall:
        """What brings back what this thread has seen."""
        ...

    def forget(self, thread: str) -> None:
        """Delete for good all that the thread itself wrote."""
        ...

    def close(self) -> None:
        """End the work that runs behind. May be called twice."""
        ...
