"""agentmem.ui.growth: logs that grow are read on from their old end."""

from pathlib import Path

import pytest

from agentmem.integrations.wirelog import LogFile
from agentmem.report.loading import WIRE_LOG, Observed, load_paths
from agentmem.report.logs.index import stamp
from agentmem.report.logs.reading import QUICK, WorkItem, read_log
from agentmem.ui.growth import ReadOn
from tests.ui.desk import clocked, featured, wire_log


def bytes_of(folder: Path) -> tuple[Path, bytes]:
    """A log to be, and what it will hold."""
    path = featured().write(folder)
    return path, path.read_bytes()


def item(path: Path) -> WorkItem:
    """The file as it is."""
    size, time = stamp(path) or (0, 0)
    return WorkItem(str(path), size, time)


def observed(growth: ReadOn, path: Path, format: str = QUICK) -> list[Observed]:
    """The conversations."""
    return [one for one in growth.conversations(path, format) if isinstance(one, Observed)]


def test_a_list_that_grew_says_what_a_new_one_says(tmp_path: Path) -> None:
    """At each of many ends, within a line too."""
    path, whole = bytes_of(tmp_path)
    growth = ReadOn()
    for end in range(9_000, len(whole) + 7_777, 7_777):
        path.write_bytes(b"") if end == 9_000 else None
        with path.open("ab") as file:
            file.write(whole[path.stat().st_size : end])
        assert growth.listed(item(path), QUICK).sessions == read_log(item(path)).sessions


def test_a_session_that_grew_says_what_a_new_one_says(tmp_path: Path) -> None:
    """Turns, losses and windows, at each of many ends."""
    path, whole = bytes_of(tmp_path)
    path.write_bytes(b"")
    growth = ReadOn()
    for end in range(29_000, len(whole) + 59_999, 59_999):
        with path.open("ab") as file:
            file.write(whole[path.stat().st_size : end])
        fresh = [one for one in load_paths([path]) if isinstance(one, Observed)]
        assert observed(growth, path) == fresh


def test_only_what_is_new_is_read(tmp_path: Path) -> None:
    """What stood there before is not looked at again, so that a large log costs what it grows by."""
    path, whole = bytes_of(tmp_path)
    path.write_bytes(whole[:80_000])
    growth = ReadOn()
    growth.listed(item(path), QUICK)
    observed(growth, path)
    with path.open("r+b") as file:
        file.seek(2_000)
        file.write(b"#" * 40_000)  # would be no JSON
        file.seek(80_000)
        file.write(whole[80_000:])
    assert sum(one["started"] > 0 for one in growth.listed(item(path), QUICK).sessions) == 3
    assert not growth.listed(item(path), QUICK).skipped
    assert len(observed(growth, path)[0].turns) == 40


def test_another_file_in_its_place_is_read_whole(tmp_path: Path) -> None:
    """Shorter, or with another beginning: then nothing of the old one is left."""
    path, whole = bytes_of(tmp_path)
    growth = ReadOn()
    growth.listed(item(path), QUICK)
    observed(growth, path)
    lines = whole.splitlines(keepends=True)
    for data in (b"".join(lines[:9]), b"".join([b"\n", *lines, *lines[-3:]]).replace(b"msg_", b"mmm_")):
        path.write_bytes(data)
        fresh = [one for one in load_paths([path]) if isinstance(one, Observed)]
        assert observed(growth, path) == fresh
        assert growth.listed(item(path), QUICK).sessions == read_log(item(path)).sessions


@pytest.mark.parametrize("shortened", [True, False])
def test_a_wire_log_that_grew_says_what_a_new_one_says(tmp_path: Path, shortened: bool) -> None:
    """In the list and on the page, with lines that are no requests, whole or with what they share written once."""
    whole, path = tmp_path / "whole.jsonl", tmp_path / "w.jsonl"
    log = LogFile(whole, shortened=shortened)
    for number, line in enumerate(clocked(9)):
        log({**line, "complete": False} if number == 4 else line)
    data = whole.read_bytes() + b'{"request": 5}\n'
    path.write_bytes(b"")
    growth = ReadOn()
    for end in range(9_000, len(data) + 4_999, 4_999):
        with path.open("ab") as file:
            file.write(data[path.stat().st_size : end])
        assert list(growth.conversations(path, WIRE_LOG)) == list(load_paths([path]))
        listed, fresh = growth.listed(item(path), WIRE_LOG), read_log(item(path))
        assert (listed.sessions, listed.columns) == (fresh.sessions, fresh.columns)


def test_of_a_wire_log_only_what_is_new_is_read(tmp_path: Path) -> None:
    """As of any other."""
    whole, path = wire_log(tmp_path / "whole.jsonl", 9).read_bytes(), tmp_path / "w.jsonl"
    half = whole.index(b"\n", len(whole) // 2) + 1
    path.write_bytes(whole[:half])
    growth = ReadOn()
    before = len(observed(growth, path, WIRE_LOG)[0].turns)
    path.write_bytes(whole[:600] + b"#" * (half - 601) + b"\n" + whole[half:])
    assert before < len(observed(growth, path, WIRE_LOG)[0].turns) == 9
