"""Defines the values and Protocols of search: vectors, embedders, rerankers, recall and archives."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeAlias

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from agentmem.types import Image

Vectors: TypeAlias = "NDArray[np.float32]"
"""Rows of unit length, so that a dot product is a cosine."""


class Embedder(Protocol):
    """Turns texts into vectors. Vectors are kept with ``name``, so another model needs another name."""

    @property
    def name(self) -> str: ...

    @property
    def dimensions(self) -> int: ...

    def embed(self, texts: Sequence[str]) -> Vectors:
        """One row for each text: float32, of shape (texts, dimensions). May be called from any thread."""
        ...


class Reranker(Protocol):
    """Reads a question together with what was found for it, which tells more than vectors and takes longer."""

    @property
    def name(self) -> str: ...

    def scores(self, question: str, passages: Sequence[str]) -> Sequence[float]:
        """A logit for each passage: above 0 it answers the question, far below it has nothing to do with it. May be
        called from any thread.
        """
        ...


@dataclass(frozen=True, slots=True)
class Found:
    """A passage that recall found: its reference, the kind of its entry, and the lines that match.

    ``fit`` is the cosine between its meaning and the question's, 1 if it has what the question quotes; None if words
    alone were compared. ``day`` is when it was said, if that is known.
    """

    reference: str
    kind: str
    excerpt: str
    fit: float | None = None
    day: str = ""


class Recall(Protocol):
    """Brings back entries that have left the window."""

    def exact(self, reference: str) -> str:
        """The text behind a reference, whole. Raises UnknownReference."""
        ...

    def pictures(self, reference: str) -> "Sequence[Image]":
        """The pictures behind a reference, in order; its text only names them. Raises UnknownReference."""
        ...

    def search(self, question: str, limit: int = 8) -> Sequence[Found]:
        """The passages of this thread that fit the words best, the best first."""
        ...


class Archive(Protocol):
    """A search over entries that have left the window. It is a cache: it can be made again from the journal."""

    def keep(self, thread: str, last: int) -> None:
        """Take in the thread's entries up to ``last``. Returns at once; a repeated call is safe."""
        ...

    def recall(self, thread: str) -> Recall:
        """The recall of this thread."""
        ...

    def forget(self, thread: str) -> None:
        """Delete everything that the thread itself wrote, for good."""
        ...

    def close(self) -> None:
        """End the work in the background. May be called twice."""
        ...
