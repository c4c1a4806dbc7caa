"""What the reranker changes of an order, and what it reads of a piece."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentmem.errors import RerankerNotAvailable
from agentmem.recall.packaged import RERANKER, File, read
from agentmem.recall.reranker import MODEL, CrossEncoder
from agentmem.recall.reranking import REACH, READ, WEIGHT, WINDOW, reranked, window
from agentmem.recall.sentences import sentences


class Says:
    """A reranker that says the same of a passage whatever is asked; it notes what it read."""

    name = "says"

    def __init__(self, **logits: float) -> None:
        self.logits, self.read = logits, list[str]()

    def scores(self, question: str, passages: Sequence[str]) -> list[float]:
        self.read = list(passages)
        return [self.logits.get(one, 0.0) for one in passages]


TEXTS = {place: f"p{place}" for place in range(60)}


def test_what_answers_comes_first() -> None:
    """A logit weighs so much that one that answers overtakes one that scored a little more."""
    says = Says(p3=4.0, p1=-4.0)
    assert reranked(says, "?", [1, 2, 3], {1: 1.0, 2: 0.95, 3: 0.9}, TEXTS.__getitem__) == [3, 2, 1]


def test_what_is_far_ahead_stays_first() -> None:
    """Where all others are out of reach nothing is read: the search alone is sure."""
    says = Says(p2=9.0)
    assert reranked(says, "?", [1, 2], {1: 2.0, 2: 2.0 - REACH - 0.01}, TEXTS.__getitem__) == [1, 2]
    assert says.read == []


@given(
    st.lists(st.integers(0, 59), unique=True, max_size=50),
    st.dictionaries(st.integers(0, 59), st.floats(0, 3)),
    st.dictionaries(st.integers(0, 59), st.floats(-11, 9)),
)
def test_nothing_is_lost(order: list[int], scores: dict[int, float], logits: dict[int, float]) -> None:
    """The same places, those that were not read in the order that they had, and at most READ of them read."""
    says = Says(**{f"p{place}": logit for place, logit in logits.items()})
    found = reranked(says, "?", order, scores, TEXTS.__getitem__)
    assert sorted(found) == sorted(order) and len(says.read) <= READ
    unread = [place for place in order if f"p{place}" not in says.read]
    assert [place for place in found if place in unread] == unread
    assert set(found[:READ]) == set(order[:READ])


@given(st.lists(st.text("ab .", min_size=1, max_size=120), min_size=1, max_size=12), st.integers(0, 30))
def test_the_nearest_sentence_is_read(parts: list[str], near: int) -> None:
    """Whatever the text: its nearest sentence is read, and no more than the window has room for beside it."""
    text = "".join(f"{part}.\n" for part in parts)
    seen, one = window(text, near), sentences(text)[min(near, len(sentences(text)) - 1)]
    assert "".join(one.split()) in "".join(seen.split()) and len(seen) <= max(WINDOW, len(one))


def test_without_sentences_the_whole_text_is_read() -> None:
    """Where no vectors of sentences are held, the reranker is given all of it."""
    assert window("word. " * 200, None) == "word. " * 200
    assert WEIGHT * 20 > REACH  # what is read can overtake


def test_the_packaged_reranker_knows_what_answers() -> None:
    """What answers is above zero and what has nothing to do with it far below; none of it depends on the others."""
    passages = ["Marta has a flat in Lisbon these days.", "Marta plays the cello.", "The town hall opens at nine."]
    asked = "Which town does Marta live in?"
    home, cello, hall = CrossEncoder().scores(asked, passages)
    assert home > 0 > cello > hall
    alone = [CrossEncoder().scores(asked, [one])[0] for one in passages]
    assert alone == pytest.approx([home, cello, hall], abs=1e-3)
    assert CrossEncoder().scores(asked, []) == []


def test_a_missing_or_changed_package_is_named_with_its_cure() -> None:
    """The error is the reranker's own, and says which extra to install."""
    with pytest.raises(RerankerNotAvailable, match=r"no-such-package is not installed.*agentmem-runtime\[rerank\]"):
        read(File("no_such_package", "model.onnx", ""), RERANKER)
    with pytest.raises(RerankerNotAvailable, match="sha256"):
        read(MODEL._replace(sha256="0" * 64), RERANKER)
