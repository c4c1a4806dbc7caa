"""What the subject tells of the code besides its answers."""

import logging
from pathlib import Path
from typing import Any

import pytest

from agentmem.team.proof.heard import HeardOfCode, Noting


def _heard() -> HeardOfCode:
    return HeardOfCode(lambda kind: kind.__name__)


def test_output_is_taken_once() -> None:
    """What was printed comes with the next answer, and not again."""
    heard = _heard()
    heard.out.write("a")
    heard.err.write("b")
    assert heard.taken() == ["a", "b", []]
    assert heard.taken() is None


def test_warnings_and_records_are_noted() -> None:
    """A warning comes with its class, a record of the log with its logger, level and text."""
    heard = _heard()
    heard.warned("old", DeprecationWarning)
    Noting(heard).emit(logging.LogRecord("shop", logging.INFO, "", 0, "%d sold", (3,), None))
    taken: Any = heard.taken()
    assert taken[2] == [["warning", "DeprecationWarning", "old"], ["log", "shop", logging.INFO, "3 sold", False]]


def test_no_more_records_are_kept_than_an_answer_can_hold() -> None:
    """A flood of records ends at a bound."""
    heard = _heard()
    for _ in range(5000):
        heard.logged(logging.LogRecord("shop", logging.INFO, "", 0, "sold", (), None))
    taken: Any = heard.taken()
    assert len(taken[2]) < 5000


def test_changed_surroundings_are_noted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Another current folder and another environment are told of once."""
    heard = _heard()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("A_NAME_OF_THIS_TEST", "1")
    assert heard.taken() == ["", "", [["changed", "folder"], ["changed", "environment"]]]
    assert heard.taken() is None
