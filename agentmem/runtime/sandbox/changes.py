"""What differs between two states of a tree: files, as values that can be shown, kept and applied elsewhere."""

from dataclasses import dataclass
from typing import Literal

Kind = Literal["added", "modified", "deleted", "mode", "link"]


@dataclass(frozen=True, slots=True)
class Change:
    """One file. ``before`` and ``after`` are its bytes, or where it is a link (``kind`` "link") what it points to.

    None where there was, or is, no such file. ``mode`` is the new one (0o755 or 0o644). ``stale`` says that the
    source's file changed after the fork was made, so ``before`` is not what the fork began with.
    """

    path: str
    kind: Kind
    binary: bool
    before: bytes | None
    after: bytes | None
    mode: int = 0o644
    stale: bool = False


@dataclass(frozen=True, slots=True)
class Diff:
    """Changes, sorted by path. ``left_out`` names what is no part of it: what git ignores, sockets, devices, caches."""

    changes: tuple[Change, ...] = ()
    left_out: tuple[str, ...] = ()

    @property
    def paths(self) -> tuple[str, ...]:
        """The paths that changed, sorted."""
        return tuple(change.path for change in self.changes)

    @property
    def text(self) -> str:
        """A unified diff in git's form; binary files are only named."""
        raise NotImplementedError

    def __bool__(self) -> bool:
        return bool(self.changes)
