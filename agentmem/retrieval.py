"""What search works with: vectors, who makes them, and what is found."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeAlias

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

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
    """One thing that recall found: its reference, what kind of entry it is, and the lines that match."""

    reference: str
    kind: str
    excerpt: str
