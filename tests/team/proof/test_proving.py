"""Proving a change: which runs it needs, and what each of them takes out."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from agentmem.sandbox import FileChange, Sandbox
from agentmem.team.forks import PACKAGE
from agentmem.team.mutants import Mutant
from agentmem.team.proof.apart import ApartRun, SeenTest
from agentmem.team.proof.proving import Case, prove, taken_out
from agentmem.team.proof.verdict import Proof, ProofOfTest
from agentmem.team.rights import TESTS
from tests.team.proof.works import ENVIRONMENT, written

OLD = "def fee(minutes):\n    return 2\n"
NEW = "def fee(minutes):\n    free = 30\n    if minutes <= free:\n        return 0\n    return 2\n"
HONEST = "from parking import fee\n\n\ndef test_it():\n    assert fee(30) == 0\n    assert fee(31) == 2\n"
FILE = "tests/test_fee.py"

ORDER = """from parking import fee

seen = []

def test_a():
    seen.append(1)
    assert fee(31) == 2

def test_b():
    assert seen and fee(30) == 0
"""
OWN_TEXT = NEW + (
    "\n\nimport pathlib\n\n"
    "if 'fre' + 'e = 30' not in pathlib.Path(__file__).read_text():\n    fee = lambda minutes: 2\n"
)


def proof(folder: Path, new: str, tests: str, **more: object) -> Proof:
    """The verdict on a change of parking.py from OLD, by tests that pass with it in one process and fail without."""
    names = [f"{FILE}::{line[4:].partition('(')[0]}" for line in tests.splitlines() if line.startswith("def test_")]
    with Sandbox.fork(written(folder, {"parking.py": OLD}), readable=(PACKAGE,)) as base, base.fork_again() as fix:
        fix.write("parking.py", new.encode())
        return proved(base, fix, {FILE: tests}, names, **more)


def proved(base: Sandbox, fix: Sandbox, tests: Mapping[str, str], names: Sequence[str], **more: object) -> Proof:
    """The verdict on what differs in ``fix``, by tests that pass with it in one process and fail without."""
    case = Case(
        base=base,
        fix=fix,
        change=fix.diff().changes,
        tests=[FileChange(path, "added", False, None, text.encode()) for path, text in tests.items()],
        check="pytest -q",
        places=TESTS,
        environment=ENVIRONMENT,
        again=dict.fromkeys(names, "passed"),
        before=dict.fromkeys(names, "failed"),
        seconds=60.0,
        **more,  # type: ignore[arg-type]  # fields of Case
    )
    return prove(case)


def test_an_honest_change_is_proven_and_a_mutant_noticed(tmp_path: Path) -> None:
    """The tests are proven in every run, and notice the first mutant; the page lists what is answered otherwise."""
    mutant = Mutant("parking.py", 3, "swapped operator", NEW.replace("<=", "<"))
    found = proof(tmp_path, NEW, HONEST, mutants=(mutant,))
    assert (found.verdict, found.mutants) == ("proven", (1, 1))
    assert [(one.call, one.before, one.after) for one in found.differences] == [("parking.fee(30)", "2", "0")]


def test_a_change_whose_mutants_nobody_notices_is_not_proven(tmp_path: Path) -> None:
    """Tests that hold for every mutant say too little."""
    mutant = Mutant("parking.py", 5, "same", NEW + "\n")
    found = proof(tmp_path, NEW, HONEST, mutants=(mutant,))
    assert found.verdict == "unproven" and "none of 1 mutants" in found.why


@pytest.mark.parametrize(
    ("new", "tests", "reason"), [(NEW, ORDER, "order"), (OWN_TEXT, HONEST, "wording")], ids=["order", "wording"]
)
def test_what_only_one_run_shows_is_unproven(tmp_path: Path, new: str, tests: str, reason: str) -> None:
    """A test that needs the one before it, and code that looks at its own text, do not come through the other runs."""
    found = proof(tmp_path, new, tests)
    assert found.verdict == "unproven"
    assert reason in {one.reason for one in found.tests}
    assert "AssertionError" in found.why  # what failed there


REMEMBERS = """import os, pathlib

SEEN = pathlib.Path("/dev/shm/seen")

def parse(text):
    with SEEN.open("a") as file:
        file.write(text + chr(10))
    name, number = text.split(": ")
    return {"name": name, "number": int(number)}

def render(row):
    seen = SEEN.read_text().splitlines() if SEEN.exists() else []
    return next((one for one in seen if one.startswith(row["name"])), "?")
"""


def test_what_code_remembers_of_another_file_of_tests_is_not_proven(tmp_path: Path) -> None:
    """One file gives away what the next expects: in the opposite order of files it does not yet."""
    old = "def parse(text):\n    return None\n\n\ndef render(row):\n    return ''\n"
    row = '{"name": "total", "number": 7}'
    tests = {
        "tests/test_a.py": f"from shop import parse\n\n\ndef test_parse():\n    assert parse('total: 7') == {row}\n",
        "tests/test_b.py": f"from shop import render\n\n\ndef test_render():\n    assert render({row}) == 'total: 7'\n",
    }
    with Sandbox.fork(written(tmp_path, {"shop.py": old}), readable=(PACKAGE,)) as base, base.fork_again() as fix:
        fix.write("shop.py", REMEMBERS.encode())
        found = proved(base, fix, tests, ["tests/test_a.py::test_parse", "tests/test_b.py::test_render"])
    assert found.verdict == "unproven"
    assert {one.id: one.reason for one in found.tests}["tests/test_b.py::test_render"] == "order"


def test_a_test_that_fails_on_the_old_code_by_chance_is_taken_out() -> None:
    """The old code is run a second time: what fails on it in one run only does not tell it from the new."""
    tests = [ProofOfTest(one, "proven", own=True, before="failed") for one in ("always", "at times")]
    old = ApartRun({"always": SeenTest("always", "failed"), "at times": SeenTest("at times", "passed")}, True)
    assert taken_out("chance", tests, old) == ["at times"]
    assert taken_out("order", tests, old) == ["always"]


def test_a_check_that_is_no_pytest_is_re_run(tmp_path: Path) -> None:
    """Without outcomes of single tests nothing is proven."""
    with Sandbox.fork(written(tmp_path, {"a.py": ""})) as fork:
        case = Case(fork, fork, (), (), "true", TESTS, ENVIRONMENT, None, None)
        assert prove(case).verdict == "re-run"


def test_a_package_may_become_a_module(tmp_path: Path) -> None:
    """What a change takes away is not back in the run with the change in other words, where it would hide the new."""
    package = {"parking/__init__.py": OLD, "parking/free.py": ""}
    with Sandbox.fork(written(tmp_path, package), readable=(PACKAGE,)) as base, base.fork_again() as fix:
        for path in package:
            fix.delete(path)
        fix.write("parking.py", NEW.encode())
        found = proved(base, fix, {FILE: HONEST}, [f"{FILE}::test_it"])
    assert (found.verdict, found.why) == ("proven", found.why)


def test_a_helper_beside_the_tests_is_theirs_whatever_the_project_has_of_its_name(tmp_path: Path) -> None:
    """pytest finds it first; the code's own of that name would say what the test expects."""
    old = {"shop.py": "def fee(n):\n    return 0\n", "examples/demo.py": "import shop\n", "cases.py": "WANT = {3: 0}\n"}
    new = {
        "shop.py": "def fee(n):\n    from cases import WANT\n\n    return WANT[n]\n",
        "examples/__init__.py": "CASES = [(3, 2)]\n",
        "cases.py": "WANT = {3: 2}\n",
    }
    tests = {
        "tests/examples.py": "CASES = [(3, 7)]\n",
        "tests/cases.py": "WANT = {3: 7}\n",
        "tests/test_a.py": (
            "import shop\nfrom cases import WANT\nfrom examples import CASES\n\n\n"
            "def test_named():\n    assert shop.fee(3) == WANT[3]\n\n\n"
            "def test_listed():\n    assert [(n, shop.fee(n)) for n, _ in CASES] == CASES\n"
        ),
    }
    names = ["tests/test_a.py::test_named", "tests/test_a.py::test_listed"]
    with Sandbox.fork(written(tmp_path, old), readable=(PACKAGE,)) as base, base.fork_again() as fix:
        for path, text in new.items():
            fix.write(path, text.encode())
        found = proved(base, fix, tests, names)
    assert {one.id: one.verdict for one in found.tests if one.own} == dict.fromkeys(names, "failed")
