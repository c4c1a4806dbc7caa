"""The journal's tables: brought up to date from every version, refused when they are too new or another's."""

import hashlib

import pytest

from agentmem.errors import ConfigError, SchemaTooNew
from agentmem.transcript.journal import open_journal
from agentmem.transcript.schema import LATEST, STEPS
from tests.transcript.databases import child, heard, note, sql, storage_of, tell

VERSION_1 = {
    "sqlite": (
        "CREATE TABLE agentmem_schema (version INTEGER PRIMARY KEY, applied REAL NOT NULL)",
        "CREATE TABLE threads (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, head INTEGER NOT NULL,"
        " tip BLOB NOT NULL, parent BIGINT REFERENCES threads (id), parent_seq INTEGER,"
        " created REAL NOT NULL, updated REAL NOT NULL)",
        "CREATE TABLE entries (thread BIGINT NOT NULL, seq INTEGER NOT NULL, parent BLOB NOT NULL,"
        " kind TEXT NOT NULL, bytes BLOB NOT NULL, sha256 BLOB NOT NULL, UNIQUE (thread, seq))",
    ),
    "postgres": (
        "CREATE TABLE agentmem_schema (version INTEGER PRIMARY KEY, applied DOUBLE PRECISION NOT NULL)",
        "CREATE TABLE threads (id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name TEXT NOT NULL UNIQUE,"
        " head INTEGER NOT NULL, tip BYTEA NOT NULL, parent BIGINT REFERENCES threads (id), parent_seq INTEGER,"
        " created DOUBLE PRECISION NOT NULL, updated DOUBLE PRECISION NOT NULL)",
        "CREATE TABLE entries (thread BIGINT NOT NULL, seq INTEGER NOT NULL, parent BYTEA NOT NULL,"
        " kind TEXT NOT NULL, bytes BYTEA NOT NULL, sha256 BYTEA NOT NULL, UNIQUE (thread, seq))",
    ),
}
"""The tables as version 1 made them, written down here so that a change of the steps cannot change them."""

OPENER = """
import sys
from agentmem.transcript.journal import open_journal
print("ready", flush=True)
sys.stdin.readline()
with open_journal(sys.argv[1]) as journal:
    print(len(journal.threads()), flush=True)
"""


def written_by_version_1(url: str) -> None:
    """A database of version 1 with one thread of two entries and a fork after the first."""
    storage = storage_of(url)
    for statement in VERSION_1[storage.driver.kind]:
        storage.run(statement)
    storage.run("INSERT INTO agentmem_schema VALUES (1, 1.5)")
    first = hashlib.sha256(b"\nopening\n{}").digest()
    second = hashlib.sha256(first.hex().encode() + b"\nuser\nhello").digest()
    storage.run("INSERT INTO threads (name, head, tip, created, updated) VALUES ('main', 1, ?, 10.0, 20.0)", second)
    storage.run(
        "INSERT INTO threads (name, head, tip, parent, parent_seq, created, updated)"
        " VALUES ('fork', 0, ?, 1, 0, 11.0, 21.0)",
        first,
    )
    storage.run("INSERT INTO entries VALUES (1, 0, ?, 'opening', ?, ?)", b"", b"{}", first)
    storage.run("INSERT INTO entries VALUES (1, 1, ?, 'user', ?, ?)", first, b"hello", second)
    storage.close()


def test_a_new_database_has_every_step(database_url: str) -> None:
    """The steps are numbered without gaps, and a new database went through all of them, once."""
    for _ in range(2):
        with open_journal(database_url):
            pass
    versions = [version for (version,) in sql(database_url, "SELECT version FROM agentmem_schema ORDER BY version")]
    assert versions == [step.version for step in STEPS] == list(range(1, LATEST + 1))


def test_a_database_of_version_1_is_brought_up_to_date(database_url: str) -> None:
    """Entries, threads and forks that version 1 wrote read back, and everything new works on them."""
    written_by_version_1(database_url)
    with open_journal(database_url) as journal:
        assert [(entry.kind, entry.data) for entry in journal.entries("main")] == [
            ("opening", b"{}"),
            ("user", b"hello"),
        ]
        assert [entry.reference for entry in journal.entries("fork")] == ["main/0"]
        main, fork = journal.threads()
        assert (main.created, main.updated, fork.parent) == (10.0, 20.0, ("main", 0))
        assert [entry.data for entry in journal.own("main", "user")] == [b"hello"]
        with journal.lease("fork"):
            journal.append("fork", [note("more")], head=0)
        assert journal.head("fork") == 1
    assert sql(database_url, "SELECT version FROM agentmem_schema ORDER BY version") == [
        (version,) for version in range(1, LATEST + 1)
    ]


def test_a_database_of_a_later_version_is_refused(database_url: str) -> None:
    """A later agentmem's database is refused unchanged, with what to do."""
    with open_journal(database_url):
        pass
    sql(database_url, "INSERT INTO agentmem_schema VALUES (?, 0.0)", LATEST + 1)
    with pytest.raises(SchemaTooNew, match="upgrade agentmem"):
        open_journal(database_url)
    assert sql(database_url, "SELECT max(version) FROM agentmem_schema") == [(LATEST + 1,)]


def test_tables_of_other_software_are_left_alone(database_url: str) -> None:
    """A database that has other tables of these names is refused, and nothing is made in it."""
    sql(database_url, "CREATE TABLE threads (subject TEXT)")
    with pytest.raises(ConfigError, match="tables named threads that are not agentmem's"):
        open_journal(database_url)
    assert sql(database_url, "{tables}") == [("threads",)]


def test_other_tables_do_no_harm(database_url: str) -> None:
    """A journal lives beside tables of other names, and forgetting a thread leaves their rows alone."""
    sql(database_url, "CREATE TABLE forum (thread_id TEXT)")
    sql(database_url, "INSERT INTO forum VALUES ('main')")
    with open_journal(database_url) as journal:
        journal.append("main", [note("a")], head=-1)
        assert journal.forget("main") == 1
    assert sql(database_url, "SELECT thread_id FROM forum") == [("main",)]


def test_two_processes_open_a_new_database_at_once(database_url: str) -> None:
    """Processes that make the tables at the same moment all get a journal, and each step is made once."""
    with child(OPENER, database_url) as one, child(OPENER, database_url) as two, child(OPENER, database_url) as three:
        openers = (one, two, three)
        assert [heard(opener) for opener in openers] == ["ready"] * 3
        for opener in openers:
            tell(opener, "go")
        assert [heard(opener) for opener in openers] == ["0"] * 3
    assert sql(database_url, "SELECT count(*) FROM agentmem_schema") == [(LATEST,)]
