"""Pieces in memory are searched like the tables they come from."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from agentmem.recall.archive import HELD, LanceArchive
from agentmem.recall.loaded import load
from agentmem.recall.searching import Scope, search
from agentmem.transcript import transcript
from agentmem.transcript.journal import open_journal
from tests.recall.threads import Hashed, begun, tell

ANIMALS = ("owl", "heron", "badger", "otter", "stoat", "marten", "shrew")
SAID = [f"The {ANIMALS[at % 7]} near post {at} eats {ANIMALS[at % 5]} number {at * 37}." for at in range(60)]


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LanceArchive]:
    """A thread and a fork of it that went on by itself, archived and embedded."""
    folder: Path = tmp_path_factory.mktemp("loaded")
    with open_journal(folder / "run.db") as journal:
        opened = LanceArchive(journal, folder / "archive", Hashed())
        opened.keep("main", begun(journal, "main", *SAID))
        journal.fork("main", 40, "fork")
        opened.keep("fork", 40)
        opened.settle()
        yield opened
        opened.close()


@pytest.mark.parametrize("thread", ["main", "fork"])
def test_memory_and_tables_agree(archive: LanceArchive, thread: str) -> None:
    """The same pieces by meaning and by text, and the same result of a search, whoever was asked."""
    spans = tuple(archive.spans(thread))
    loaded = load(archive.shelf, spans)
    assert loaded is not None
    assert len(loaded.pieces) == (60 if thread == "main" else 40)
    for question in ("what does the otter eat", "heron near post 12", "number 1147"):
        vector = archive.shelf.embedder.embed([question])[0]  # type: ignore[union-attr] # it was given
        ours, theirs = loaded.by_meaning(vector, 25), archive.shelf.by_meaning(vector, spans, 25)
        assert [hit.score for hit in ours] == pytest.approx([hit.score for hit in theirs], abs=1e-5)
        assert {hit.place for hit in loaded.by_text("post 12", 9)} == {
            hit.place for hit in archive.shelf.by_text("post 12", spans, 9)
        }
        bare = Scope(archive.shelf, spans, (), embedded=True)
        held = Scope(archive.shelf, spans, (), embedded=True, loaded=loaded)
        assert search(held, question, 5)[0] == search(bare, question, 5)[0]
    assert loaded.at([3, 7, 1_000]) == archive.shelf.at([3, 7, 1_000], spans)


def test_what_is_too_much_stays_in_the_tables(archive: LanceArchive) -> None:
    """Memory is for a transcript of a bounded size, and one that has anything."""
    spans = tuple(archive.spans("main"))
    assert load(archive.shelf, spans, most=59) is None
    assert load(archive.shelf, archive.spans("nobody")) is None


def test_a_thread_is_read_once_however_it_grows(archive: LanceArchive) -> None:
    """What is said after the last compaction changes nothing in what is held; old threads make room for new ones."""
    first = archive.search("main", "heron near post 12")
    held = archive._scopes["main"][1].loaded
    tell(archive.journal, "main", transcript.user("And the heron near post 99?"))
    assert archive.search("main", "heron near post 12") == first
    assert archive._scopes["main"][1].loaded is held
    for at in range(HELD):
        archive.keep(f"other {at}", begun(archive.journal, f"other {at}", *SAID[:3]))
    archive.settle()
    for at in range(HELD):
        assert archive.search(f"other {at}", "owl")
    assert len(archive._scopes) == HELD
    assert "main" not in archive._scopes
