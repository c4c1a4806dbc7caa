"""The values that a sandbox returns: the result of a command, and a snapshot."""

from collections.abc import Sequence
from dataclasses import dataclass

from agentmem.sandbox.holding import HeldLimit


@dataclass(frozen=True, slots=True)
class Ran:
    """The result of a command that ended or was killed.

    ``exit_code`` is 0..255; 128 + n when signal n ended it, 127 when there is no such program, as shells say.
    ``output`` is what it printed, both streams in their order; where it was longer than the limit, the middle is left
    out and a line says how much. ``killed`` names the limit that it passed: time, memory, processes, output or disk.
    ``restored`` are the files that it changed without the right to; they are as they were before. ``limits`` says of
    each limit by what it was held, or that it was only watched, or not held.
    """

    command: str | Sequence[str]
    exit_code: int
    output: str
    seconds: float
    timed_out: bool = False
    killed: str | None = None
    restored: tuple[str, ...] = ()
    limits: tuple[HeldLimit, ...] = ()

    @property
    def ok(self) -> bool:
        """True if it ended by itself with exit code 0, and changed only what it may."""
        return self.exit_code == 0 and self.killed is None and not self.restored


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A state of one sandbox. The ``id`` is enough to name it, even after another process has reopened the sandbox.

    Example:
        >>> before = sandbox.snapshot()
        >>> sandbox.run("rm -r docs")
        >>> sandbox.rollback(before)
    """

    id: str
