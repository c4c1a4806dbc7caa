"""The archive: exact text back, hybrid search, and nothing lost whatever happens to its folder."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

import pytest

from agentmem.errors import ArchiveError, EmbedderNotAvailable
from agentmem.recall.archive import LanceArchive
from agentmem.transcript import transcript
from agentmem.transcript.journal import Journal, open_journal
from agentmem.types import Archive, Embedder, Vectors
from tests.recall.threads import Hashed, answered, asked, begun, compacted, tell


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    with open_journal(tmp_path / "run.db") as opened:
        yield opened


@pytest.fixture
def archive(journal: Journal, tmp_path: Path) -> Iterator[LanceArchive]:
    """An archive of the journal, with a light embedder."""
    opened = LanceArchive(journal, tmp_path / "archive", Hashed())
    yield opened
    opened.close()


def texts(archive: LanceArchive, thread: str, question: str, limit: int = 8) -> list[str]:
    return [piece.text for piece in archive.search(thread, question, limit)]


def kept(archive: LanceArchive, thread: str, *said: str) -> None:
    """A new thread whose texts have all left the window, and are archived and embedded."""
    archive.keep(thread, begun(archive.journal, thread, *said))
    archive.settle()


def test_it_is_an_archive(archive: LanceArchive) -> None:
    """It satisfies the Protocol that the runtime is written against."""
    protocol: Archive = archive
    assert protocol is archive


def test_what_left_comes_back_exactly_with_its_place(archive: LanceArchive, journal: Journal) -> None:
    """Every piece is the text of its entry, in order and whole."""
    text = "".join(f"line {number}:\tvalue = {number * 7}  \n" for number in range(300))
    begun(journal, "main", "Read the table.")
    tell(journal, "main", asked("c1", "read", '{"page": "table.md"}'))
    last = tell(journal, "main", answered("c1", text))
    archive.keep("main", last)
    archive.settle()
    found = [piece for piece in archive.search("main", "line value", 50) if piece.seq == last]
    pieces = sorted(found, key=lambda piece: piece.part)
    assert "".join(piece.text for piece in pieces) == text
    assert {piece.about for piece in pieces} == {'read {"page": "table.md"}'}
    assert archive.recall("main").exact(f"main/{last}#2") == pieces[1].text


def test_words_and_meaning_are_both_searched(archive: LanceArchive) -> None:
    """The piece that fits best comes first; one entry is found for a word that only it has."""
    kept(archive, "main", "The boat is red.", "The harbour opens at six.", "Anna keeps bees.")
    assert texts(archive, "main", "when does the harbour open")[0] == "The harbour opens at six."
    assert texts(archive, "main", "bees", 1) == ["Anna keeps bees."]
    assert texts(archive, "main", "?!") is not None


def test_a_quoted_code_is_found_letter_for_letter(archive: LanceArchive) -> None:
    """Among others that share all but one letter, and inside a longer word."""
    codes = [f"k_9f8a{letter}7c-0.1/x" for letter in "abcdefgh"]
    kept(archive, "main", *(f"The key is {code}." for code in codes))
    for code in codes:
        assert texts(archive, "main", f"Where is {code}", 1) == [f"The key is {code}."]
    assert texts(archive, "main", "9f8ah7", 1) == ["The key is k_9f8ah7c-0.1/x."]


def test_a_neighbour_of_what_fits_is_found_too(archive: LanceArchive) -> None:
    """The answer shares no word with the question, and stands after the piece that does."""
    filler = [f"number {number} of a series" for number in range(30)]
    kept(archive, "main", *filler[:15], "Which colour has the lighthouse?", "Crimson.", *filler[15:])
    assert texts(archive, "main", "lighthouse colour", 2) == ["Which colour has the lighthouse?", "Crimson."]


def test_threads_do_not_see_each_other_and_forks_see_their_past(archive: LanceArchive, journal: Journal) -> None:
    """A fork finds what came before it, and nothing that its parent did afterwards."""
    kept(archive, "main", "the parrot is green")
    journal.fork("main", 1, "side")
    archive.keep("main", tell(journal, "main", transcript.user("the parrot is yellow")))
    archive.keep("side", tell(journal, "side", transcript.user("the parrot is blue")))
    kept(archive, "it's other", "the parrot is grey")
    assert set(texts(archive, "side", "parrot")) == {"the parrot is green", "the parrot is blue"}
    assert set(texts(archive, "main", "parrot")) == {"the parrot is green", "the parrot is yellow"}
    assert texts(archive, "it's other", "parrot") == ["the parrot is grey"]


def test_until_the_embedding_is_done_words_are_searched(journal: Journal, tmp_path: Path) -> None:
    """What was asked for a moment ago is found at once; the vectors come behind."""
    gate = threading.Event()

    class Slow(Hashed):
        def embed(self, texts):  # type: ignore[no-untyped-def]  # as in Hashed
            gate.wait(20)
            return super().embed(texts)

    embedder = Slow()
    archive = LanceArchive(journal, tmp_path / "archive", embedder)
    archive.keep("main", begun(journal, "main", "the owl is asleep", "the fox is awake"))
    assert texts(archive, "main", "owl", 1) == ["the owl is asleep"]
    assert embedder.texts == 0
    gate.set()
    archive.settle()
    assert embedder.texts == 4  # each piece with what came before it, and its one sentence
    assert texts(archive, "main", "owl", 1) == ["the owl is asleep"]
    assert embedder.texts == 5
    archive.close()


def test_closing_waits_for_a_moment_only(journal: Journal, tmp_path: Path) -> None:
    """What is embedded when the archive is closed is kept; the next one does the rest and no more."""

    class Closing(Hashed):
        """Closes the archive when it has embedded a little."""

        def embed(self, texts: "Sequence[str]") -> Vectors:
            brief.close()
            return super().embed(texts)

    first, second = Closing(), Hashed()
    brief = LanceArchive(journal, tmp_path / "archive", first)
    brief.keep("main", begun(journal, "main", *(f"The owl number {at} sleeps." for at in range(100))))
    brief.settle()
    assert 0 < first.texts < 200
    with closing(LanceArchive(journal, tmp_path / "archive", second)) as heir:
        heir.keep("main", 100)
        heir.settle()
        assert second.texts == 200 - first.texts


def test_an_embedder_that_has_gone_is_done_without(journal: Journal, tmp_path: Path) -> None:
    """Where the question cannot be embedded, the words alone are searched."""

    class Leaving(Hashed):
        """An embedder whose package is removed at some time."""

        gone = False

        def embed(self, texts: "Sequence[str]") -> Vectors:
            if self.gone:
                raise EmbedderNotAvailable("it is not installed any more")
            return super().embed(texts)

    embedder = Leaving()
    with closing(LanceArchive(journal, tmp_path / "archive", embedder)) as archive:
        kept(archive, "main", "The owl sleeps by day.", "The heron fishes.")
        embedder.gone = True
        assert texts(archive, "main", "owl", 1) == ["The owl sleeps by day."]


def test_another_embedder_is_noticed(journal: Journal, tmp_path: Path) -> None:
    """Its vectors are made anew, with other dimensions too, and the old ones go."""
    folder = tmp_path / "archive"
    embedders: list[Embedder | None] = [Hashed(), Hashed("other", 32), None, Hashed("third", 48)]
    last = begun(journal, "main", "the owl is asleep", "the fox is awake")
    for embedder in embedders:
        archive = LanceArchive(journal, folder, embedder)
        archive.keep("main", last)
        archive.settle()
        assert texts(archive, "main", "owl", 1) == ["the owl is asleep"]
        tables = archive.shelf.tables.names()
        archive.close()
        assert len(tables) == 2


def test_asking_again_adds_nothing(archive: LanceArchive, journal: Journal, tmp_path: Path) -> None:
    """Neither in this process nor for a second archive in the same folder."""
    kept(archive, "main", *(f"text {number}" for number in range(50)))
    other = LanceArchive(journal, tmp_path / "archive", Hashed())
    for one in (archive, other, archive):
        one.keep("main", 50)
        one.settle()
    assert archive.shelf.count() == 50
    other.close()


def test_writers_side_by_side(journal: Journal, tmp_path: Path) -> None:
    """Four archives of one folder take in the same and other threads at once: every piece is there once."""
    lasts = {
        f"t{number}": begun(journal, f"t{number}", *(f"w{number} x{at}" for at in range(40))) for number in range(4)
    }
    archives = [LanceArchive(journal, tmp_path / "archive", Hashed()) for _ in range(4)]

    def write(archive: LanceArchive) -> None:
        for thread, last in lasts.items():
            for upto in range(10, last + 10, 10):
                archive.write(thread, min(upto, last))

    writers = [threading.Thread(target=write, args=(archive,)) for archive in archives]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    for archive in archives:
        archive.settle()
    assert archives[0].shelf.count() == 160
    assert sorted(texts(archives[1], "t2", "w2", 60)) == sorted(f"w2 x{at}" for at in range(40))
    for archive in archives:
        archive.close()


def test_old_versions_and_fragments_go(archive: LanceArchive, journal: Journal) -> None:
    """After many batches the maintenance leaves few fragments, all in the index."""
    begun(journal, "main", "text 0")
    for number in range(1, 12):
        archive.keep("main", tell(journal, "main", transcript.user(f"text {number}")))
        archive.settle()
    table = archive.shelf.pieces
    assert table.stats()["fragment_stats"]["num_fragments"] <= 2
    assert table.index_stats("words_idx").num_unindexed_rows == 0


def test_a_forgotten_thread_leaves_no_byte(archive: LanceArchive, journal: Journal, tmp_path: Path) -> None:
    """Nothing is found, and the text stands in no file any more; other threads stay."""
    kept(archive, "main", "the password is swordfish")
    kept(archive, "other", "the password is haddock")
    journal.forget("main")
    archive.forget("main")
    assert texts(archive, "main", "password") == []
    assert texts(archive, "other", "password") == ["the password is haddock"]
    files = [file for file in (tmp_path / "archive").rglob("*") if file.is_file()]
    assert not [file for file in files if b"swordfish" in file.read_bytes()]


def test_a_name_that_is_used_again_brings_back_nothing_old(archive: LanceArchive, journal: Journal) -> None:
    """Where the journal forgot a thread without the archive, the archive notices by the hashes."""
    kept(archive, "main", "the password is swordfish")
    journal.forget("main")
    kept(archive, "main", "the password is haddock")
    assert texts(archive, "main", "password") == ["the password is haddock"]


def test_what_a_compaction_left_behind_is_archived_when_it_is_searched(archive: LanceArchive, journal: Journal) -> None:
    """A run was killed between its compaction and the archive: the next search takes it in from the journal."""
    begun(journal, "main", "the owl is asleep", "the fox is awake")
    tell(journal, "main", compacted(1, "An owl."), transcript.user("and now?"))
    assert texts(archive, "main", "owl fox now") == ["the owl is asleep"]


def test_recall_also_has_what_came_since(archive: LanceArchive, journal: Journal) -> None:
    """What left first; what is in the window yet comes among it, each thing once."""
    begun(journal, "main", *(f"owl {number}" for number in range(9)))
    tell(journal, "main", compacted(8, "Owls."), transcript.user("a new owl"))
    found = archive.recall("main").search("owl", 5)
    assert [one.reference for one in found].index("main/9") == 3
    assert len({one.reference for one in found}) == 5


def test_words_that_nobody_said_find_nothing(journal: Journal, tmp_path: Path) -> None:
    """Where there are no vectors, a question whose words occur nowhere has no answer, before and after a cut."""
    with closing(LanceArchive(journal, tmp_path / "words")) as archive:
        begun(journal, "main", "the owl is asleep", "the fox is awake")
        assert archive.recall("main").search("fresh") == []
        tell(journal, "main", compacted(2, "An owl."), transcript.user("and now?"))
        assert archive.recall("main").search("fresh") == []


def test_a_damaged_folder_costs_nothing_but_the_ranking(
    archive: LanceArchive, journal: Journal, tmp_path: Path
) -> None:
    """Recall falls back on the journal, the error says what mends it, and rebuilding does."""
    begun(journal, "main", "the owl is asleep", "the fox is awake")
    tell(journal, "main", compacted(2, "An owl."))
    archive.rebuild()
    archive.settle()
    for file in (tmp_path / "archive").rglob("*"):
        if file.is_file():
            file.write_bytes(b"damaged")
    broken = LanceArchive(journal, tmp_path / "archive", Hashed())
    with pytest.raises(ArchiveError, match="agentmem recall --rebuild"):
        broken.search("main", "owl")
    assert [one.excerpt for one in broken.recall("main").search("owl")] == ["the owl is asleep"]
    assert broken.rebuild() == 2
    broken.settle()
    assert texts(broken, "main", "owl", 1) == ["the owl is asleep"]
    broken.close()


def test_rebuilding_gives_the_same_pieces(archive: LanceArchive, journal: Journal) -> None:
    """Thread by thread what the compactions left behind, forks included."""
    begun(journal, "main", *(f"owl {number}" for number in range(9)))
    tell(journal, "main", compacted(8, "Owls."))
    journal.fork("main", 9, "side")
    archive.keep("main", archive.left("main"))
    archive.settle()
    before = archive.search("side", "owl", 20)
    assert len(before) == archive.rebuild() == 8
    archive.settle()
    assert archive.search("side", "owl", 20) == before


KILLED = """
import sys
from pathlib import Path
from agentmem.transcript.journal import open_journal
from agentmem.recall.archive import LanceArchive
from tests.recall.threads import Hashed

folder = Path(sys.argv[1])
archive = LanceArchive(open_journal(folder / "run.db"), folder / "archive", Hashed())
for last in range(20, 401, 20):
    archive.write("main", last)
    print(last, flush=True)
    archive.keep("main", last)
"""


@pytest.mark.parametrize("batches", [1, 3, 7])
def test_a_kill_in_mid_write_loses_nothing(journal: Journal, tmp_path: Path, batches: int) -> None:
    """Killed at some moment after so many batches: the tables open, what was acknowledged is there, the rest comes."""
    begun(journal, "main", *(f"owl number{number}" for number in range(400)))
    process = subprocess.Popen([sys.executable, "-c", KILLED, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    acknowledged = 0
    for _ in range(batches):
        acknowledged = int(process.stdout.readline())
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    archive = LanceArchive(journal, tmp_path / "archive", Hashed())
    assert archive.shelf.count() >= acknowledged
    archive.keep("main", 400)
    archive.settle()
    assert archive.shelf.count() == 400
    assert archive.shelf.embedded(archive.spans("main"))
    archive.close()
