"""A trial: runs the tester's commands again, in fresh forks of the change, of the old code, and of mutants."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from agentmem.sandbox import FileChange, Sandbox
from agentmem.team import mutants
from agentmem.team.mutants import Mutant
from agentmem.team.outcomes import ObservedTests, TestCaseOutcome, observe


@dataclass(frozen=True, slots=True)
class Bench:
    """The basis of a trial: the old code, the code with the change, the change, and the commands' environment.

    ``seconds`` limits each command; ``mutants`` is the number of mutants to try; ``places`` are the globs of the test
    paths, the only ones that commands may write; None for all.
    """

    base: Sandbox
    fix: Sandbox
    change: tuple[FileChange, ...]
    environment: Mapping[str, str]
    seconds: float = 600.0
    mutants: int = mutants.MOST
    places: tuple[str, ...] | None = None


@dataclass(slots=True)
class Trial:
    """Runs each command at most once on each state, every time in a fork of its own.

    ``tests`` are the tester's files. They are put into every fork.
    """

    bench: Bench
    tests: Sequence[FileChange]
    killed: tuple[Mutant, ...] = ()
    survived: tuple[Mutant, ...] = ()
    _seen: dict[tuple[str, str], ObservedTests] = field(default_factory=dict)

    def again(self, command: str) -> ObservedTests:
        """The command's result on the change."""
        return self._on("fix", self.bench.fix, command)

    def unfixed(self, command: str) -> ObservedTests:
        """The command's result on the old code, with the tester's tests."""
        return self._on("base", self.bench.base, command)

    def kills(self, commands: Sequence[str]) -> bool:
        """True if the tester's own tests notice one of the mutants. Stops at the first that they notice."""
        for mutant in self.mutations():
            with self.bench.fix.fork_again() as fork:
                self._put(fork)
                fork.write(mutant.path, mutant.text.encode("utf-8"))
                noticed = any(self.differs(one, self._run(fork, one)) for one in commands)
            if noticed:
                self.killed += (mutant,)
                return True
            self.survived += (mutant,)
        return False

    def differs(self, command: str, seen: ObservedTests) -> bool:
        """True if, in this command, the tester's own tests have other outcomes than on the change."""
        right = self.again(command)
        if right.cases is None:
            return seen.exit_code != right.exit_code
        now = {case.id: case.outcome for case in seen.cases or ()}
        return any(now.get(case.id, "error") != case.outcome for case in self.own(right))

    def own(self, seen: ObservedTests) -> tuple[TestCaseOutcome, ...]:
        """The tests of a run that are in the tester's own files."""
        mine = [one.path for one in self.tests if one.after is not None]
        return tuple(case for case in seen.cases or () if any(_in(case.id, path) for path in mine))

    def _on(self, name: str, state: Sandbox, command: str) -> ObservedTests:
        if (name, command) not in self._seen:
            with state.fork_again() as fork:
                self._put(fork)
                self._seen[name, command] = self._run(fork, command)
        return self._seen[name, command]

    def _run(self, fork: Sandbox, command: str) -> ObservedTests:
        places = self.bench.places
        return observe(fork, command, self.bench.environment, timeout=self.bench.seconds, writable=places)

    def _put(self, fork: Sandbox) -> None:
        for one in self.tests:
            if one.after is not None and not one.is_link:
                fork.write(one.path, one.after)

    def mutations(self) -> Iterator[Mutant]:
        """The mutants of the changed files, taken from all of them in turn."""
        made = [
            mutants.mutants(one.path, _text(one.before), _text(one.after), self.bench.mutants)
            for one in self.bench.change
            if one.path.endswith(".py") and one.after is not None
        ]
        each = max(1, self.bench.mutants // max(1, len(made)))
        yield from [mutant for of_file in made for mutant in of_file[:each]][: self.bench.mutants]


def _in(test: str, path: str) -> bool:
    """True if a test's id names the file. pytest's ids are relative to its root folder, which may be below ours."""
    file = test.partition("::")[0]
    return path == file or path.endswith(f"/{file}")


def _text(data: bytes | None) -> str:
    return (data or b"").decode("utf-8", "replace")
