"""Difficulty: questions are ordered by what the large model gains, from labelled ones; saved without their texts."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentmem.errors import ConfigError
from agentmem.routing.difficulty import Difficulty, LabelledQuestion, area, cues_of, read
from agentmem.types import Vectors


class ByWords:
    """An embedder by words: texts that share words are near."""

    name = "by-words"
    dimensions = 64

    def embed(self, texts: Sequence[str]) -> Vectors:
        rows = np.zeros((len(texts), self.dimensions), np.float32)
        for at, text in enumerate(texts):
            for word in text.lower().split():
                rows[at, int.from_bytes(hashlib.sha256(word.encode()).digest()[:2], "big") % self.dimensions] += 1
        lengths = np.linalg.norm(rows, axis=1, keepdims=True)
        return (rows / np.where(lengths > 0, lengths, 1)).astype(np.float32)


def questions(count: int = 60) -> list[LabelledQuestion]:
    """Sums that both answer, and proofs that only the large model does."""
    easy = [LabelledQuestion(f"What is the sum of {n} and 2?", True, True, "sums") for n in range(count)]
    hard = [LabelledQuestion(f"Prove the lemma of case {n} by induction.", False, True, "proofs") for n in range(count)]
    return easy + hard


def test_harder_questions_have_the_larger_gain() -> None:
    """By the subject, and by likeness alone where it is not known."""
    known = Difficulty.of(questions(), ByWords())
    sums, proofs = known.gains([("What is the sum of 99 and 2?", ""), ("Prove the lemma of case 99 by induction.", "")])
    assert sums < 0.4 < 0.6 < proofs
    by_subject = known.gains([("Explain it.", "sums"), ("Explain it.", "proofs")])
    assert by_subject[0] < by_subject[1]


def test_the_threshold_decides() -> None:
    """A gain at or above it asks for the large model."""
    known = Difficulty.of(questions(), ByWords()).at(0.5)
    assert known.needs_large("Prove the lemma of case 7 by induction.", "proofs")
    assert not known.needs_large("What is the sum of 7 and 2?", "sums")


def test_a_question_that_both_answer_gains_nothing() -> None:
    """However sure the large model is: what counts is what it adds."""
    known = Difficulty.of(questions(), ByWords())
    (sums,) = known.gains([("What is the sum of 99 and 2?", "sums")])
    assert abs(sums) < 0.1


def test_no_labelled_question_is_its_own_neighbour() -> None:
    """Else its own answer would tell that of its nearest, and new questions have none: one lone answer moves little."""
    some = [LabelledQuestion(f"word{n} alone{n}", n % 2 == 0, True, "") for n in range(40)]
    known = Difficulty.of(some, ByWords())
    assert float(np.ptp(known.gains([(f"other{n} thing{n}", "") for n in range(20)]))) < 0.4


def test_many_questions_are_taken_in_parts() -> None:
    """The gains of a thousand questions are those of each alone."""
    known = Difficulty.of(questions(), ByWords())
    asked = [(f"What is the sum of {n} and 2, by induction?", ("sums", "proofs", "")[n % 3]) for n in range(1_030)]
    together = known.gains(asked)
    assert together[[0, 511, 512, 1_029]] == pytest.approx([known.gains([asked[n]])[0] for n in (0, 511, 512, 1_029)])


def test_saved_and_read(tmp_path: Path) -> None:
    """The same guesses, without any text in the file."""
    known = Difficulty.of(questions(), ByWords()).at(0.25)
    known.save(tmp_path / "router.npz")
    again = read(tmp_path / "router.npz", ByWords())
    asked = [("Prove it by induction.", "proofs")]
    assert again.gains(asked) == pytest.approx(known.gains(asked), abs=1e-4)
    assert again.threshold == 0.25
    assert b"lemma" not in (tmp_path / "router.npz").read_bytes()


def test_a_file_that_is_no_router(tmp_path: Path) -> None:
    """Says which command makes one; another embedder's is refused."""
    (tmp_path / "no.npz").write_text("no")
    with pytest.raises(ConfigError, match="agentmem route tune"):
        read(tmp_path / "no.npz", ByWords())
    Difficulty.of(questions(), ByWords()).save(tmp_path / "router.npz")
    other = ByWords()
    other.name = "another"
    with pytest.raises(ConfigError, match="was made with the embedder by-words"):
        read(tmp_path / "router.npz", other)


def test_cues_are_counts() -> None:
    """Words, numbers, options and so on, as logarithms."""
    found = cues_of("Which is it?\nA. 8\nB. 2\nAnswer:")
    assert found[1] == pytest.approx(np.log1p(2))
    assert found[2] == pytest.approx(np.log1p(2))


@given(st.lists(st.sampled_from([-1.0, 0.0, 1.0]), min_size=4, max_size=60))
def test_the_area_is_highest_in_the_right_order(gains: list[float]) -> None:
    """No order is better than that of the gains themselves, and their reverse is its mirror image."""
    values = np.array(gains)
    if values.sum() > 0:
        best, worst = area(values, values), area(-values, values)
        assert worst <= area(np.arange(len(values), dtype=float), values) <= best
