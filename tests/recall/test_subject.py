"""What is said of whom a question is about, and which of its versions holds."""

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from agentmem.recall import subject
from agentmem.recall.archive import LanceArchive
from agentmem.recall.pieces import Piece
from agentmem.recall.ranking import few
from agentmem.recall.subject import Told, bare, gains
from agentmem.transcript.journal import open_journal
from tests.recall.threads import Hashed, begun

SAID = (
    "Ilse paints the fence green and drinks tea with the neighbours of the old mill.",
    "The ferry leaves at nine.",
    "Ilse plays the harp.",
    "Bertil plays the tuba in the evening.",
    "Ilse now plays the oboe instead.",
    "I play the drums.",
    "Bertil has the drums of a friend in his cellar.",
)


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LanceArchive]:
    """A thread in which two people's instruments are told between other things."""
    folder: Path = tmp_path_factory.mktemp("told")
    with open_journal(folder / "run.db") as journal:
        opened = LanceArchive(journal, folder / "archive", Hashed(dimensions=512))
        filler = [f"Page {at} of the manual is about gears and belts." for at in range(30)]
        opened.keep("main", begun(journal, "main", *SAID, *filler))
        opened.settle()
        yield opened
        opened.close()


def first(archive: LanceArchive, question: str) -> str:
    return archive.search("main", question, 1)[0].text


def test_of_two_versions_the_one_that_holds_comes_first(archive: LanceArchive) -> None:
    """What tells of a change for a question on the present, the earlier for one on the past."""
    assert first(archive, "What plays our friend Ilse?") == SAID[4]
    assert first(archive, "What plays our friend Ilse originally?") == SAID[2]


def test_somebody_who_has_the_name_comes_before_another_who_does_the_same(archive: LanceArchive) -> None:
    """The name decides whose sentence it is, and the rest of it which sentence."""
    assert first(archive, "What plays our friend Bertil?") == SAID[3]


def test_the_user_speaks_of_himself(archive: LanceArchive) -> None:
    """Who says "I" in the sentence that is nearest to a question on the user, and not who is spoken of."""
    held = archive._scope("main")
    assert held.loaded is not None
    vector = Hashed(dimensions=512).embed(["drums"])[0]
    assert subject.of_oneself(held, held.loaded.pieces, vector) == {5: subject.ONESELF}


def test_a_name_leaves_a_vector() -> None:
    """What is left has nothing of the names' directions, and unit length; many rows at once, or one."""
    names = np.array([[1, 0, 0, 0], [0.6, 0.8, 0, 0]], np.float32)
    rows = bare(np.array([[0.6, 0, 0.8, 0], [0.5, 0.5, 0.5, 0.5]], np.float32), names)
    assert rows @ names.T == pytest.approx(0, abs=1e-6)
    assert np.linalg.norm(rows, axis=1) == pytest.approx(1)
    assert bare(np.array([0.6, 0, 0.8, 0], np.float32), names) == pytest.approx([0, 0, 1, 0], abs=1e-6)


def test_a_change_counts_where_it_is_about_what_is_asked() -> None:
    """Another matter of the same person that changed does not come before what did not."""
    found = {1: Told(0.5, False), 2: Told(0.45, True), 3: Told(0.1, True)}
    now, before = gains(found, before=False), gains(found, before=True)
    assert now[2] > now[1] > now[3]
    assert before[1] > max(before[2], before[3])
    assert gains({}, before=False) == {}


@pytest.mark.parametrize(
    ("question", "past"),
    [
        ("Which port did the relay have originally?", True),
        ("Where did she live before the move?", True),
        ("What is the port of the relay?", False),
    ],
)
def test_questions_on_what_was(question: str, past: bool) -> None:
    """Words of a question that ask for what a later sentence replaced."""
    assert subject.former(question) == past


def test_few_have_a_word() -> None:
    """A word is a subject where some pieces have it, and not where many or none do."""
    pieces = {at: Piece("t", at, 0, "", "user", "", "", "the relay" if at < 3 else "a page") for at in range(40)}
    assert few(["relay", "page", "gateway"], pieces) == ["relay"]


def test_no_sentence_has_the_subject(archive: LanceArchive) -> None:
    """Places whose pieces do not have it, or that are not there, are left out."""
    held = archive._scope("main").loaded
    assert held is not None
    vector, name = Hashed(dimensions=512).embed(["plays", "ilse"])
    found = subject.told(held, [0, 1, 2, 999], re.compile("ilse", re.IGNORECASE), vector, name[None])
    assert 1 not in found
    assert 999 not in found
    assert set(found) <= {0, 2, 3, 4}
