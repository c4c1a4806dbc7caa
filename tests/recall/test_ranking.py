"""How scores are fused, smoothed and raised."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentmem.errors import RerankerNotAvailable
from agentmem.recall import ranking
from agentmem.recall.archive import HELD, LanceArchive
from agentmem.recall.pieces import Piece
from agentmem.recall.ranking import search
from agentmem.recall.scope import Prior, Scope, load, scope
from agentmem.recall.shelf import ShelfHit
from agentmem.transcript import transcript
from agentmem.transcript.journal import open_journal
from tests.recall.threads import Hashed, begun, tell

SCORES = st.dictionaries(st.integers(0, 50), st.floats(0.01, 100))


@given(SCORES, SCORES)
def test_fused_scores_lie_between_nothing_and_one(words: dict[int, float], meaning: dict[int, float]) -> None:
    """Every place that either search gave has one; the best by both has 1."""
    fused = ranking.fused(words, meaning)
    assert fused.keys() == words.keys() | meaning.keys()
    assert all(0 <= score <= 1 + 1e-9 for score in fused.values())


def test_without_meaning_words_alone_count() -> None:
    """While vectors are missing a word's match is not halved."""
    assert ranking.fused({1: 4.0, 2: 2.0}, None) == {1: 1.0, 2: 0.5}
    assert ranking.fused({1: 4.0, 2: 2.0}, {}) == {1: 0.4, 2: 0.2}


def test_a_neighbour_of_the_same_day_helps() -> None:
    """The better of two; not one of another day; and what was not found itself comes in."""
    raised = ranking.smoothed({1: 1.0, 2: 0.5, 3: 0.2}, {1: "mon", 2: "tue", 3: "tue"})
    assert raised[2] == pytest.approx(0.5 + 0.3 * 0.2)
    assert raised[3] == pytest.approx(0.2 + 0.3 * 0.5)
    assert raised[0] == pytest.approx(0.3)
    assert raised[1] == pytest.approx(1.0)


def test_the_named_speaker_gains_and_two_names_say_nothing() -> None:
    """Only whoever is named alone."""
    speakers = {1: "Ann", 2: "Bob", 3: ""}
    assert ranking.bonuses(speakers, ["Ann"], [3]) == {1: ranking.SPEAKER, 3: ranking.EXACT}
    assert ranking.bonuses(speakers, ["Ann", "Bob"], []) == {}


def test_a_rare_word_stands_out() -> None:
    """One piece far above the tenth gains, and pieces that score alike do not."""
    alike = dict.fromkeys(range(20), 5.0)
    assert not any(ranking.outstanding(alike).values())
    assert ranking.outstanding({**alike, 7: 20.0})[7] == 2 * ranking.OUTSTANDING
    assert ranking.outstanding({1: 3.0})[1] == ranking.OUTSTANDING
    assert ranking.outstanding({}) == {}


PLACES = st.lists(st.integers(0, 200), unique=True, max_size=60)


@given(PLACES, PLACES, PLACES)
def test_no_search_loses_its_first_ten(order: list[int], words: list[int], meaning: list[int]) -> None:
    """Whatever the fusion makes of it: the first TOP of each are among the first LOOKED_AT, and nothing is lost."""
    found = ranking.fair(order, words, meaning)
    due = {*words[: ranking.TOP], *meaning[: ranking.TOP]}
    assert due <= set(found[: ranking.LOOKED_AT])
    assert set(found) == {*order, *due}
    assert len(found) == len(set(found))


@given(PLACES, st.permutations(range(20)))
def test_what_nothing_is_missing_from_stays_as_it_is(order: list[int], words: list[int]) -> None:
    """The order changes only where a piece would be lost."""
    assert ranking.fair(order, order, order[::2]) == order
    assert [at for at in ranking.fair(order, words) if at in order][:5] == order[:5]


def test_words_that_hardly_fit_count_for_little() -> None:
    """A search by words has a best piece always: what it scored says whether that is one."""
    weak, strong = ranking.added({1: 3.0}, {2: 0.5}, 5), ranking.added({1: 30.0}, {2: 0.5}, 5)
    assert weak[1] < strong[1] == pytest.approx(ranking.WORDS)
    assert weak[2] == strong[2] == pytest.approx(1 - ranking.WORDS)
    assert ranking.added({1: 15.0}, None, 5) == {1: 1.0}
    assert ranking.added({}, None, 5) == {}


def test_only_what_was_said_has_neighbours() -> None:
    """A page beside an answer tells nothing of it."""
    known = {place: ShelfHit(place, "mon", "", kind, 0.0) for place, kind in enumerate(("user", "tool_result"))}
    assert ranking.spoken({0: 1.0, 1: 0.5}, known)[1] == 0.5
    known[1] = known[1]._replace(kind="assistant")
    assert ranking.spoken({0: 1.0, 1: 0.5}, known)[1] == pytest.approx(0.5 + ranking.NEIGHBOUR)


@pytest.mark.parametrize(
    ("question", "names"),
    [
        ("Where does Ada live?", ["Ada"]),
        ("What did Ann tell Ada in March?", ["Ada"]),
        ("Where is it?", []),
    ],
)
def test_names_in_a_question(question: str, names: list[str]) -> None:
    """Words written large inside a sentence; not speakers, who have a gain of their own, nor months."""
    assert ranking.called(question, ["Ann"]) == names


@pytest.mark.parametrize(
    ("question", "names", "wordings"),
    [
        (
            "Which instrument does Ada play?",
            ["Ada"],
            ["Which instrument does Ada play?", "Which instrument does they play?"],
        ),
        ("Is Ada's flat near Bea's?", ["Ada", "Bea"], ["Is Ada's flat near Bea's?", "Is their flat near their?"]),
        ("Where is it?", [], ["Where is it?"]),
    ],
)
def test_a_question_is_compared_with_and_without_its_names(
    question: str, names: list[str], wordings: list[str]
) -> None:
    """A short sentence with the name seems near whatever else it says."""
    assert ranking.wordings(question, names) == wordings


def test_a_subject_in_small_letters() -> None:
    """A word that few pieces have counts where a question has what it is about, unless the question has a name."""
    assert ranking.subjects("What is the timeout of importer?") == ["importer"]
    assert ranking.subjects("Which port does the gateway's twin use?") == ["gateway"]
    few, many = "the importer stops", "all others go on"
    pieces = {at: Piece("t", at, 0, "", "user", "", "", few if at < 3 else many) for at in range(40)}
    assert ranking.having((), ["importer"], pieces) == dict.fromkeys(range(3), ranking.ABOUT)
    assert ranking.having((), ["others"], pieces) == {}
    assert ranking.having(["all"], ["importer"], pieces) == dict.fromkeys(range(3, 40), ranking.CALLED)


def test_the_best_come_first_and_of_equals_the_later() -> None:
    """A place that only has a bonus counts too."""
    assert ranking.best(ranking.summed({1: 1.0, 2: 1.0, 3: 0.1}, {3: 0.5, 9: 3.0}), 3) == [9, 2, 1]


@pytest.mark.parametrize(
    ("question", "found"),
    [
        ('Who said "good evening, all"?', ["good evening, all"]),
        ("What is in src/app/main.py?", ["src/app/main.py"]),
        ("Where is k_9f8a-7c.", ["k_9f8a-7c"]),
        ("What did Ada Lovelace write?", ["Ada Lovelace"]),
        ("When did the ship leave?", []),
        ("Does Ann like it?", []),
    ],
)
def test_what_a_question_quotes(question: str, found: list[str]) -> None:
    """Quotations, paths, codes and names of several words; nothing else."""
    assert ranking.codes(question) == found


@given(st.text())
def test_any_question_can_be_asked(question: str) -> None:
    """Whatever its signs: words for a full-text query, codes and names come out without an error."""
    assert all(word.strip() for word in ranking.words_of(question).split(" ") if word)
    assert all(len(code) > 3 for code in ranking.codes(question))
    assert ranking.without(question, ["Ann"]) or not question.strip()


def test_names_leave_the_question() -> None:
    """Possessives too; a question of names alone stays."""
    assert ranking.named("What did Ann say to Annabel?", ["Ann", "Bob", "Ann"]) == ["Ann"]
    assert ranking.without("What did Ann's dog eat?", ["Ann"]) == "What did dog eat?"
    assert ranking.without("Ann", ["Ann"]) == "Ann"


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
        ours, theirs = loaded.by_meaning(vector, 60), archive.shelf.by_meaning(vector, spans, 60)
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


class Contrary:
    """A reranker that likes what the search likes least, or one whose package is gone."""

    name = "contrary"

    def __init__(self, gone: bool) -> None:
        self.gone = gone

    def scores(self, question: str, passages: Sequence[str]) -> list[float]:
        if self.gone:
            raise RerankerNotAvailable("it is not installed any more")
        return [float(at) for at, _ in enumerate(passages)]


@settings(max_examples=25, deadline=None)
@given(st.lists(st.sampled_from([*ANIMALS, "eats", "near", "post", "number", "37", "owls", "quiet"]), max_size=5))
def test_a_search_keeps_what_either_of_its_two_found(archive: LanceArchive, words: list[str]) -> None:
    """Whatever is asked: the ten that share most words with it, and the ten that are nearest in meaning. A reranker
    changes only their order, and without its package nothing changes.
    """
    question = " ".join(words)
    held = scope(archive.shelf, tuple(archive.spans("main")))
    plain = search(held, question, ranking.LOOKED_AT)
    read = search(held, question, ranking.LOOKED_AT, Contrary(gone=False))
    assert search(held, question, ranking.LOOKED_AT, Contrary(gone=True)) == plain
    found = {piece.key for piece in read}
    assert found == {piece.key for piece in plain}
    prior = Prior(ranking.ANYBODY)
    for hits in (held.by_words(ranking.words_of(question)), held.by_meaning(question.capitalize(), prior=prior) or []):
        pieces = held.at([hit.place for hit in hits[: ranking.TOP]])
        assert {piece.key for piece in pieces.values()} <= found
