"""Outcomes: pytest's results by test id, and the result of a run without pytest."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from agentmem.sandbox import Sandbox
from agentmem.team.outcomes import RESULTS, ObservedTests, environment, observe, parse, steady
from tests.team.works import PROGRAMS

MODULE = """
import pytest


class TestOuter:
    class TestInner:
        def test_deep(self):
            assert 1 == 2


@pytest.mark.parametrize("word", ["a::b", "c.d"])
def test_words(word):
    assert word == "c.d"


@pytest.mark.xfail
def test_excused():
    assert 0


@pytest.fixture
def broken():
    raise ValueError("no such thing")


def test_with_a_broken_fixture(broken):
    pass
"""


@pytest.fixture
def fork(tmp_path: Path) -> Iterator[Sandbox]:
    (tmp_path / "repo" / "api" / "tests").mkdir(parents=True)
    (tmp_path / "repo" / "api" / "tests" / "test_it.py").write_text(MODULE, encoding="utf-8")
    with Sandbox.fork(tmp_path / "repo") as opened:
        yield opened


def test_every_test_is_told_by_the_id_that_pytest_prints(fork: Sandbox) -> None:
    """Ids are pytest's, wherever it starts, also for nested classes, parameters and errors. The report is removed."""
    seen = observe(fork, "cd api && pytest -q", PROGRAMS)
    file = "tests/test_it.py"
    assert dict(seen.outcomes) == {
        f"{file}::TestOuter::TestInner::test_deep": "failed",
        f"{file}::test_words[a::b]": "failed",
        f"{file}::test_words[c.d]": "passed",
        f"{file}::test_excused": "skipped",
        f"{file}::test_with_a_broken_fixture": "error",
    }
    assert (seen.exit_code, seen.succeeded, len(seen.faults)) == (1, False, 3)
    assert seen.faults[0] == f"{file}::TestOuter::TestInner::test_deep: assert 1 == 2"
    assert not fork.diff(ignored=True)


def test_a_module_that_cannot_be_collected_is_an_error_of_its_own(fork: Sandbox) -> None:
    """A module that cannot be collected is named by its file, with the last line of the traceback."""
    fork.write("api/tests/test_it.py", b"import nowhere_to_be_found\n")
    [case] = observe(fork, "cd api && pytest -q", PROGRAMS).cases or ()
    assert (case.id, case.outcome) == ("tests/test_it.py", "error")
    assert "No module named 'nowhere_to_be_found'" in case.message


def test_a_command_without_pytest_has_its_code_and_last_lines(fork: Sandbox) -> None:
    """Without pytest there is an exit code and the last lines. A missing program is a failure too."""
    seen = observe(fork, "echo first; echo it took 3.2s; exit 4", PROGRAMS)
    assert (seen.cases, seen.exit_code) == (None, 4)
    assert seen.faults == ("`echo first; echo it took 3.2s; exit 4` ended with 4: first / it took some time",)
    assert observe(fork, "true", PROGRAMS).faults == ()
    assert observe(fork, "no-such-program", PROGRAMS).exit_code == 127


def test_a_command_that_hangs_has_no_success(fork: Sandbox) -> None:
    """A command that hangs is ended at its timeout, and has not succeeded."""
    seen = observe(fork, "sleep 60", PROGRAMS, timeout=0.2)
    assert seen.timed_out and not seen.succeeded


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("== 3 passed in 0.12s ==", "== 3 passed in some time =="),
        ("==== 3 passed in 12.1s ======", "-- 3 passed in some time --"),
        ("assert 1 == 2", "assert 1 == 2"),
        ("<Cart at 0x7f01aa>", "<Cart at 0x0>"),
        ("/tmp/x9/repo/calc.py:3: in add", "/calc.py:3: in add"),
    ],
)
def test_a_steady_line_keeps_what_counts(line: str, expected: str) -> None:
    """A steady line keeps numbers, but not times, addresses, folders and rules."""
    assert steady(line) == expected


def test_what_is_no_report_is_none() -> None:
    """If the code under test writes over the report, it gains nothing."""
    assert parse(b"all passed") is None
    assert ObservedTests("x", 0, "").cases is None


UNREADABLE = {
    "a folder": f"mkdir -p {RESULTS}/a",
    "a folder that nobody may open": f"mkdir {RESULTS}; chmod 000 {RESULTS}",
    "a pipe": f"mkfifo {RESULTS}",
    "a link out": f"ln -s /etc/passwd {RESULTS}",
    "a link to itself": f"ln -s {RESULTS} {RESULTS}",
    "another encoding than it says": f'printf \'<?xml version="1.0" encoding="utf-16"?><a/>\' > {RESULTS}',
    "an encoding that is none": f'printf \'<?xml version="1.0" encoding="zlib"?><a/>\' > {RESULTS}',
    "a nought in it": f"printf '<a>\\000</a>' > {RESULTS}",
    "half a letter": f"printf '<testsuite><testcase name=\"&#xD800;\"/></testsuite>' > {RESULTS}",
    "a file of the machine": f'printf \'<!DOCTYPE a [<!ENTITY x SYSTEM "/bin/sh">]><testcase n="&x;"/>\' > {RESULTS}',
    "26 MB": f"head -c 26000000 /dev/zero > {RESULTS}",
    "many elements in each other": f"yes '<a>' | head -c 400000 > {RESULTS}",
}


@pytest.mark.parametrize("kind", UNREADABLE, ids=[one.replace(" ", "_") for one in UNREADABLE])
def test_any_report_that_cannot_be_read_says_so_and_is_gone(fork: Sandbox, kind: str) -> None:
    """Whatever lies in the report's place: no exception, no test, the reason, and nothing for the next run."""
    seen = observe(fork, UNREADABLE[kind], PROGRAMS)
    assert (seen.cases, bool(seen.unreadable), fork.exists(RESULTS)) == (None, True, False)
    assert observe(fork, "true", PROGRAMS).unreadable == ""


def test_entities_do_not_grow_without_bound() -> None:
    """A few letters that stand for gigabytes are no report."""
    named = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 12))
    assert parse(f'<!DOCTYPE a [<!ENTITY a0 "ha">{named}]><testcase name="&a11;"/>'.encode()) is None


def test_commands_see_no_key() -> None:
    """Of the user's environment commands get only PATH and language. This Python's programs come last."""
    seen = environment({"PATH": "/usr/bin", "LANG": "C.UTF-8", "HOME": "/root", "ANTHROPIC_API_KEY": "sk"})
    assert seen.keys() == {"PATH", "LANG"}
    assert seen["PATH"].startswith("/usr/bin:")
