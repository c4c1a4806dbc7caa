"""agentmem.ui.shelf."""

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from agentmem.transcript.journal import open_journal
from agentmem.ui.shelf import Changed, SessionShelf
from tests.report.runs import eventful
from tests.ui.desk import Session, call, desk, featured, said


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    """A folder with six sessions."""
    return desk(tmp_path / "logs", 6)


Opener = Callable[..., SessionShelf]


@pytest.fixture
def opened() -> Iterator[Opener]:
    """Makes shelves that are closed at the end."""
    with ExitStack() as stack:
        yield lambda *args, **named: stack.enter_context(SessionShelf(*args, **named))


def only(changed: Changed) -> str:
    """The one session that changed."""
    [found] = changed.sessions
    return found


def test_the_list_has_every_session_the_latest_first(logs: Path, tmp_path: Path, opened: Opener) -> None:
    """With and without an index that stays, and again from what it remembers."""
    names = []
    for index in (None, tmp_path / "cache" / "sessions.db", tmp_path / "cache" / "sessions.db"):
        shelf = opened([logs], index)
        assert len(shelf.refresh().sessions) == 6
        found = shelf.listing()
        names.append(found)
        assert found["sessions"]["last"] == sorted(found["sessions"]["last"], reverse=True)
    assert names[0] == names[1] == names[2]
    assert names[0]["sessions"]["name"][0] == "0f3c"


def test_only_what_changed_is_read_again(logs: Path, tmp_path: Path, opened: Opener) -> None:
    """A session that grew is named; nothing is, where nothing happened."""
    shelf = opened([logs], tmp_path / "sessions.db")
    shelf.refresh()
    assert shelf.refresh().sessions == frozenset()
    path = next(logs.rglob("0f3c.jsonl"))
    id = next(family.id for family, _ in shelf.families() if family.name == "0f3c")
    before = len(shelf.whole(id).turns)
    grown = featured()
    grown.work(said("One more."))
    path.write_text("".join(json.dumps(record) + "\n" for record in grown.records), encoding="utf-8")
    assert only(shelf.look_again([str(path)])) == id
    assert len(shelf.whole(id).turns) == before + 1
    assert shelf.listing()["sessions"]["requests"][0] == before + 1
    assert str(path) in shelf.recent(path.stat().st_mtime - 5)


def test_files_may_come_and_go(tmp_path: Path, opened: Opener) -> None:
    """A folder that is not there yet is empty; a log that was deleted is out of the list."""
    folder = tmp_path / "later"
    shelf = opened([folder])
    assert shelf.refresh().sessions == frozenset()
    path = featured().write(folder)
    id = only(shelf.refresh())
    path.unlink()
    assert only(shelf.refresh()) == id
    assert shelf.listing()["sessions"]["id"] == []
    with pytest.raises(KeyError):
        shelf.whole(id)


def test_numbers_are_at_hand_before_the_texts(logs: Path, tmp_path: Path, opened: Opener) -> None:
    """The index gives the same sums as the whole, without parts and blocks."""
    shelf = opened([logs], tmp_path / "sessions.db")
    shelf.refresh()
    id = next(family.id for family, _ in shelf.families() if family.name == "0f3c")
    assert shelf.known(id) is None
    rows = shelf.rows(id)
    whole = shelf.whole(id)
    assert rows is not None and rows["partial"] and rows["blocks"] is None
    assert rows["cost_usd"] == pytest.approx(whole.data["cost_usd"])
    assert rows["turns"]["read"] == whole.data["turns"]["read"]
    assert shelf.known(id) is whole


def test_runs_of_ours_are_sessions_too(tmp_path: Path, opened: Opener) -> None:
    """With the workspace's answer cache beside them; what is written into the database is seen."""
    workspace = tmp_path / "shop"
    database = workspace / ".agentmem" / "agentmem.db"
    database.parent.mkdir(parents=True)
    asked: list[Path] = []
    statistics: Callable[[Path], None] = asked.append
    with open_journal(database) as journal:
        eventful(journal)
        shelf = opened([database], tmp_path / "sessions.db", answers=statistics)
        id = only(shelf.refresh())
        assert shelf.rows(id) is None
        assert shelf.whole(id).data["run"] == "workshop"
        assert asked == [workspace]
        eventful(journal, "second")
        assert len(shelf.refresh().sessions) == 2
    assert shelf.listing()["sessions"]["project"] == ["shop", "shop"]


def test_a_broken_file_hides_no_other(logs: Path, opened: Opener) -> None:
    """It is counted, and the rest is there."""
    (logs / "broken.jsonl").write_bytes(b"\x00\xff{")
    shelf = opened([logs])
    shelf.refresh()
    assert len(shelf.listing()["sessions"]["id"]) == 6
    assert shelf.listing()["skipped"] == 1


def test_sub_agents_in_files_of_their_own_are_lanes(tmp_path: Path, opened: Opener) -> None:
    """The main conversation comes first, whatever the files are called."""
    featured().write(tmp_path)
    beside = Session("agent-zz", 1_795_953_700.0, 2)
    for turn in range(2):
        beside.ask("Look.", isSidechain=True, agentId="zz")
        beside.work(said("I look."), call(f"z{turn}", "Read", path="a"), result="b", isSidechain=True, agentId="zz")
    beside.write(tmp_path / "0f3c" / "subagents")
    shelf = opened([tmp_path])
    shelf.refresh()
    [(family, names)] = shelf.families()
    assert len(names) == 2
    runs = shelf.whole(family.id).data["turns"]["run"]["names"]
    assert runs[0] == "0f3c" and set(runs[1:]) == {"0f3c/agent-a1f0", "0f3c/agent-b77c", "agent-zz/agent-zz"}
