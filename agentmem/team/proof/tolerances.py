"""Notices a tolerance of the code's that makes all values alike: what a test compares by it, the code would decide.

The judge runs it by itself, without the rest of agentmem.
"""

import cmath
import contextlib
import functools
import math
import sys
import unittest
from collections.abc import Callable, Sequence
from numbers import Number
from typing import Any

import pytest

from agentmem.team.proof.empties import Empties, put
from agentmem.team.proof.link import SubjectLink

_DEEP = 4  # containers in containers that are searched for a tolerance
_PART = 0.1
"""The part of what is expected, or of one, up to which a tolerance may be a number of the code's."""
_Measured = Callable[..., list[tuple[Any, Any]]]
"""Gives of a call the tolerances, each with what it is measured by: 1 for a share, else what is expected."""


def _of_close(one: Any, other: Any, *_: Any, rel_tol: Any = 0, abs_tol: Any = 0) -> list[tuple[Any, Any]]:
    return [(rel_tol, 1), (abs_tol, other), (abs_tol, one)]


def _of_approx(expected: Any, rel: Any = None, abs: Any = None, nan_ok: bool = False) -> list[tuple[Any, Any]]:
    return [(rel, 1), (abs, expected)]


def _of_case(_: Any, one: Any, other: Any, places: Any = None, msg: Any = None, delta: Any = None) -> Any:
    return [(delta, other), (delta, one), (_of_places(places), 1)]


def _of_places(places: Any) -> float | None:
    return None if not isinstance(places, int) or places >= 0 else math.inf


def _of_numpy(one: Any, other: Any, rtol: Any = 0, atol: Any = 0, *_: Any, **__: Any) -> list[tuple[Any, Any]]:
    return [(rtol, 1), (atol, other)]


_ASKED: tuple[tuple[str, str, _Measured], ...] = (
    ("math", "isclose", _of_close),
    ("cmath", "isclose", _of_close),
    ("pytest", "approx", _of_approx),
    ("numpy", "isclose", _of_numpy),
    ("numpy", "allclose", _of_numpy),
    ("numpy.testing", "assert_allclose", _of_numpy),
)
"""Functions that compare with a tolerance, by their modules."""
_OF_CASES = ("assertAlmostEqual", "assertNotAlmostEqual")


class Tolerances:
    """Hears of comparisons with a tolerance."""

    def __init__(self, link: SubjectLink) -> None:
        self.link = link
        self.heard: set[str] = set()
        self.loaded: list[Any] = []
        self.empties = Empties(link)

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """What the code gave while the file was loaded is the code's too."""
        self.loaded = list(self.link.heard)
        self.empties.load()

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        """Hear of those too whose module the test's file has loaded."""
        self.install()

    def install(self) -> None:
        """Hear of them from now on, where their modules are loaded."""
        for module, name, measured in _ASKED:
            if module in sys.modules and f"{module}.{name}" not in self.heard:
                self.heard.add(f"{module}.{name}")
                self._hear(sys.modules[module], name, measured)
        self.empties.install()
        for name in _OF_CASES:
            if name not in self.heard:
                self.heard.add(name)
                self._hear(unittest.TestCase, name, _of_case)

    def _hear(self, owner: Any, name: str, measured: _Measured) -> None:
        compare = getattr(owner, name)

        @functools.wraps(compare)
        def compared(*given: Any, **named: Any) -> Any:
            asked: list[tuple[Any, Any]] = []
            with contextlib.suppress(TypeError):  # which it will say itself
                asked = measured(*given, **named)
            self._look(name, asked)
            return compare(*given, **named)

        put(owner, name, compared, self.link.inside)

    def _look(self, name: str, asked: Sequence[tuple[Any, Any]]) -> None:
        if self.link.marks.calls or self.link.marks.wide:
            for tolerance, expected in asked:
                given = tolerance is not None and is_wide(tolerance, expected)
                if given and (is_all(tolerance) or self._is_of_code(tolerance)):
                    self.link.marks.mark("compares", f"{name} with a tolerance of {tolerance}")

    def _is_of_code(self, value: Any) -> bool:
        return any(_holds(one, value, 0) for one in (*self.loaded, *self.link.heard))


def _holds(given: Any, value: Any, depth: int) -> bool:
    """True for an answer that is this very number, or holds it. A whole number is told by what it is."""
    if given is value or (type(given) is type(value) is int and given == value):
        return True
    if depth > _DEEP or not isinstance(given, list | tuple | set | dict):
        return False
    return any(_holds(one, value, depth + 1) for one in (given.values() if isinstance(given, dict) else given))


def is_all(tolerance: Any) -> bool:
    try:
        return tolerance is not None and not cmath.isfinite(tolerance)
    except (TypeError, ValueError, OverflowError):
        return False


def is_wide(tolerance: Any, expected: Any) -> bool:
    try:
        return bool(abs(tolerance) > _PART * max(1.0, _largest(expected)))
    except (TypeError, ValueError, OverflowError):
        return True


def _largest(expected: Any) -> Any:
    """The largest number in what is expected."""
    if isinstance(expected, list | tuple | set | dict):
        every = expected.values() if isinstance(expected, dict) else expected
        return max(map(_largest, every), default=0)
    return abs(expected) if isinstance(expected, Number) else 0  # type: ignore[arg-type]  # as numbers have it
