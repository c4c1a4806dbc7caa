"""States of a fork to come back to."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A state of one sandbox. ``id`` alone names it, also after the sandbox was opened again by another process."""

    id: str
