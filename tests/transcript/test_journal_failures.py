"""Databases that are damaged, full, read-only or none at all: clear errors, and nothing lost."""

import random
import tempfile
from pathlib import Path

import pytest

from agentmem.errors import ConfigError, JournalCorrupt, JournalError
from agentmem.transcript.journal import Journal, open_journal
from agentmem.transcript.schema import migrate
from agentmem.transcript.sqlite import open_sqlite
from agentmem.transcript.storage import locate
from agentmem.types import Draft
from tests.transcript.databases import child, heard, note, sql

AS_ANOTHER_USER = """
import os, sqlite3, sys
from agentmem.transcript.journal import open_journal
from agentmem.errors import ConfigError
from agentmem.types import Draft
if os.geteuid() == 0:
    os.seteuid(65534)  # root may write anything; nobody may not
try:
    with open_journal(sys.argv[1]) as journal:
        print(journal.head("main"), flush=True)
        journal.append("main", [Draft("note", b"more")], head=0)
except ConfigError as error:
    print(error)
"""

TAMPERINGS = {
    "another byte": "UPDATE entries SET bytes = ? WHERE seq = 2",
    "another hash": "UPDATE entries SET sha256 = ? WHERE seq = 2",
    "another kind": "UPDATE entries SET kind = 'user' WHERE seq = 2 AND ? IS NOT NULL",
    "a missing entry": "DELETE FROM entries WHERE seq = 2 AND ? IS NOT NULL",
    "a missing end": "DELETE FROM entries WHERE seq = 4 AND ? IS NOT NULL",
    "another end": "UPDATE threads SET tip = ?",
    "another order": "UPDATE entries SET seq = 12 - seq WHERE seq >= 2 AND ? IS NOT NULL",
}


@pytest.mark.parametrize("tampering", TAMPERINGS)
def test_changes_from_outside_are_found(journal: Journal, database_url: str, tampering: str) -> None:
    """Any change of the rows, past the journal, is JournalCorrupt when the thread is read."""
    journal.append("main", [note(str(seq)) for seq in range(5)], head=-1)
    sql(database_url, TAMPERINGS[tampering], b"x" * 32)
    with pytest.raises(JournalCorrupt):
        list(journal.entries("main"))


def test_one_changed_entry_is_found_by_its_reference(journal: Journal, database_url: str) -> None:
    """A single entry is checked too, and the others still read."""
    journal.append("main", [note(str(seq)) for seq in range(5)], head=-1)
    sql(database_url, "UPDATE entries SET bytes = ? WHERE seq = 2", b"x")
    with pytest.raises(JournalCorrupt, match="main/2 does not match its hash"):
        journal.entry("main/2")
    with pytest.raises(JournalCorrupt):
        list(journal.own("main", "note"))
    assert journal.entry("main/3").data == b"3"


def test_damaged_pages_are_found(tmp_path: Path) -> None:
    """A file with overwritten pages is JournalCorrupt, not a wrong transcript."""
    file = tmp_path / "run.db"
    with open_journal(file) as journal:
        journal.append("main", [note("text " * 200) for _ in range(50)], head=-1)
    whole = file.read_bytes()
    file.write_bytes(whole[:8192] + b"\x55" * (len(whole) - 8192))
    with pytest.raises(JournalCorrupt, match=r"damaged|missing|match"), open_journal(file) as journal:
        list(journal.entries("main"))


def test_a_full_disk_loses_nothing(tmp_path: Path) -> None:
    """An append that does not fit is undone as a whole; what stood stays, and appending goes on when there is room."""
    storage = open_sqlite(locate(tmp_path / "run.db"))
    migrate(storage)
    with Journal(storage) as journal:
        pages = storage.run("PRAGMA page_count")[0][0]
        storage.run(f"PRAGMA max_page_count = {pages + 10}")
        first = journal.append("main", [note("fits")], head=-1)
        with pytest.raises(JournalError, match="disk is full"):
            journal.append("main", [note("fits too"), Draft("note", bytes(100_000))], head=0)
        assert tuple(journal.entries("main")) == first
        storage.run("PRAGMA max_page_count = 100000")
        journal.append("main", [note("fits too"), Draft("note", bytes(100_000))], head=0)
    with open_journal(tmp_path / "run.db") as journal:
        assert [len(entry.data) for entry in journal.entries("main")] == [4, 8, 100_000]


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    """Another kind of file is refused and left as it is."""
    file = tmp_path / "notes.md"
    file.write_text("# Notes\n" * 200)
    with pytest.raises(ConfigError, match="is not a SQLite database"):
        open_journal(file)
    assert file.read_text() == "# Notes\n" * 200


def test_a_folder_is_no_database(tmp_path: Path) -> None:
    """A folder is refused, naming a file in it; so is a path through a file."""
    with pytest.raises(ConfigError, match=r"is a folder: name a file in it"):
        open_journal(tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="cannot be made"):
        open_journal(tmp_path / "file" / "run.db")


@pytest.mark.parametrize("mode", [0o777, 0o555])
def test_a_read_only_database(mode: int) -> None:
    """A file that may not be written says what to allow, and stays as it is; in a writable folder it can be read."""
    with tempfile.TemporaryDirectory() as name:
        file = Path(name) / "run.db"
        with open_journal(file) as journal:
            journal.append("main", [note("kept")], head=-1)
        before = file.read_bytes()
        file.chmod(0o444)
        Path(name).chmod(mode)
        with child(AS_ANOTHER_USER, str(file)) as process:
            if mode == 0o777:
                assert heard(process) == "0"
            assert heard(process).startswith(f"{file} is read-only: allow writing")
        assert file.read_bytes() == before
        Path(name).chmod(0o700)


def test_forgotten_bytes_leave_the_files(tmp_path: Path) -> None:
    """No piece of a forgotten entry is in the database's files any more, its write-ahead log included."""
    chance = random.Random(7)
    secret = bytes(chance.choices(b"abcdefghijklmnop", k=24))
    with open_journal(tmp_path / "run.db") as journal, open_journal(tmp_path / "run.db") as other:
        heads = {"kept": -1, "secret": -1}
        for _ in range(300):
            thread = chance.choice(["kept", "secret"])
            piece = secret if thread == "secret" else secret[::-1]
            data = piece * chance.choice([1, 3, 40, 170, 900])
            heads[thread] = journal.append(thread, [Draft("note", data)], head=heads[thread])[-1].seq
        assert len(list(other.entries("secret"))) == heads["secret"] + 1
        assert any(secret in file.read_bytes() for file in tmp_path.iterdir())
        journal.forget("secret")
        for file in tmp_path.iterdir():
            content = file.read_bytes()
            assert not any(secret[cut : cut + 12] in content for cut in range(12)), file
        assert len(list(other.entries("kept"))) == heads["kept"] + 1
    assert [file.name for file in tmp_path.iterdir()] == ["run.db"]


def test_many_entries_in_another_database_are_found_by_an_index(tmp_path: Path) -> None:
    """Entries of one kind are looked up by an index, so that the others' bytes are not read."""
    with open_journal(tmp_path / "run.db") as journal:
        journal.append("main", [Draft("usage", b"{}")], head=-1)
    query = "EXPLAIN QUERY PLAN SELECT bytes FROM entries WHERE thread = 1 AND kind = 'usage' AND seq > -1 ORDER BY seq"
    plan = [row[-1] for row in sql(str(tmp_path / "run.db"), query)]
    assert plan == ["SEARCH entries USING INDEX entries_by_kind (thread=? AND kind=? AND seq>?)"]
