"""agentmem.ui.growth: logs that grow are read on from their old end."""

from pathlib import Path

from agentmem.report.loading import Observed, load_paths
from agentmem.report.logs.index import stamp
from agentmem.report.logs.reading import QUICK, WorkItem, read_log
from agentmem.ui.growth import ListedGrowth, SessionGrowth
from tests.ui.desk import featured


def bytes_of(folder: Path) -> tuple[Path, bytes]:
    """A log to be, and what it will hold."""
    path = featured().write(folder)
    return path, path.read_bytes()


def item(path: Path) -> WorkItem:
    """The file as it is."""
    size, time = stamp(path) or (0, 0)
    return WorkItem(str(path), size, time)


def observed(growth: SessionGrowth, path: Path) -> list[Observed]:
    """The conversations."""
    return [one for one in growth.read(path, QUICK) if isinstance(one, Observed)]


def test_a_list_that_grew_says_what_a_new_one_says(tmp_path: Path) -> None:
    """At each of many ends, within a line too."""
    path, whole = bytes_of(tmp_path)
    growth = ListedGrowth()
    for end in range(9_000, len(whole) + 7_777, 7_777):
        path.write_bytes(b"") if end == 9_000 else None
        with path.open("ab") as file:
            file.write(whole[path.stat().st_size : end])
        assert growth.read(item(path)).sessions == read_log(item(path)).sessions


def test_a_session_that_grew_says_what_a_new_one_says(tmp_path: Path) -> None:
    """Turns, losses and windows, at each of many ends."""
    path, whole = bytes_of(tmp_path)
    path.write_bytes(b"")
    growth = SessionGrowth()
    for end in range(29_000, len(whole) + 59_999, 59_999):
        with path.open("ab") as file:
            file.write(whole[path.stat().st_size : end])
        fresh = [one for one in load_paths([path]) if isinstance(one, Observed)]
        assert observed(growth, path) == fresh


def test_only_what_is_new_is_read(tmp_path: Path) -> None:
    """What stood there before is not looked at again, so that a large log costs what it grows by."""
    path, whole = bytes_of(tmp_path)
    path.write_bytes(whole[:80_000])
    listed, session = ListedGrowth(), SessionGrowth()
    listed.read(item(path))
    observed(session, path)
    with path.open("r+b") as file:
        file.seek(2_000)
        file.write(b"#" * 40_000)  # would be no JSON
        file.seek(80_000)
        file.write(whole[80_000:])
    assert sum(one["started"] > 0 for one in listed.read(item(path)).sessions) == 3
    assert not listed.read(item(path)).skipped
    assert len(observed(session, path)[0].turns) == 40


def test_another_file_in_its_place_is_read_whole(tmp_path: Path) -> None:
    """Shorter, or with another beginning: then nothing of the old one is left."""
    path, whole = bytes_of(tmp_path)
    listed, session = ListedGrowth(), SessionGrowth()
    listed.read(item(path))
    observed(session, path)
    lines = whole.splitlines(keepends=True)
    for data in (b"".join(lines[:9]), b"".join([b"\n", *lines, *lines[-3:]]).replace(b"msg_", b"mmm_")):
        path.write_bytes(data)
        fresh = [one for one in load_paths([path]) if isinstance(one, Observed)]
        assert observed(session, path) == fresh
        assert listed.read(item(path)).sessions == read_log(item(path)).sessions
