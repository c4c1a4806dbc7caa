"""Tests that take too long apart from the code: each ends by itself, and the others of its file are judged."""

import time
from pathlib import Path

from agentmem.team.proof.apart import ApartRun
from agentmem.team.proof.verdict import judged
from tests.team.proof.works import apart, verdicts

CODE = """
import time

import numpy as np


class Endless:
    shape, dtype, ndim, size = (2,), np.dtype(float), 1, 2
    __array_priority__ = 1000

    def __array__(self, *given, **named):
        return np.array([1.0])

    def __array_ufunc__(self, *given, **named):
        return np.zeros(2)

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
import numpy as np
import pytest

import works


@pytest.fixture
def waits():
    for one in works.Endless():
        pass


def test_numpy():
    assert np.allclose(works.Endless(), [7, 8])


def test_loop():
    assert 7.0 not in list(works.Endless())


def test_swallows():
    while True:
        try:
            works.fee(1)
        except BaseException:
            if works.fee(2) == 3:
                break


def test_honest():
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
    began = time.monotonic()
    files = {"tests/test_a.py": SLOW, "tests/test_b.py": FIXED, "tests/test_c.py": TESTS}
    run = apart(tmp_path, {"works.py": CODE}, files, calls=0.8)
    found = verdicts(run)
    assert run.ended and time.monotonic() - began < 55
    assert [found[name] for name in ("test_before", "test_slow", "test_after")] == ["proven", "failed", "proven"]
    assert [found[name] for name in ("test_fixture", "test_wrong")] == ["unproven late", "failed"]
    assert found["test_right"] == "proven" and found["test_numpy"] == "unproven late"
    assert "proven" not in {found[name] for name in ("test_loop", "test_swallows") if name in found}


def test_no_reason_is_empty() -> None:
    """Of a test that was not heard of it is said why, as far as that is known."""
    for run, said in (
        (ApartRun({}, False, "\n[ended because of time]"), "the tests took too long"),
        (ApartRun({}, True), "the process of its file ended before it"),
    ):
        (test,) = judged(run, run, {"tests/test_a.py::test_it": "passed"}, {}, frozenset())
        assert (test.verdict, test.about) == ("unproven", said)
        assert test.why.endswith(said)
