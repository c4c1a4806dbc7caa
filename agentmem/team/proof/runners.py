"""The classes of pytest and unittest that run tests: whether they are still what they were.

The judge runs it by itself, without the rest of agentmem.
"""

import unittest
from typing import Any

import pytest

_RUNNERS: tuple[type, ...] = (
    *(pytest.Function, pytest.Item, pytest.Module, pytest.Class, pytest.CallInfo, pytest.TestReport),
    *(unittest.TestCase, unittest.TestResult, unittest.TestSuite),
)
"""What runs tests, and hears of their failures."""


class Runners:
    """What these classes are made of when it is made."""

    def __init__(self) -> None:
        self._made, self._held = _made(), _held()

    def are_changed(self) -> bool:
        """True if one of their functions is another one now, or is new or gone; plain values do not count."""
        if (held := _held()) == self._held:
            return False
        if _made() != self._made:
            return True
        self._held = held
        return False


def _held() -> list[list[int]]:
    """All that they hold: quick, for it is asked after each test."""
    return [[*map(id, vars(kind).values())] for kind in _RUNNERS]


def _made() -> list[dict[str, Any]]:
    return [{name: id(one) for name, one in vars(kind).items() if hasattr(one, "__get__")} for kind in _RUNNERS]
