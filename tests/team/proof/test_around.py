"""agentmem.team.proof.around: what a test changes around the code."""

import io
import os
import sys
from pathlib import Path

import pytest

from agentmem.team.proof.around import Around
from agentmem.team.proof.reasons import Marks


def test_what_has_changed_is_told_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Variables that are set or gone, the folder and the arguments: each is told, and nothing where nothing changed."""
    monkeypatch.setenv("AROUND_KEPT", "1")
    monkeypatch.setenv("AROUND_GONE", "1")
    marks = Marks()
    around = Around(marks)
    assert (around.changed(), marks.moved) == (None, False)
    monkeypatch.setenv("AROUND_KEPT", "2")
    monkeypatch.delenv("AROUND_GONE")
    assert around.changed() == [{"AROUND_KEPT": "2"}, ["AROUND_GONE"], None, None]
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["fee", "30"])
    assert around.changed() == [{}, [], str(tmp_path), ["fee", "30"]]
    assert (around.changed(), marks.moved) == (None, True)


def test_pytests_own_variables_are_not_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """The name of the test that runs is no business of the code's."""
    around = Around(Marks())
    monkeypatch.setenv("PYTEST_CURRENT_TEST", "tests/test_a.py::test_fee[30]")
    assert around.changed() is None


def test_an_environment_of_another_kind_is_read_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    """A test may put a dict in its place."""
    around = Around(Marks())
    monkeypatch.setattr(os, "environ", {**os.environ, "AROUND_NEW": "1"})
    assert around.changed() == [{"AROUND_NEW": "1"}, [], None, None]
    assert around.changed() is None


def test_what_stands_in_the_place_of_stdin_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """A text in memory, as far as it is not read, and once; None for what is none, and when it is pytest's again."""
    marks, before = Marks(), sys.stdin
    around = Around(marks)
    read = io.StringIO("a b\nc")
    read.readline()
    cases = (
        (read, "c"),
        (io.TextIOWrapper(io.BytesIO(b"\xc3\xa9")), "\xe9"),
        (io.BytesIO(b"\xff"), "\udcff"),
        (7, None),
    )
    for given, wanted in cases:
        monkeypatch.setattr(sys, "stdin", given)
        assert around.changed() == [{}, [], None, None, wanted]
        assert around.changed() is None
    monkeypatch.setattr(sys, "stdin", before)
    assert around.changed() is None  # that was told with what is none
    assert list(marks.doubts) == ["unknown"]
