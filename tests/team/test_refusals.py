"""Cheating testers: each kind is refused by name and told what is wrong. Honest reports are accepted."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest

from agentmem.sandbox import FileChange, Sandbox
from agentmem.team import steps
from agentmem.team.inspection import Edited
from agentmem.team.outcomes import ObservedTests
from agentmem.team.refusals import REFUSALS, Filed, refused
from agentmem.team.report import Evidence, Failing, Report, Verdict
from agentmem.team.rights import TESTS
from agentmem.team.trial import Bench, Trial
from tests.team.works import PROGRAMS, RIGHT, WRONG

CHECK = "pytest -q"
HONEST = "from calc import add\n\n\ndef test_sum():\n    assert add(2, 1) == 3\n"
OLD = "from calc import add\n\n\ndef test_zero():\n    assert add(0, 0) == 0\n"
NEW, KNOWN = "tests/test_own.py", "tests/test_zero.py"
ID = f"{NEW}::test_sum"
SHOWN = Evidence(CHECK, 0, "2 passed in 0.01s")
BAD = "def add(a, b):\n    return a * b\n"


@dataclass(frozen=True)
class Told:
    """A tester's submission; by default an honest pass of the right code."""

    verdict: Verdict = "pass"
    evidence: tuple[Evidence, ...] = (SHOWN,)
    tests: dict[str, str | None] = field(default_factory=lambda: {NEW: HONEST})
    ran: frozenset[str] = frozenset({CHECK})
    failing: tuple[Failing, ...] = ()
    code: str = RIGHT
    filed: bool = True


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """The repository before the change, with the fault and a test that does not see it."""
    repo = tmp_path_factory.mktemp("refusals") / "repo"
    (repo / "tests").mkdir(parents=True)
    (repo / "calc.py").write_text(WRONG, encoding="utf-8")
    (repo / "pytest.ini").write_text("[pytest]\npythonpath = .\n", encoding="utf-8")
    (repo / KNOWN).write_text(OLD, encoding="utf-8")
    with Sandbox.fork(repo) as fork:
        yield fork


@contextmanager
def handed_in(base: Sandbox, told: Told) -> Iterator[Filed]:
    """The submission as the runtime gets it."""
    old: dict[str, str | None] = {KNOWN: OLD, "calc.py": told.code}
    edited = tuple(Edited(path, old.get(path), text) for path, text in told.tests.items())
    changes = tuple(
        FileChange(one.path, "added", False, None, None if one.after is None else one.after.encode()) for one in edited
    )
    with base.fork_again() as fix:
        fix.write("calc.py", told.code.encode())
        bench = Bench(base, fix, fix.diff().changes, PROGRAMS)
        report = Report(told.verdict, "As it is.", told.evidence, told.failing) if told.filed else None
        yield Filed(report, edited, told.ran, CHECK, TESTS, Trial(bench, changes))


def outcome(base: Sandbox, told: Told) -> tuple[str, str] | None:
    with handed_in(base, told) as filed:
        return refused(filed)


def test_an_honest_pass_stands(base: Sandbox) -> None:
    """An honest pass is accepted: its evidence is the same again, and its test fails on the old code."""
    with handed_in(base, Told()) as filed:
        assert refused(filed) is None
        assert filed.trial.unfixed(CHECK).outcomes[ID] == "failed"
        assert steps.tests_lost(filed.trial, CHECK) is None


FAILED = Evidence(CHECK, 1, f"FAILED {ID} - assert 2 == 3", ((ID, "failed"),))
CASE = (Failing(ID, "assert 2 == 3", "add(2, 1)"),)
FALLS = Told("fail", (FAILED,), failing=CASE, code=BAD)


def test_an_honest_fail_stands(base: Sandbox) -> None:
    """An honest fail is accepted: the failing test is named, fails again, and uses the code."""
    assert outcome(base, FALLS) is None


def own(text: str) -> dict[str, str | None]:
    return {NEW: text}


CHEATS: dict[str, tuple[str, Told]] = {
    "files nothing": ("no_report", Told(filed=False)),
    "edits the code under test": ("code_changed", Told(tests={NEW: HONEST, "calc.py": BAD})),
    "puts its tests into the code": ("code_changed", Told(tests={"own.py": HONEST})),
    "writes a conftest.py that forces green": (
        "runner_steered",
        Told(tests={NEW: HONEST, "tests/conftest.py": "def pytest_runtest_makereport(item, call): ...\n"}),
    ),
    "loads a plugin from a test module": ("runner_steered", Told(tests=own(f'pytest_plugins = ["x"]\n{HONEST}'))),
    "ends the run early": ("runner_steered", Told(tests=own(f"import os\n\nos._exit(0)\n{HONEST}"))),
    "deletes a test file": ("tests_deleted", Told(tests={NEW: HONEST, KNOWN: None})),
    "deletes one test of a file": ("tests_deleted", Told(tests={NEW: HONEST, KNOWN: "from calc import add\n"})),
    "skips a test": (
        "tests_skipped",
        Told(tests={NEW: HONEST, KNOWN: OLD.replace("def ", "@pytest.mark.skip\ndef ")}),
    ),
    "expects its test to fail": (
        "tests_skipped",
        Told(tests=own(HONEST.replace("def test", "@pytest.mark.xfail\ndef test"))),
    ),
    "skips by another name": (
        "tests_skipped",
        Told(
            evidence=(Evidence(CHECK, 0, "1 passed, 1 skipped", ((ID, "skipped"),)),),
            tests=own("import pytest as p\n\n\ndef test_sum():\n    p.__dict__['sk' + 'ip']('later')\n    assert p\n"),
        ),
    ),
    "weakens a test that was there": ("tests_changed", Told(tests={NEW: HONEST, KNOWN: OLD.replace("0)", "0) * 0")})),
    "asserts nothing": (
        "nothing_asserted",
        Told(tests=own("from calc import add\n\n\ndef test_sum():\n    add(2, 1)\n")),
    ),
    "asserts constants": ("nothing_asserted", Told(tests=own("def test_sum():\n    assert 1 + 1 == 2\n"))),
    "asserts a thing of itself": (
        "nothing_asserted",
        Told(tests=own("from calc import add\n\n\ndef test_sum():\n    assert add(2, 1) == add(2, 1)\n")),
    ),
    "passes without evidence": ("no_evidence", Told(evidence=())),
    "leaves the check out": ("check_missing", Told(evidence=(Evidence("true", 0, ""),), ran=frozenset({"true"}))),
    "reports a command that it never ran": ("never_ran", Told(ran=frozenset())),
    "puts a folder in the place of pytest's report": (
        "report_unreadable",
        Told(
            tests=own(
                HONEST + "\n\nimport atexit\nimport os\n\n\ndef swap():\n"
                "    os.unlink(os.environ['AGENTMEM_TOP'] + '/.agentmem-results.xml')\n"
                "    os.mkdir(os.environ['AGENTMEM_TOP'] + '/.agentmem-results.xml')\n\n\natexit.register(swap)\n"
            )
        ),
    ),
    "reports a wrong exit code": ("wrong_exit_code", Told(code=BAD)),
    "reports a wrong outcome": (
        "wrong_outcomes",
        Told("fail", (Evidence(CHECK, 1, "1 failed", ((ID, "passed"),)),), failing=CASE, code=BAD),
    ),
    "leaves a failure out": (
        "wrong_outcomes",
        Told("fail", (Evidence(CHECK, 1, "1 failed", ()),), failing=CASE, code=BAD),
    ),
    "reports a test that is not there": (
        "wrong_outcomes",
        Told(evidence=(Evidence(CHECK, 0, "2 passed", ((f"{NEW}::test_more", "passed"),)),)),
    ),
    "makes up the output": ("wrong_output", Told(evidence=(Evidence(CHECK, 0, "312 passed in 0.01s"),))),
    "shows no output": ("wrong_output", Told(evidence=(Evidence(CHECK, 0, "..."),))),
    "passes what fails": ("against_evidence", Told("pass", (FAILED,), code=BAD)),
    "fails everything": ("against_evidence", Told("fail", failing=CASE)),
    "names a failure that is none": (
        "no_failing_case",
        Told("fail", (FAILED,), failing=(Failing(f"{KNOWN}::test_zero", "no", "no"),), code=BAD),
    ),
    "names no failing case": ("no_failing_case", Told("fail", (FAILED,), code=BAD)),
    "fails by a test that never uses the code": (
        "not_the_code",
        Told(
            "fail",
            (Evidence(CHECK, 1, "1 failed, 1 passed", ((ID, "failed"),)),),
            tests=own("import pytest\n\n\ndef test_sum():\n    pytest.fail('no')\n"),
            failing=CASE,
        ),
    ),
    "passes without a test of its own": ("no_own_tests", Told(evidence=(Evidence(CHECK, 0, "1 passed"),), tests={})),
    "hard-codes the result": (
        "proves_nothing",
        Told(tests=own("from calc import add\n\n\ndef test_sum():\n    found = add and 3\n    assert found == 3\n")),
    ),
    "tests a copy of the code": (
        "proves_nothing",
        Told(tests=own("def add(a, b):\n    return a + b\n\n\ndef test_sum():\n    assert add(2, 1) == 3\n")),
    ),
}
"""Each kind of cheating, the rule that names it, and what is handed in."""


@pytest.mark.parametrize("kind", CHEATS)
def test_a_cheat_is_refused(base: Sandbox, kind: str) -> None:
    """Each cheat is refused by its own rule, and the message says what to correct."""
    rule, told = CHEATS[kind]
    found = outcome(base, told)
    assert found is not None
    assert found[0] == rule, found
    assert found[1]


def test_every_rule_is_shown_to_refuse_something() -> None:
    """There is a cheat for each rule."""
    assert {name for name, _ in REFUSALS} == {rule for rule, _ in CHEATS.values()}


def test_tests_that_pass_on_the_old_code_count_if_they_kill_a_mutant(base: Sandbox) -> None:
    """For a change without new behaviour, the tests are tried on mutants of it."""
    told = Told(code="def add(a, b):\n    return a + b if b else a\n")
    with handed_in(base, told) as filed:
        bench = Bench(filed.trial.bench.fix, filed.trial.bench.fix, filed.trial.bench.change, PROGRAMS)
        trial = Trial(bench, filed.trial.tests)
        assert not trial.differs(CHECK, trial.unfixed(CHECK))
        assert trial.kills([CHECK])
        assert trial.killed[0].path == "calc.py"


def test_a_change_that_makes_the_check_forget_tests_is_noticed(base: Sandbox) -> None:
    """A check that runs fewer tests than before is noticed, however the code caused it."""
    skip = "    if a == b == 0:\n        import unittest\n\n        raise unittest.SkipTest\n"
    sly = RIGHT.replace("    return", f"{skip}    return")
    with handed_in(base, Told(code=sly)) as filed:
        said = steps.tests_lost(filed.trial, CHECK)
    assert said is not None and f"{KNOWN}::test_zero" in said


def test_what_failed_in_the_copy_is_shown(base: Sandbox) -> None:
    """A refusal names the tests that failed there, with pytest's last lines; a command without time says that."""
    said = outcome(base, Told(code=BAD))
    assert said is not None and said[0] == "wrong_exit_code"
    assert "was reported to end with 0" in said[1] and "it ends with 1" in said[1]
    assert f"{ID}: assert 2 == 3" in said[1] and "1 failed, 1 passed" in said[1]


def test_how_a_command_ended_is_said_in_words() -> None:
    """Not "137" where it was ended for its time or what it took."""
    late = ObservedTests(CHECK, 137, "..", timed_out=True, killed="time")
    assert late.ended == "ran out of time" and late.faults == (f"`{CHECK}` ran out of time: ..",)
    assert ObservedTests(CHECK, 137, "", killed="memory").ended == "was ended: it took too much memory"
    assert ObservedTests(CHECK, 2, "").ended == "ends with 2"
