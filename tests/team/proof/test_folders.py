"""agentmem.team.proof.folders: what lies in a test's folders before and after a call of the code."""

import os
from pathlib import Path

from agentmem.team.proof.folders import TestFolders as Folders


def no(path: str) -> bool:
    return False


def yes(path: str) -> bool:
    return True


def test_what_a_test_wrote_by_whatever_means_is_told_once(tmp_path: Path) -> None:
    """New files and folders, and those that are otherwise than after the last call; not what the call changed."""
    folders = Folders(str(tmp_path / "base"))
    folders.note(str(tmp_path / "own"), wide=False)
    (tmp_path / "own/inner").mkdir(parents=True)
    (tmp_path / "own/inner/a").write_text("1", encoding="utf-8")
    (tmp_path / "beside").write_text("1", encoding="utf-8")
    every = [str(tmp_path / "own/inner"), str(tmp_path / "own/inner/a")]
    assert sorted(folders.written(no)) == every
    (tmp_path / "own/of_the_call").write_text("1", encoding="utf-8")
    folders.answered(yes)
    assert list(folders.written(every.__contains__)) == []
    folders.answered(yes)
    (tmp_path / "own/inner/a").write_text("12", encoding="utf-8")
    (tmp_path / "own/of_the_call").write_text("12", encoding="utf-8")
    assert sorted(folders.written(every.__contains__)) == [every[1], str(tmp_path / "own/of_the_call")]


def test_a_file_that_a_call_changed_is_heard_of_when_it_is_read(tmp_path: Path) -> None:
    """Only one that is the test's, and only by what Python does not tell; a program may read it."""
    folders = Folders("")
    folders.note(str(tmp_path), wide=False)
    one = tmp_path / "a"

    def change(text: str) -> None:
        list(folders.written(no))
        one.write_text(text, encoding="utf-8")
        folders.answered(yes)

    one.write_text("1", encoding="utf-8")
    change("12")
    assert folders.read() == ""
    one.read_bytes()
    assert folders.read() == str(one)
    folders.reads(str(one))
    one.read_bytes()
    assert folders.read() == ""
    folders.programs = True
    one.read_bytes()
    assert (folders.read(), folders.programs) == ("", False)
    held = os.open(one, os.O_RDONLY)
    change("123")
    os.close(held)
    assert folders.read() == ""
    folders.forget()
    one.read_bytes()
    assert folders.read() == ""


def test_folders_for_many_tests_outlive_one(tmp_path: Path) -> None:
    """Those of a test alone are let go with it, and pytest's own is none; what lies in the others is known."""
    folders = Folders(str(tmp_path))
    for name in ("", "own", "wide"):
        (tmp_path / name).mkdir(exist_ok=True)
        folders.note(str(tmp_path / name) if name else str(tmp_path), wide=name == "wide")
    (tmp_path / "own/a").write_text("1", encoding="utf-8")
    (tmp_path / "wide/a").write_text("1", encoding="utf-8")
    folders.forget()
    (tmp_path / "wide/b").write_text("1", encoding="utf-8")
    assert list(folders.written(no)) == [str(tmp_path / "wide/b")]
