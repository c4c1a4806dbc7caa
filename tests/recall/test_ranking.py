"""How scores are fused, smoothed and raised."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentmem.recall import ranking

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


def test_the_best_come_first_and_of_equals_the_later() -> None:
    """A place that only has a bonus counts too."""
    assert ranking.best({1: 1.0, 2: 1.0, 3: 0.1}, {3: 0.5, 9: 3.0}, 3) == [9, 2, 1]


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
