"""The forks of a team's work: of the old code, of the coder, and of each round for the tester. They survive a kill.

Only `steps` uses it. It is a module of its own because it knows nothing of agents.
"""

from collections.abc import Callable
from pathlib import Path
from shutil import rmtree
from typing import Literal

import agentmem
from agentmem.errors import SandboxError
from agentmem.sandbox import Diff, Sandbox, sweep
from agentmem.sandbox.merging import forbidden
from agentmem.sandbox.planning import Isolation

PACKAGE = Path(agentmem.__file__).resolve().parent
"""A pytest that runs beside agentmem loads agentmem's plugin, also from a checkout."""


class Forks:
    """The forks in ``folder``, made of ``repo``. Only the holder of the team's lease may use them."""

    def __init__(self, folder: Path, repo: Path, isolation: Isolation | Literal["auto"] = "auto") -> None:
        self.folder, self.repo, self.isolation = folder, repo, isolation
        self._open: dict[str, Sandbox] = {}

    def base(self) -> Sandbox:
        """The repository as it was when the work began. Nobody works in this fork."""
        return self._opened("base", self._forked)

    def coder(self, attempt: Diff) -> Sandbox:
        """The coder's fork. If it is gone, a new one with the ``attempt`` as far as it is known."""
        return self._opened("coder", lambda where: put(self.base().fork_again(where=where), attempt))

    def fix(self, number: int, attempt: Diff) -> Sandbox:
        """The old code with a round's attempt: exactly what would be merged, without the coder's other files."""
        return put(self._opened(f"fix-{number}", lambda where: self.base().fork_again(where=where)), attempt)

    def tester(self, number: int, attempt: Diff, tests: Diff) -> Sandbox:
        """The tester's fork of a round: the attempt, and the ``tests`` from earlier rounds."""
        fix = self.fix(number, attempt)
        fork = self._opened(f"tester-{number}", lambda where: fix.fork_again(where=where))
        return put(fork, Diff(tuple(one for one in tests.changes if not fork.exists(one.path))))

    def drop(self, number: int) -> None:
        """Remove the forks of a round."""
        for name in (f"tester-{number}", f"fix-{number}"):
            if found := self._open.pop(name, None):
                found.close()

    def close(self) -> None:
        """Remove all forks."""
        while self._open:
            self._open.popitem()[1].close()
        sweep(self.folder)  # forks of an earlier process
        rmtree(self.folder, ignore_errors=True)

    def detach(self) -> None:
        """Leave the forks for a later process to continue with."""
        while self._open:
            self._open.popitem()[1].detach()

    def _forked(self, where: Path) -> Sandbox:
        return Sandbox.fork(self.repo, where=where, isolation=self.isolation, readable=(PACKAGE,))

    def _opened(self, name: str, make: Callable[[Path], Sandbox]) -> Sandbox:
        if name not in self._open:
            where = self.folder / name
            self._open[name] = _reopened(where) or make(where)
        return self._open[name]


def put(fork: Sandbox, diff: Diff) -> Sandbox:
    """The fork, after its files were written and deleted as in ``diff``: links as links, programs with their modes.

    What may not be changed from a fork, such as a link that leads out, is left out. All forks of a team began as one,
    and it may have been done already, so nothing can clash: caches may be left of a folder that has become a file.
    """
    fork.apply(Diff(tuple(one for one in diff.changes if forbidden(one) is None)), over=True)
    return fork


def _reopened(where: Path) -> Sandbox | None:
    """The fork in a folder; None if there is none, or only a part of one that a kill left."""
    if not where.exists():
        return None
    try:
        return Sandbox.reopen(where)
    except SandboxError:
        rmtree(where, ignore_errors=True)
        return None
