"""The guard, the words that it reads, and the pairs that it compares."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentmem.answers.guard import PLAIN, RULES, objection
from agentmem.answers.words import pair, stem, words
from tests.answers.gates import rule

KNOWN = frozenset({"how", "change", "email", "address", "lock", "unlock", "card", "mary", "mark"})


def spells(word: str) -> bool:
    """A small vocabulary, as a spelling check."""
    return word in KNOWN


@pytest.mark.parametrize(
    ("left", "right", "objects"),
    [
        ("Track parcel 7712", "Track parcel 7721", "amounts"),
        ("Can I cancel after two weeks?", "Can I cancel after 3 weeks?", "amounts"),
        ("Wake me at 6am", "Wake me at 6pm", "amounts"),
        ("What does error E-4021 mean?", "What does error E-4012 mean?", "amounts"),
        ("Send the report", "Do not send the report", "negation"),
        ("Does it run without a licence?", "Does it run with a licence?", "negation"),
        ("How do I mute the alarm?", "How do I unmute the alarm?", "antonyms"),
        ("Which trains are allowed?", "Which trains are banned?", "antonyms"),
        ("How do I log in to the portal?", "How do I log out of the portal?", "particle"),
        ("Are you open on Monday?", "Are you open on Thursday?", "kinds"),
        ("Does the Zephyr have a camera?", "Does the Quasar have a camera?", "names"),
        ("What is my account limit?", "What is my joint account limit?", "scope"),
        ("A bus from Oslo to Bergen", "A bus from Bergen to Oslo", "order"),
    ],
)
def test_a_small_difference_that_changes_the_answer_is_objected_to(left: str, right: str, objects: str) -> None:
    """Each rule objects to its own kind of difference, in both directions."""
    assert rule(left, right) == objects
    assert rule(right, left) == objects


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("How do I renew my pass?", "Hi team, how do I renew my pass please? Many thanks"),
        ("Can I return it after 14 days?", "Can I return it after two weeks?"),
        ("What's the fastest way to the airport?", "What is the quickest way to the airport?"),
        ("How much is 15% of it?", "How much is fifteen percent of it?"),
        ("Is there a discount on tickets?", "On tickets, is there a discount?"),
        ("HOW DO I TOP UP?", "how do i top up"),
        ("A single egg", "One egg"),
    ],
)
def test_other_words_for_the_same_pass(left: str, right: str) -> None:
    """Courtesies, units, synonyms and the order of clauses are not differences."""
    assert rule(left, right) == ""


def test_a_typo_is_dropped_before_words_are_compared() -> None:
    """A word in no vocabulary, one or two letters off, is a typo. Two correctly spelt words are different."""
    typo = pair("How do I change my email address?", "How do I chnage my email adress?", spells)
    assert (typo.typos, typo.lone_left, typo.lone_right) == (2, (), ())
    assert pair("Lock my card", "Unlock my card", spells).typos == 0
    assert objection(pair("Email Mary", "Email Mark", spells), PLAIN)[0] != ""


def test_a_word_for_another_is_objected_to() -> None:
    """If all else is the same, one word for another is an objection; without a spelling check it always is."""
    swapped = pair("Does the tent need pegs?", "Does the tent need poles?")
    assert objection(swapped, RULES)[0] == objection(swapped, PLAIN)[0] == "swap"
    loose = pair("Does the tent need pegs?", "Are poles needed by the tent?")
    assert objection(loose, RULES)[0] == ""
    assert objection(loose, PLAIN)[0] == "swap"


def test_numbers_are_read_in_digits_and_in_words() -> None:
    """Digits, words, thousands, half hours, scales and units give the same amount."""
    assert words("two hundred and five").numbers == words("205").numbers == ((205.0, ""),)
    assert words("1,500").numbers == words("1.5 thousand").numbers == ((1500.0, ""),)
    assert words("2 weeks").numbers == words("14 days").numbers == ((14.0, "day"),)
    assert words("twenty one").numbers == ((21.0, ""),)


def test_irregular_forms_have_the_stem_of_their_word() -> None:
    """Irregular forms have the stem of their word: "children" of "child", "sent" of "send"."""
    assert stem("children") == stem("child")
    assert stem("sent") == stem("send")
    assert stem("cities") == stem("city")


@given(st.text(max_size=80))
def test_a_question_has_nothing_against_itself(text: str) -> None:
    """The guard never objects to a question and itself."""
    assert objection(pair(text, text), PLAIN) == ("", "")


@given(st.text(max_size=60), st.text(max_size=60))
def test_which_question_was_first_makes_no_difference(left: str, right: str) -> None:
    """The guard objects to a pair in both directions or in none."""
    assert bool(rule(left, right)) == bool(rule(right, left))
