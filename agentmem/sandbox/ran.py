"""The values that a sandbox returns: the result of a command, and a snapshot."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Ran:
    """The result of a command that ended or was killed.

    ``exit_code``: 0 to 255, as in shells: 128 + n if signal n ended it, 127 if there is no such program.
    ``output``: everything that it printed, both streams in their order. If it is longer than the limit, the middle is
    left out, and a line says how much.
    ``seconds``: wall time.
    ``killed``: the limit that it exceeded: time, memory, processes, output or disk; else None.
    ``restored``: files that it changed without the right to; they are as they were before.

    Example:
        >>> ran = sandbox.run("pytest -q")
        >>> print(ran.output if not ran.ok else "passed")
    """

    command: str | Sequence[str]
    exit_code: int
    output: str
    seconds: float
    timed_out: bool = False
    killed: str | None = None
    restored: tuple[str, ...] = ()

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
