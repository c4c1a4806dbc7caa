"""The cache keeps facts by content, and falls back to memory if it has no file."""

import sqlite3
from pathlib import Path

import pytest

from agentmem.pages.cache import VERSION, Cache, remove
from agentmem.pages.files import Stamp


def test_facts_and_stamps_come_back(tmp_path: Path) -> None:
    """Facts and stamps are found by kind and key, also by another process. The newest counts."""
    cache = Cache(tmp_path)
    cache.keep_facts("digest", {"a": "1", "b": "2"})
    cache.keep_facts("links", {"a": "3"})
    cache.keep_facts("digest", {"b": "4"})
    cache.keep_stamps({"x.md": (Stamp(1, 2, 3, 4), "rev"), "y.md": (Stamp(5, 6, 7, 8), "")}, gone=[])
    cache.keep_stamps({}, gone=["y.md"])
    cache.close()
    again = Cache(tmp_path)
    assert again.facts("digest") == {"a": "1", "b": "4"}
    assert again.facts("links", ["a", "gone"]) == {"a": "3"}
    assert again.stamps() == {"x.md": (Stamp(1, 2, 3, 4), "rev")}
    again.close()


def test_what_nobody_needs_is_forgotten(tmp_path: Path) -> None:
    """Pruning removes facts of every kind whose keys are not kept."""
    cache = Cache(tmp_path)
    cache.keep_facts("digest", {"a": "1", "b": "2"})
    cache.keep_facts("links", {"b": "3"})
    cache.prune(["a"])
    assert (cache.facts("digest"), cache.facts("links")) == ({"a": "1"}, {})
    cache.close()


def test_a_change_is_whole_or_not_at_all(tmp_path: Path) -> None:
    """If a transaction fails, none of its changes are stored."""
    cache = Cache(tmp_path)
    with pytest.raises(ZeroDivisionError), cache.transaction() as connection:
        connection.execute("INSERT INTO facts VALUES ('a', 'b', 'c')")
        raise ZeroDivisionError
    assert cache.facts("a") == {}
    cache.close()


def test_a_file_of_another_version_is_begun_anew(tmp_path: Path) -> None:
    """A file of another version is emptied, because its tables may mean something else."""
    cache = Cache(tmp_path)
    cache.keep_facts("digest", {"a": "1"})
    cache.close()
    path = tmp_path / ".agentmem" / "pages.sqlite"
    connection = sqlite3.connect(path)
    connection.execute(f"PRAGMA user_version = {VERSION + 1}")
    connection.close()
    again = Cache(tmp_path)
    assert again.facts("digest") == {}
    again.close()


def test_two_may_use_it_at_once(tmp_path: Path) -> None:
    """Two caches on one file see each other's facts."""
    one, two = Cache(tmp_path), Cache(tmp_path)
    one.keep_facts("digest", {"a": "1"})
    two.keep_facts("digest", {"b": "2"})
    assert one.facts("digest") == two.facts("digest") == {"a": "1", "b": "2"}
    one.close()
    two.close()


def test_it_notices_that_its_file_is_gone(tmp_path: Path) -> None:
    """A cache notices that its file is gone. A cache in memory has no file to lose."""
    cache, held = Cache(tmp_path), Cache(tmp_path, in_memory=True)
    assert cache.stands
    remove(tmp_path)
    assert not cache.stands
    assert held.stands
    cache.close()
    held.close()
