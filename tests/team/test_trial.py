"""Trials: each command of the tester's runs again in a fork of its own, and may write where the tests are only."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from agentmem.sandbox import FileChange, Sandbox
from agentmem.team.rights import TESTS
from agentmem.team.trial import Bench, Trial
from tests.team.works import PROGRAMS

OLD, NEW = b"def add(a, b):\n    return a - b\n", b"def add(a, b):\n    return a + b\n"
TEST = b"from calc import add\n\n\ndef test_sum():\n    assert add(2, 1) == 3\n"
CHECK = "PYTHONPATH=. pytest -q tests"


@pytest.fixture
def trial(tmp_path: Path) -> Iterator[Trial]:
    (tmp_path / "repo").mkdir()
    (tmp_path / "repo" / "calc.py").write_bytes(OLD)
    with Sandbox.fork(tmp_path / "repo") as base, base.fork_again() as fix:
        fix.write("calc.py", NEW)
        change = (FileChange("calc.py", "modified", False, OLD, NEW),)
        tests = [FileChange("tests/test_sum.py", "added", False, None, TEST)]
        yield Trial(Bench(base, fix, change, PROGRAMS, places=TESTS), tests)


def test_a_command_meets_nothing_of_the_one_before(trial: Trial) -> None:
    """A command can write neither the code nor, for the next one, the tests; and a merge never sees any of it."""
    wrote = trial.again("echo 'def add(a, b): return 0' > calc.py; echo gone > tests/test_sum.py; echo x > tests/x")
    assert wrote.restored == ("calc.py",) or wrote.exit_code != 0
    assert trial.again("cat calc.py").output == NEW.decode()
    assert trial.again("cat tests/test_sum.py").output == TEST.decode()
    assert trial.again("ls tests/x").exit_code != 0
    assert trial.bench.fix.read("calc.py") == NEW
    assert not trial.bench.fix.exists("tests/x")


def test_a_command_runs_once_on_each_state(trial: Trial) -> None:
    """The tests pass with the change and fail without it, and what was run once is not run again."""
    assert dict(trial.again(CHECK).outcomes) == {"tests/test_sum.py::test_sum": "passed"}
    assert dict(trial.unfixed(CHECK).outcomes) == {"tests/test_sum.py::test_sum": "failed"}
    assert trial.again(CHECK) is trial.again(CHECK)


def test_mutants_are_noticed_one_after_the_other(trial: Trial) -> None:
    """The tester's tests notice a mutant of the changed line; tests that ask for nothing notice none."""
    assert trial.kills([CHECK])
    assert len(trial.killed) == 1
    idle = Trial(trial.bench, [FileChange("tests/test_a.py", "added", False, None, b"def test_a():\n    pass\n")])
    assert not idle.kills([CHECK])
    assert idle.survived
