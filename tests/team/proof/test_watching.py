"""agentmem.team.proof.watching: files that the code may have changed, and texts of the code that are run."""

from pathlib import Path

from tests.team.proof.works import apart, verdicts

CODE = """
import decimal
import pathlib
import pickle
import sqlite3


def name():
    return "tests/wanted.txt"


def expression():
    return "1 + 1"


def dumped():
    return pickle.dumps(decimal.Decimal(1))


def command():
    return "true"


def saves(path):
    path.write_text("7")


def empties(folder):
    for one in folder.iterdir():
        one.unlink()


def shortens(path):
    path.write_text("")


def fills(path):
    db = sqlite3.connect(str(path))
    db.execute("create table if not exists t (a)")
    db.execute("delete from t")
    db.commit()
    db.close()


def script(path):
    path.write_text("made = 1")
"""

TESTS = """
import ast
import os
import pathlib
import pickle
import runpy
import sqlite3
import subprocess

import pytest
from works import command, dumped, empties, expression, fills, name, saves, script, shortens

HERE = pathlib.Path(__file__).parent


@pytest.fixture(scope="module")
def early():
    return expression()


def test_opens_what_the_code_names():
    assert pathlib.Path(name()).read_text() == "wanted"


def test_opens_its_own():
    assert name().endswith((HERE / "other.txt").read_text())


def test_evaluates():
    assert eval(expression()) == 2


def test_evaluates_what_came_early(early):
    assert eval(early) == 2


def test_reads_a_value():
    assert ast.literal_eval(repr(expression())) == "1 + 1"


def test_unpickles():
    assert pickle.loads(dumped()) == 1


def test_runs_a_command():
    assert subprocess.run(command(), shell=True).returncode == 0


def test_runs_a_script(tmp_path):
    script(tmp_path / "a.py")
    assert runpy.run_path(str(tmp_path / "a.py"))["made"] == 1


def test_reads_what_was_written(tmp_path):
    saves(tmp_path / "a")
    assert (tmp_path / "a").read_text() == "7"
    assert os.listdir(tmp_path) == ["a"]


def test_lists_what_is_gone(tmp_path):
    (tmp_path / "a").write_text("1")
    empties(tmp_path)
    assert os.listdir(tmp_path) == []


def test_counts_what_is_gone(tmp_path):
    (tmp_path / "a").write_text("1")
    empties(tmp_path)
    wanted = len(os.listdir(tmp_path))
    assert wanted == 0


def test_looks_at_a_size(tmp_path):
    (tmp_path / "a").write_text("1")
    shortens(tmp_path / "a")
    assert (tmp_path / "a").stat().st_size == 0


def test_asks_a_database(tmp_path):
    db = sqlite3.connect(str(tmp_path / "a"))
    db.execute("create table t (a)")
    db.commit()
    db.close()
    fills(tmp_path / "a")
    assert sqlite3.connect(str(tmp_path / "a")).execute("select a from t").fetchall() == []


def test_moves_and_reads(tmp_path):
    (tmp_path / "a").write_text("7")
    saves(tmp_path / "a")
    os.rename(tmp_path / "a", tmp_path / "b")
    assert (tmp_path / "b").read_text() == "7"


def test_compares_by_a_program(tmp_path):
    (tmp_path / "a").write_text("7")
    saves(tmp_path / "b")
    assert subprocess.run(["cmp", str(tmp_path / "a"), str(tmp_path / "b")]).returncode == 0
"""
WHY = {
    "test_opens_what_the_code_names": "unproven named",
    "test_opens_its_own": "proven",
    "test_evaluates": "unproven runs",
    "test_evaluates_what_came_early": "unproven runs",
    "test_reads_a_value": "proven",
    "test_unpickles": "unproven runs",
    "test_runs_a_command": "unproven runs",
    "test_runs_a_script": "unproven runs",
    "test_reads_what_was_written": "proven",
    "test_lists_what_is_gone": "proven",
    "test_counts_what_is_gone": "unproven rewritten",
    "test_looks_at_a_size": "unproven rewritten",
    "test_asks_a_database": "unproven rewritten",
    "test_moves_and_reads": "unproven rewritten",
    "test_compares_by_a_program": "unproven rewritten",
}


def test_what_a_test_does_with_files_and_texts_of_the_code(tmp_path: Path) -> None:
    """What the code may have changed, named or written is not the test's own; all else is."""
    files = {"tests/test_a.py": TESTS, "tests/wanted.txt": "wanted", "tests/other.txt": "wanted.txt"}
    assert verdicts(apart(tmp_path, {"works.py": CODE}, files)) == WHY
