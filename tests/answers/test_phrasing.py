"""Little words in questions that name the same things in nearly the same words, both ways round."""

import pytest

from agentmem.answers.phrasing import FRAMING, NEARLY, PHRASING, nearly
from agentmem.answers.words import pair
from tests.answers.gates import rule


@pytest.mark.parametrize(
    ("left", "right", "objects"),
    [
        ("How do I get paint off a brush?", "How do I get paint off with a brush?", "says"),
        ("What do I do if I missed the ferry?", "What do I do if I will miss the ferry?", "says"),
        ("Can I vote if I do not live here yet?", "Can I vote if I do not live here any more?", "says"),
        ("Will I be paid in two weeks?", "Will I be paid for two weeks?", "span"),
        ("Must nurses also wear gloves?", "Must also nurses wear gloves?", "focus"),
        ("Why do few pupils learn Welsh?", "Why do a few pupils learn Welsh?", "together"),
        ("Why are all my tests not run?", "Why are not all of my tests run?", "together"),
        ("Should I stop charging my phone at noon?", "Should I stop to charge my phone at noon?", "together"),
        ("My boss asked to work from home, and now?", "My boss asked me to work from home, and now?", "together"),
        ("Where does the higher rate of tax start?", "Where does the highest rate of tax start?", "degree"),
        ("What if my visa is expiring abroad?", "What if my visa has expired abroad?", "says"),
    ],
)
def test_a_little_word_that_says_something(left: str, right: str, objects: str) -> None:
    """It stands on one side alone, and names, places, times and verbs are the same."""
    assert rule(left, right) == rule(right, left) == objects


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("How do I oil a hinge?", "Please tell me how I can oil a hinge"),
        ("I need to know how one oils a hinge", "I want to know how to oil a hinge"),
        ("What does a stove weigh?", "How much does a stove weigh?"),
        ("Who built the pier?", "By whom was the pier built?"),
        ("What are good books on chess?", "What are good books for chess?"),
    ],
)
def test_a_little_word_that_only_puts_the_question(left: str, right: str) -> None:
    """Words of asking, a passive with its doer, and prepositions that stand for each other."""
    assert rule(left, right) == rule(right, left) == ""


def test_only_nearly_the_same_words_are_read_so_closely() -> None:
    """With a thing of its own on a side, or with more words apart, the gates say nothing."""
    for other in (
        "How do I fix a flat tyre at night?",
        "so tell me, what is it that one has to do to fix a flat at last",
    ):
        found = pair("How do I fix a flat?", other)
        assert not nearly(found) and all(gate(found) == "" for _, gate in PHRASING)
    assert nearly(pair("How do I fix a flat?", "How do I fix my flat?"))
    assert NEARLY == 4


def test_words_that_put_a_question_deny_nothing() -> None:
    """Those that change what is asked are none of them: only, until, without, more."""
    assert FRAMING.isdisjoint("only even also until without more still yet before after instead both few".split())  # noqa: SIM905
