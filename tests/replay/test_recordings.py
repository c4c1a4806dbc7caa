"""Finding recordings, and what is known of them before they are replayed."""

import sqlite3
from contextlib import closing
from dataclasses import replace
from os import mkfifo
from pathlib import Path

import pytest

from agentmem.errors import ConfigError
from agentmem.replay.index import IndexedSession, chains, index, key, load, repeated
from agentmem.replay.recordings import FORMATS, sources
from agentmem.replay.session import SkippedLine
from agentmem.replay.source import RecordingSource, Spool
from tests.replay.logs import Log, working


def entries(folder: Path) -> list[IndexedSession]:
    found = [one for one in sources([folder], Spool(folder)) if isinstance(one, RecordingSource)]
    return [entry for source in found for entry in index(source).entries]


def test_a_folder_gives_all_logs_and_names_what_it_cannot_read(tmp_path: Path) -> None:
    """Logs are found in sub-folders; a log of no known format is named, other files are passed over."""
    (tmp_path / "project").mkdir()
    working(1).write(tmp_path / "project" / "a.jsonl")
    (tmp_path / "b.jsonl").write_text('{"what": "ever"}\n', encoding="utf-8")
    (tmp_path / "notes.txt").write_text("hello", encoding="utf-8")
    found = list(sources([tmp_path], Spool(tmp_path)))
    assert [one.name for one in found if isinstance(one, RecordingSource)] == ["a"]
    assert [Path(one.path).name for one in found if isinstance(one, SkippedLine)] == ["b.jsonl"]


def test_a_missing_path_is_an_error_that_says_what_to_give(tmp_path: Path) -> None:
    """No such file: the error names an example."""
    with pytest.raises(ConfigError, match="projects"):
        list(sources([tmp_path / "nothing"], Spool(tmp_path)))


def test_every_format_has_its_name() -> None:
    """The table is keyed by the readers' own names."""
    assert all(name == reader.name for name, reader in FORMATS.items()) and len(FORMATS) == 7


def test_sessions_are_joined_by_when_they_began(tmp_path: Path) -> None:
    """A chain takes sessions in order until it has its tokens; 0 leaves each by itself."""
    for number, start in enumerate((300.0, 100.0, 200.0)):
        log = Log()
        log.now += start
        log.prompt("word " * 1000)
        log.reply(f"m{number}", {"type": "text", "text": "ok"})
        log.write(tmp_path / f"{number}.jsonl")
    found = entries(tmp_path)
    assert [[one.name for one in chain] for chain in chains(found, 2000)] == [["1", "2"], ["0"]]
    assert [len(chain) for chain in chains(found, 0)] == [1, 1, 1]


def test_a_resumed_log_does_not_count_its_copy_again(tmp_path: Path) -> None:
    """Requests that an earlier log has already are not repeated; what they said came before the first new one."""
    log = working(2)
    log.write(tmp_path / "a.jsonl")
    log.prompt("and on")
    log.reply("fresh", {"type": "text", "text": "ok"})
    log.write(tmp_path / "b.jsonl")
    first, second = entries(tmp_path)
    again = repeated([first, second])
    assert list(again) == [key(second)]
    session = load(second, again[key(second)])
    assert session is not None and len(session.exchanges) == 1
    whole = load(second)
    assert whole is not None and session.exchanges[0].arrived[-1] == whole.exchanges[-1].arrived[-1]
    before = sum(len(one.arrived) + len(one.reply) for one in whole.exchanges[:-1])
    assert len(session.exchanges[0].arrived) == before + 1
    assert load(first, first.identities) is None
    assert replace(session, exchanges=()) == replace(whole, exchanges=())


def test_each_file_is_read_once_whatever_leads_to_it(tmp_path: Path) -> None:
    """Links, links in a circle, links to nothing, and a file that is given beside its folder."""
    path = working(1).write(tmp_path / "a.jsonl")
    (tmp_path / "again.jsonl").symlink_to(path)
    (tmp_path / "circle").symlink_to(tmp_path, target_is_directory=True)
    (tmp_path / "itself.jsonl").symlink_to(tmp_path / "itself.jsonl")
    (tmp_path / "gone.jsonl").symlink_to(tmp_path / "nowhere.jsonl")
    found = list(sources([tmp_path, path, tmp_path / "again.jsonl"], Spool(tmp_path)))
    assert [one.name for one in found if isinstance(one, RecordingSource)] == ["a"] and len(found) == 1


def test_what_is_neither_file_nor_folder_is_named(tmp_path: Path) -> None:
    """A pipe, say: nobody waits for it."""
    mkfifo(tmp_path / "pipe.jsonl")
    (found,) = sources([tmp_path / "pipe.jsonl"], Spool(tmp_path))
    assert isinstance(found, SkippedLine) and "neither" in found.reason
    assert list(sources([tmp_path], Spool(tmp_path))) == []


def test_strangers_files_in_a_folder_are_named_only_where_that_helps(tmp_path: Path) -> None:
    """Another tool's log by its tool, a broken archive by its error; a settings file is nothing to speak of."""
    (tmp_path / "settings.json").write_text('{"theme": "dark"}', encoding="utf-8")
    (tmp_path / "run.json").write_text('{"eval": {}, "plan": {}}', encoding="utf-8")
    (tmp_path / "log.jsonl.gz").write_bytes(b"\x1f\x8bnothing")
    found = [one for one in sources([tmp_path], Spool(tmp_path)) if isinstance(one, SkippedLine)]
    assert [Path(one.path).name for one in found] == ["log.jsonl.gz", "run.json"]
    assert "cannot be read" in found[0].reason and "Inspect" in found[1].reason


def test_a_strangers_database_is_left_as_it_is(tmp_path: Path) -> None:
    """It is looked at, and no table of ours is made in it."""
    path = tmp_path / "theirs.db"
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("CREATE TABLE cookies (name TEXT)")
    before = path.read_bytes()
    (found,) = sources([path], Spool(tmp_path))
    assert isinstance(found, SkippedLine) and "no journal" in found.reason
    assert path.read_bytes() == before
