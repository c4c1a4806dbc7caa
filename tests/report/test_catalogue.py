"""agentmem.report.catalogue."""

import stat
from pathlib import Path

from agentmem.report.catalogue import LogCatalogue
from agentmem.report.loading import Choice, Observed, load_paths, split
from agentmem.report.summing import report_on
from tests.report.test_loading import talk


def summed(found: list[Observed]) -> dict[str, object]:
    """The report on what was found."""
    return report_on(found, None)


def test_a_folder_tells_the_same_from_the_catalogue(tmp_path: Path) -> None:
    """The first time, the second time, and read anew: one report, also where a log begins with a copy of another."""
    logs = tmp_path / "logs"
    logs.mkdir()
    first = talk(logs, "aa1")
    (logs / "bb2.jsonl").write_text(first.read_text())
    talk(logs, "cc3")
    (logs / "bad.jsonl").write_text("hello\n")
    plain, skipped = split(load_paths([logs]))
    for _ in range(2):
        with LogCatalogue(tmp_path / "cache" / "logs.db") as catalogue:
            again, missed = split(catalogue.load([logs]))
        assert summed(again) == summed(plain)
        assert missed == skipped
    assert len(plain) == 2


def test_an_unchanged_file_is_not_opened_again_and_a_changed_one_is(tmp_path: Path) -> None:
    """What the catalogue tells of a file holds until its size or time changes."""
    logs = tmp_path / "logs"
    logs.mkdir()
    log = talk(logs, "aa1")
    with LogCatalogue(tmp_path / "logs.db") as catalogue:
        assert len(split(catalogue.load([logs]))[0][0].turns) == 4
        log.chmod(0)
        assert len(split(catalogue.load([logs]))[0][0].turns) == 4
        log.chmod(0o600)
        log.write_text("".join(log.read_text().splitlines(keepends=True)[:2]))
        assert len(split(catalogue.load([logs]))[0][0].turns) == 1


def test_choices_hold_in_the_catalogue_too(tmp_path: Path) -> None:
    """By session and time; what was chosen once does not limit the next."""
    logs = tmp_path / "logs"
    logs.mkdir()
    talk(logs, "aa1")
    talk(logs, "bb2")
    with LogCatalogue(tmp_path / "logs.db") as catalogue:
        assert [one.name for one in split(catalogue.load([logs], Choice(session="bb")))[0]] == ["bb2"]
        assert len(split(catalogue.load([logs]))[0]) == 2


def test_it_is_private_holds_no_words_and_survives_damage(tmp_path: Path) -> None:
    """Only its owner may read it; no text of a conversation is in it; a broken one is made anew."""
    logs, cache = tmp_path / "logs", tmp_path / "cache" / "logs.db"
    logs.mkdir()
    talk(logs, "aa1")
    with LogCatalogue(cache) as catalogue:
        split(catalogue.load([logs]))
    assert stat.S_IMODE(cache.stat().st_mode) == 0o600
    assert b"drawer" not in cache.read_bytes()
    for file in cache.parent.iterdir():
        file.unlink()
    cache.write_bytes(b"no database " * 100)
    with LogCatalogue(cache) as catalogue:
        assert len(split(catalogue.load([logs]))[0]) == 1
