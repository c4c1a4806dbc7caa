"""The roles' rights, by path."""

import pytest

from agentmem.team import rights
from agentmem.team.rights import LITTER, TESTS, matches, pytest_settings
from agentmem.team.roles import rights_of


@pytest.mark.parametrize(
    ("path", "tests", "steers", "litter"),
    [
        ("tests/test_a.py", True, False, False),
        ("tests/deep/er/data.json", True, False, False),
        ("src/test_a.py", True, False, False),
        ("src/a_test.go", True, False, False),
        ("src/latest.py", False, False, False),
        ("contests/a.py", False, False, False),
        ("conftest.py", False, True, False),
        ("tests/conftest.py", True, True, False),
        ("lib/x.pth", False, True, False),
        ("CONFTEST.py", False, True, False),
        ("a-1.DIST-INFO/entry_points.txt", False, True, False),
        ("a.egg-info/PKG-INFO", False, True, False),
        ("sitecustomize/__init__.py", False, True, False),
        ("UserCustomize.cpython-311-x86_64-linux-gnu.so", False, True, False),
        ("pytest/__init__.py", False, True, False),
        ("src/my_conftest.py", False, False, False),
        ("src/__pycache__/a.pyc", False, False, True),
        (".agentmem/agentmem.db", False, False, True),
    ],
)
def test_paths_are_told_apart(path: str, tests: bool, steers: bool, litter: bool) -> None:
    """`*` stays within a folder, and `**/` spans any folders."""
    assert (matches(path, TESTS), rights.steers(path), matches(path, LITTER)) == (tests, steers, litter)


def test_each_role_may_write_its_own() -> None:
    """The coder may write code, the tester new tests, and neither what steers pytest. A tester's runs keep nothing."""
    coder, tester = rights_of("coder", TESTS), rights_of("tester", TESTS)
    paths = ("calc.py", "tests/test_a.py", "tests/conftest.py", "pytest.ini")
    assert [coder.may(path, False) for path in paths] == [True, False, False, False]
    assert [tester.may(path, False) for path in paths] == [False, True, False, False]
    assert not tester.may("tests/test_a.py", True)
    assert (coder.writable, tester.writable) == (None, ())


def test_only_what_tells_pytest_counts_in_a_shared_file() -> None:
    """In a shared file the coder may change dependencies, but not pytest's options."""
    quiet, loud = '[project]\nname = "a"\n', '[tool.pytest.ini_options]\naddopts = "-k a"\n'
    assert pytest_settings("pyproject.toml", quiet) is None
    assert pytest_settings("pyproject.toml", loud) == {"ini_options": {"addopts": "-k a"}}
    assert pytest_settings("setup.cfg", "[tool:pytest]\naddopts = -x\n") == {"addopts": "-x"}
    assert pytest_settings("setup.cfg", "[metadata]\nname = a\n") is None
    assert pytest_settings("other.toml", loud) is None
    assert pytest_settings("pyproject.toml", "not toml") == "not toml"


@pytest.mark.parametrize(
    ("path", "check", "runs"),
    [
        ("check.py", "python check.py", True),
        ("scripts/CHECK.sh", "sh ./scripts/check.sh --fast", True),
        ("Makefile", "make test", True),
        ("gnumakefile", "cd api && make -s test", True),
        ("api/Makefile", "cd api && make test", True),
        ("package.json", "npm test", True),
        ("Makefile", "pytest -q", False),
        ("calc.py", "python check.py", False),
        ("src/check.py", "python check.py", False),
    ],
)
def test_what_the_check_runs_is_known_from_its_words(path: str, check: str, runs: bool) -> None:
    """The files among a check's words, and the files of runners such as make, say what the check does."""
    assert rights.runs_check(path, check) is runs
