"""Tests that take too long apart from the code: each ends by itself, and the others of its file are judged."""

from pathlib import Path

from agentmem.team.proof.apart import ApartRun, SeenTest
from agentmem.team.proof.proving import too_late
from agentmem.team.proof.verdict import judged
from tests.team.proof.works import apart, verdicts

CODE = """
import time


class Endless:
    __array_priority__ = 1000

    def __array_ufunc__(self, *given, **named):
        return True

    def __array_function__(self, *given, **named):
        return True

    def __len__(self):
        return 2

    def __getitem__(self, number):
        return 0.0


def slow():
    time.sleep(60)


def fee(minutes):
    return 2
"""
TESTS = """
import signal
import time

import numpy as np
import pytest

import works


def test_numpy():
    assert np.allclose(works.Endless(), [7, 8])


def test_honest():
    assert works.fee(30) == 2


@pytest.fixture
def alarmed():
    rung = []
    before = signal.signal(signal.SIGALRM, lambda number, frame: rung.append(number))
    signal.setitimer(signal.ITIMER_REAL, 0.05)
    yield rung
    signal.signal(signal.SIGALRM, before)


def test_its_own_alarm(alarmed):
    while not alarmed:
        time.sleep(0.01)
    assert works.fee(30) == 2
"""
SLOW = """
import works


def test_before():
    assert works.fee(30) == 2


def test_slow():
    assert works.slow() is None


def test_after():
    assert works.fee(30) == 2
"""
FIXED = """
import pytest

import works


@pytest.fixture
def waits():
    for one in works.Endless():
        pass


def test_fixture(waits):
    assert works.fee(30) == 2


def test_wrong():
    assert works.fee(30) == 3


def test_right():
    assert works.fee(30) == 2
"""


def test_a_test_that_never_ends_leaves_the_others_of_its_file(tmp_path: Path) -> None:
    """It is unproven for its time, or fails where one call is too late; what comes behind it is run all the same."""
    files = {"tests/test_a.py": SLOW, "tests/test_b.py": FIXED, "tests/test_c.py": TESTS}
    run = apart(tmp_path, {"works.py": CODE}, files, calls=2.0)
    found = verdicts(run)
    assert run.ended
    assert [found[name] for name in ("test_before", "test_slow", "test_after")] == ["proven", "failed", "proven"]
    assert [found[name] for name in ("test_fixture", "test_wrong")] == ["unproven late", "failed"]
    assert found["test_its_own_alarm"] == "proven"
    assert [found[name] for name in ("test_right", "test_numpy", "test_honest")] == [
        "proven",
        "unproven late",
        "proven",
    ]


def test_what_was_too_late_once_is_not_waited_for_again(tmp_path: Path) -> None:
    """A run without the tests that took too long in the one before has all the others."""
    files = {"tests/test_a.py": SLOW}
    first = ApartRun(
        {"tests/test_a.py::test_slow": SeenTest("test_slow", "failed", {"late": "more than 2 seconds"})}, True
    )
    again = apart(tmp_path, {"works.py": CODE}, files, without=sorted(too_late(first)))
    assert again.ended and verdicts(again) == {"test_before": "proven", "test_after": "proven"}


def test_no_reason_is_empty() -> None:
    """Of a test that was not heard of it is said why, as far as that is known."""
    for run, said in (
        (ApartRun({}, False, "\n[ended because of time]"), "the tests took too long"),
        (ApartRun({}, True), "the process of its file ended before it"),
    ):
        (test,) = judged(run, run, {"tests/test_a.py::test_it": "passed"}, {}, frozenset())
        assert (test.verdict, test.about) == ("unproven", said)
        assert test.why.endswith(said)
