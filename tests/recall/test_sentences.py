"""Sentences of pieces and their vectors."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentmem.recall.pieces import Piece
from agentmem.recall.sentences import LONG, STRETCH, embedded, nearest, parts, restored, sentences, stretches, unpacked
from tests.recall.threads import Hashed


def piece(text: str, about: str = "") -> Piece:
    return Piece("main", 1, 0, "", "user", "", about, text)


def test_sentences_end_at_stops_and_lines() -> None:
    """What is very short is joined to what stands before it."""
    text = "The owl sleeps in the old barn. It wakes up when the sun is down!\n- mice\nNobody has seen it for a week."
    assert sentences(text) == [
        "The owl sleeps in the old barn.",
        "It wakes up when the sun is down! - mice",
        "Nobody has seen it for a week.",
    ]


@given(st.text())
def test_no_word_is_lost(text: str) -> None:
    """The sentences joined have the text's words, in order."""
    assert " ".join(sentences(text)).split() == text.split() or not text.strip()


def test_what_a_long_piece_says_once_is_found() -> None:
    """Its sentence is nearer to a question in the same words than the piece is."""
    embedder = Hashed(dimensions=256)
    long = " ".join(f"Row {at} of the table has nothing in it at all." for at in range(12))
    text = f"{long} The otter eats trout on Fridays."
    whole, packed = embedded(embedder, [(piece(text), None), (piece("short one"), piece("before"))])
    question = embedder.embed(["the otter eats trout on fridays."])[0]
    rows, starts = unpacked(packed, 256)
    best = nearest(rows, starts, question)
    assert best[0] == pytest.approx(1.0, abs=0.02)
    assert best[0] > whole[0] @ question + 0.2
    assert np.linalg.norm(whole, axis=1) == pytest.approx(1.0, abs=1e-5)


def test_a_short_piece_has_what_came_before_it() -> None:
    """Its own vector is of both; its sentence's of itself."""
    embedder = Hashed()
    alone, _ = embedded(embedder, [(piece("Crimson."), None)])
    after, packed = embedded(embedder, [(piece("Crimson."), piece("Which colour has the lighthouse?"))])
    question = embedder.embed(["lighthouse?"])[0]
    assert after[0] @ question > alone[0] @ question
    assert len(packed[0]) == embedder.dimensions


@given(st.text())
def test_stretches_have_every_word_of_a_long_sentence(text: str) -> None:
    """They overlap, in order, and none is longer than STRETCH; a short sentence has none."""
    words, found = text.split(), list(stretches(text))
    assert bool(found) == (len(words) > LONG)
    assert all(len(one.split()) <= STRETCH for one in found)
    assert not found or [one.split()[0] for one in found] == words[: len(found) * (STRETCH // 2) : STRETCH // 2]
    assert not found or found[-1].split()[-1] == words[-1]


def test_only_what_people_say_is_cut_finer() -> None:
    """Pages are long, and have their sentences alone; the bytes of a part give its vector back."""
    text = " ".join(f"word{at}" for at in range(40))
    page = Piece("main", 1, 0, "", "tool_result", "", "", text)
    assert parts(page) == (text,)
    assert parts(piece(text)) == (text, *stretches(text))
    embedder = Hashed()
    _, packed = embedded(embedder, [(piece(text), None)])
    rows = restored(unpacked(packed, embedder.dimensions)[0])
    assert rows == pytest.approx(embedder.embed(parts(piece(text))), abs=0.01)


def test_nothing_has_no_sentences() -> None:
    """An archive without pieces is searched like any other."""
    rows, starts = unpacked([], 64)
    assert nearest(rows, starts, np.ones(64, np.float32)).shape == (0,)
