"""The forks of a team's work: the code as it was, the coder's, each round's for the tester. They outlive a kill."""

from collections.abc import Callable
from pathlib import Path
from shutil import rmtree
from typing import Literal

import agentmem
from agentmem.errors import SandboxError
from agentmem.sandbox import Diff, Sandbox, sweep
from agentmem.sandbox.planning import Isolation

PACKAGE = Path(agentmem.__file__).resolve().parent
"""A pytest that runs beside agentmem loads agentmem's plugin, from a checkout too."""


class Forks:
    """Kept in ``folder``, made of ``repo``. One process at a time: whoever uses them holds the team's lease."""

    def __init__(self, folder: Path, repo: Path, isolation: Isolation | Literal["auto"] = "auto") -> None:
        self.folder, self.repo, self.isolation = folder, repo, isolation
        self._open: dict[str, Sandbox] = {}

    def base(self) -> Sandbox:
        """The repository as it was when the work began. Nobody works in it."""
        return self._opened("base", self._forked)

    def coder(self, attempt: Diff) -> Sandbox:
        """The coder's fork; where it is gone, a new one with what is known of the ``attempt``."""
        return self._opened("coder", lambda where: put(self.base().fork_again(where=where), attempt))

    def fix(self, number: int, attempt: Diff) -> Sandbox:
        """The code as it was with a round's attempt: what would be merged, and nothing else that the coder left."""
        return put(self._opened(f"fix-{number}", lambda where: self.base().fork_again(where=where)), attempt)

    def tester(self, number: int, attempt: Diff, tests: Diff) -> Sandbox:
        """The tester's fork of a round: the attempt, and the ``tests`` that the tester wrote before."""
        fix = self.fix(number, attempt)
        fork = self._opened(f"tester-{number}", lambda where: fix.fork_again(where=where))
        return put(fork, Diff(tuple(one for one in tests.changes if not fork.exists(one.path))))

    def drop(self, number: int) -> None:
        """Removes the forks of a round."""
        for name in (f"tester-{number}", f"fix-{number}"):
            if found := self._open.pop(name, None):
                found.close()

    def close(self) -> None:
        """Removes all forks."""
        while self._open:
            self._open.popitem()[1].close()
        sweep(self.folder)  # what an earlier process left
        rmtree(self.folder, ignore_errors=True)

    def detach(self) -> None:
        """Leaves the forks for a later process to go on with."""
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
    """A fork with what was changed and added in ``diff`` put in place."""
    for one in diff.changes:
        if one.after is None:
            if fork.exists(one.path):
                fork.delete(one.path)
        else:
            fork.write(one.path, one.after)
    return fork


def _reopened(where: Path) -> Sandbox | None:
    """The fork in a folder; None where there is none, or only a part of one that a kill left."""
    if not where.exists():
        return None
    try:
        return Sandbox.reopen(where)
    except SandboxError:
        rmtree(where, ignore_errors=True)
        return None
