"""agentmem.team.proof.lending: what the code may use of the tests, and what would show it the tests."""

from pathlib import Path

from tests.team.proof.works import apart, verdicts

CODE = """
import gc


def calls(function, *given):
    return function(*given)


def frame(values):
    for one in gc.get_objects():
        if type(one).__name__ == "Subject":
            found = one.ask(values._agentmem_number, "get", "gi_frame")
            return one.ask(found._agentmem_number, "get", "f_locals")["wanted"]
    return None


def partly(maker):
    return maker(1)
"""
TESTS = """
import functools
import importlib
import operator
import subprocess
from unittest import mock

from works import calls, frame, partly


def double(one):
    return 2 * one


def numbers(wanted):
    yield wanted


def test_its_own():
    assert calls(double, 2) == 4
    assert calls(functools.partial(double, 3)) == 6


def test_harmless(capsys):
    calls(print, "said")
    assert capsys.readouterr().out == "said\\n"
    assert calls(operator.add, 1, 2) == 3


def test_a_method_of_a_container():
    kept = []
    calls(kept.append, 1)
    assert kept == [1]


def test_a_mock():
    noted = mock.Mock(return_value=5)
    assert calls(noted, 1) == 5


def test_opener():
    assert calls(open, __file__) is None


def test_runner():
    assert calls(subprocess.run, ["true"]) is None


def test_importer():
    assert calls(importlib.import_module, "os") is None


def test_partial_of_an_opener():
    assert calls(functools.partial(open, __file__)) is None


def test_frame():
    assert frame(numbers(7)) == 7
"""


def test_what_may_be_used_of_the_tests(tmp_path: Path) -> None:
    """Functions of the tests and harmless ones are lent; none that opens, runs or imports, and no frame of a test."""
    found = verdicts(apart(tmp_path, {"works.py": CODE}, {"tests/test_a.py": TESTS}))
    kept = {"test_opener", "test_runner", "test_importer", "test_partial_of_an_opener", "test_frame"}
    assert found == {name: "unproven object" if name in kept else "proven" for name in found}
    assert len(found) == TESTS.count("def test_")
