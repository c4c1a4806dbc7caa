"""Two questions side by side: what each has and the other lacks."""

import pytest

from agentmem.answers.words import pair, same_words
from agentmem.recall.embedder import MiniLM

SPELLS = MiniLM().spells


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("How do I change the address on my account?", "How do I chnage the adress on my acount?"),
        ("Is there a discount for nurses on trains?", "On trains, is there a discount for nurses?"),
        ("Where is the bike rack?", "um, where is bike rack please"),
        ("What's the boiling point of water?", "whats the boiling point of water"),
        ("Where can I buy a ticket for 2 zones?", "Hi team, where can I buy tickets for two zones? Thanks"),
    ],
)
def test_the_same_words(one: str, other: str) -> None:
    """Typos, endings, articles, pleasantries and what stands in front make no other question."""
    assert same_words(pair(one, other, SPELLS))
    assert same_words(pair(other, one, SPELLS))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("How do I top up my card?", "How do I top up on my card?"),
        ("Must I show a ticket?", "Can I show a ticket?"),
        ("Does a wolf eat a fox?", "Does a fox eat a wolf?"),
        ("How do I find a shop?", "How do I find a store?"),
        ("Is one ticket enough for 2 zones?", "Is one ticket enough for 3 zones?"),
        ("Is 5 more than 6?", "Is 6 more than 5?"),
        ("Where is the rack?", "Where is the bike rack?"),
    ],
)
def test_other_words(one: str, other: str) -> None:
    """Small words count, and so does who does what to whom; a synonym is another word."""
    assert not same_words(pair(one, other, SPELLS))


def test_nothing_but_idle_words() -> None:
    """Two questions without any word are not taken for the same."""
    assert not same_words(pair("the", "a", SPELLS))
