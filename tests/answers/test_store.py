"""Kept answers survive kills, are shared by processes, and are never served if damaged."""

import random
import sqlite3
from pathlib import Path

import pytest

from agentmem.answers.cache import AnswerCache
from agentmem.answers.database import VERSION
from agentmem.answers.home import FILE
from agentmem.answers.store import AnswerStore
from agentmem.answers.values import Answer, Source
from agentmem.errors import AgentmemError, AnswersError, ConfigError
from tests.answers.caches import Time, opened
from tests.transcript.databases import child, heard

WRITER = """
import sys
from pathlib import Path
from agentmem.answers.cache import AnswerCache
cache = AnswerCache(sys.argv[1], exact_only=True)
number = 0
while True:
    kept = cache.put(f"Question {sys.argv[2]} number {number}?", f"Answer {number} " * 40)
    print(number if kept else "none", flush=True)
    number += 1
"""


@pytest.mark.parametrize("seed", range(2))
def test_a_kill_loses_no_acknowledged_answer(tmp_path: Path, seed: int) -> None:
    """After a kill at any time, every answer for which `put` had returned is there and whole."""
    chance = random.Random(seed)
    for round in range(2):
        with child(WRITER, str(tmp_path), str(round)) as writer:
            told = [int(heard(writer)) for _ in range(chance.randrange(1, 60))]
            writer.kill()
            told += [int(line) for line in (writer.stdout.read().split("\n")[:-1] if writer.stdout else ())]
        with AnswerCache(tmp_path, exact_only=True) as cache:
            for number in told:
                found = cache.get(f"Question {round} number {number}?")
                assert found is not None
                assert found.text == f"Answer {number} " * 40


def test_two_processes_write_and_read_at_once(tmp_path: Path) -> None:
    """Each of two processes finds the other's answers at once, also by meaning."""
    with child(WRITER, str(tmp_path), "other") as writer, opened(tmp_path) as cache:
        for number in range(30):
            told = int(heard(writer))
            assert cache.put(f"Mine number {number}?", "mine")
            found = cache.get(f"Question other number {told}?")
            assert found is not None
            assert found.how == "exact"
        assert cache.store.count() >= 60


def test_two_caches_over_one_folder(tmp_path: Path) -> None:
    """An answer that one cache invalidates is not served by another, although its vector is in RAM there."""
    with opened(tmp_path) as one, opened(tmp_path) as other:
        one.put("how do shoes go back", Answer("By post.", sources=(Source("db:returns"),)))
        found = other.get("do shoes go back how")
        assert found is not None
        assert found.how == "semantic"
        assert one.invalidate("db:returns") == 1
        assert other.get("do shoes go back how") is None
        assert other.get("how do shoes go back") is None


@pytest.mark.parametrize("column", ["answer", "question", "expires", "tenant", "scope", "kind", "digest"])
def test_a_damaged_entry_is_a_miss(tmp_path: Path, column: str) -> None:
    """An entry that was changed from outside in any part is removed and counted."""
    with opened(tmp_path) as cache:
        cache.put("what is it", "The answer.")
        value = 9e12 if column == "expires" else "changed"
        cache.store.database.run(f"UPDATE entries SET {column} = ?", value)
        assert cache.get("what is it") is None
        assert cache.get("is it what") is None
        if column != "scope":
            assert cache.stats()["damaged"] == 1
            assert cache.stats()["entries"] == 0


def test_a_changed_source_is_damage_too(tmp_path: Path) -> None:
    """Sources decide when an answer goes, so they are part of the checksum."""
    with opened(tmp_path) as cache:
        cache.put("what is it", Answer("The answer.", sources=(Source("db:prices"),)))
        cache.store.database.run("DELETE FROM sources")
        assert cache.get("what is it") is None


def test_a_number_is_never_given_twice(tmp_path: Path) -> None:
    """A number is never reused, so an outdated index cannot find another entry by it."""
    with opened(tmp_path) as cache:
        first = cache.put("one", "1")
        cache.invalidate(everything=True)
        second = cache.put("two", "2")
        assert first.id != second.id


def test_a_full_disk_costs_no_answer(tmp_path: Path) -> None:
    """On a full disk `put` raises, `ask` still returns the answer, and kept answers are still found."""
    with opened(tmp_path, exact_only=True) as cache:
        cache.put("what is small", "This.")
        pages = cache.store.database.run("PRAGMA page_count")[0][0]
        cache.store.database.run(f"PRAGMA max_page_count = {pages}")
        with pytest.raises(AnswersError, match="disk is full"):
            cache.put("what is large", "x" * 3_000_000)
        answered = cache.ask("what is large", lambda question: "y" * 3_000_000)
        assert answered.text == "y" * 3_000_000
        assert answered.kept is not None
        assert "disk is full" in answered.kept.reason
        found = cache.get("what is small")
        assert found is not None


def test_a_damaged_database_is_a_miss_or_a_clear_error(tmp_path: Path) -> None:
    """A file of rubbish is an error when opened. If it is damaged later, nothing is found and answers are made."""
    (tmp_path / "rubbish").mkdir()
    (tmp_path / "rubbish" / FILE).write_bytes(b"no database " * 1000)
    with pytest.raises(ConfigError, match="not a SQLite database"):
        opened(tmp_path / "rubbish")
    with opened(tmp_path / "good") as cache:
        cache.put("what is it", "The answer.")
        cache.store.database.run("DROP TABLE entries")
        assert cache.get("what is it") is None
        assert cache.explain("what is it").failed
        assert cache.ask("what is it", lambda question: "made").text == "made"


def test_a_folder_that_cannot_be_used_is_an_error(tmp_path: Path) -> None:
    """A file in the folder's place, and another's newer database, are errors."""
    (tmp_path / "file").write_text("")
    with pytest.raises(AgentmemError):
        opened(tmp_path / "file")
    AnswerStore(tmp_path / "new").close()
    with sqlite3.connect(tmp_path / "new" / FILE) as connection:
        connection.execute(f"PRAGMA user_version = {VERSION + 1}")
    connection.close()
    with pytest.raises(AnswersError, match="later agentmem"):
        AnswerStore(tmp_path / "new")


def test_marks_are_claimed_once(tmp_path: Path) -> None:
    """If several processes claim a mark, one of them succeeds."""
    time = Time()
    one, other = AnswerStore(tmp_path, time), AnswerStore(tmp_path, time)
    assert [one.claim("checks", 60), other.claim("checks", 60)] == [True, False]
    time.now += 61
    assert [other.claim("checks", 60), one.claim("checks", 60)] == [True, False]
    one.close()
    other.close()
