"""The words of a short transcript, held in memory: the same scores as by the index, and no matter how many threads."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agentmem.recall.archive import LanceArchive
from agentmem.recall.held_words import MOST, held_words
from agentmem.recall.scope import CANDIDATES, scope
from agentmem.recall.shelf import ShelfHit
from agentmem.transcript.journal import Journal, open_journal
from tests.recall.threads import Hashed, begun

SAID = (
    "The pump in hall 7 was running and then it stopped, said Ánna.",
    "Pumps run; a pump that runs runs hot. C++ and foo_bar.baz at /srv/pumps/hall-7",
    "",  # no piece
    "the and of",
    "注文を確認しました order_12 confirmed",
    "Hall hall HALL " * 40,
    "x" * 250 + " stopped",
)


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    with open_journal(tmp_path / "run.db") as opened:
        yield opened


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LanceArchive]:
    """An archive of one thread."""
    folder = tmp_path_factory.mktemp("told")
    with (
        open_journal(folder / "run.db") as journal,
        closing(LanceArchive(journal, folder / "archive", Hashed())) as archive,
    ):
        archive.keep("main", begun(journal, "main", *SAID))
        archive.settle()
        yield archive


WORDS = [word for text in SAID for word in text[:200].split()] + ["nobody", "the", "+", "7", "Hall", "runs"]


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from(WORDS), min_size=1, max_size=6))
def test_held_words_give_what_the_index_gives(told: LanceArchive, words: list[str]) -> None:
    """Whatever is asked: the same pieces with the same scores as by LanceDB's index, where it has no other thread."""
    question, spans = " ".join(words), tuple(told.spans("main"))
    held = scope(told.shelf, spans)
    assert held.words is not None
    index = {hit.place: hit.score for hit in told.shelf.by_words(question, spans, CANDIDATES)}
    assert {hit.place: hit.score for hit in held.by_words(question)} == pytest.approx(index, rel=1e-5)


def test_other_threads_change_no_score(journal: Journal, tmp_path: Path) -> None:
    """A word that this thread has once is rare in it, however often others say it, with and without an embedder."""
    for embedder in (Hashed(), None):
        with closing(LanceArchive(journal, tmp_path / f"archive {embedder}", embedder)) as archive:
            archive.keep("main", journal.head("main") if embedder is None else begun(journal, "main", *SAID))
            archive.settle()
            before = scope(archive.shelf, tuple(archive.spans("main"))).by_words("order pump")
            for number in range(5):
                name = f"other {number} {embedder}"
                archive.keep(name, begun(journal, name, *["order order order"] * 20))
            archive.settle()
            assert scope(archive.shelf, tuple(archive.spans("main"))).by_words("order pump") == before
            assert [hit.place for hit in before][:1] == [3]


def test_long_transcripts_use_the_index(journal: Journal, tmp_path: Path) -> None:
    """The words of a transcript that is longer than MOST are not held, and are found all the same."""
    long = [f"word{number} " + "filler " * 200 for number in range(MOST // 1400 + 1)]
    with closing(LanceArchive(journal, tmp_path / "archive", Hashed())) as archive:
        archive.keep("main", begun(journal, "main", *long))
        archive.settle()
        held = scope(archive.shelf, tuple(archive.spans("main")))
        assert held.loaded is not None
        assert held.words is None
        found = held.at([hit.place for hit in held.by_words("word3")])
        assert [piece.text.split()[0] for piece in found.values()] == ["word3"]


def test_no_text_is_taken_for_the_mark_between_texts() -> None:
    """Numbers that look like what is put between texts are words like others."""
    hits = [ShelfHit(place, "", "", "user", 0.0) for place in range(3)]
    held = held_words(hits, [f"{10**20} first", "second", f"third {10**20} {10**20 + 1}"])
    assert held is not None
    assert sorted(hit.place for hit in held.search(str(10**20), 9)) == [0, 2]
    assert [hit.place for hit in held.search("second", 9)] == [1]
    assert held_words([], []) is not None
