"""Finding recordings, and what is known of them before they are replayed."""

from dataclasses import replace
from pathlib import Path

import pytest

from agentmem.errors import ConfigError
from agentmem.replay.index import Entry, chains, index, key, load, repeated
from agentmem.replay.recordings import FORMATS, sources
from agentmem.replay.session import Skipped
from agentmem.replay.source import Source, Spool
from tests.replay.logs import Log, working


def entries(folder: Path) -> list[Entry]:
    found = [one for one in sources([folder], Spool(folder)) if isinstance(one, Source)]
    return [entry for source in found for entry in index(source).entries]


def test_a_folder_gives_all_logs_and_names_what_it_cannot_read(tmp_path: Path) -> None:
    """Logs are found in sub-folders; a log of no known format is named, other files are passed over."""
    (tmp_path / "project").mkdir()
    working(1).write(tmp_path / "project" / "a.jsonl")
    (tmp_path / "b.jsonl").write_text('{"what": "ever"}\n', encoding="utf-8")
    (tmp_path / "notes.txt").write_text("hello", encoding="utf-8")
    found = list(sources([tmp_path], Spool(tmp_path)))
    assert [one.name for one in found if isinstance(one, Source)] == ["a"]
    assert [Path(one.path).name for one in found if isinstance(one, Skipped)] == ["b.jsonl"]


def test_a_missing_path_is_an_error_that_says_what_to_give(tmp_path: Path) -> None:
    """No such file: the error names an example."""
    with pytest.raises(ConfigError, match="projects"):
        list(sources([tmp_path / "nothing"], Spool(tmp_path)))


def test_every_format_has_its_name() -> None:
    """The table is keyed by the readers' own names."""
    assert all(name == reader.name for name, reader in FORMATS.items()) and len(FORMATS) == 5


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
