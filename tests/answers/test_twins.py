"""Questions of nearly the same words, and questions in other words, both ways round."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentmem.answers.guard import RULES, SAID, objection
from agentmem.answers.twins import REWORDED, TWINS, are_twins, is_reworded
from agentmem.answers.words import pair
from tests.answers.gates import rule


@pytest.mark.parametrize(
    ("left", "right", "objects"),
    [
        ("What can I bake for a guest?", "What can I bake with a guest?", "placed"),
        ("What may I wear in court?", "What may I wear on court?", "placed"),
        ("What are good books on chess?", "What are good books for chess?", ""),
        ("How do I polish glass?", "How do I polish glasses?", "number"),
        ("How do I find the child of a node?", "How do I find the children of a node?", ""),
        ("How do I dress a wound?", "How do I dress wounds?", ""),
        ("How do I quote a book chapter in a thesis?", "How do I quote a book in a thesis?", "head"),
        ("How long does the match last?", "How long is the match?", ""),
        ("Is the deposit paid back if I cancel?", "Is the deposit paid back if they cancel?", "done by"),
        ("Can the cat harm the bird?", "Can the bird harm the cat?", "roles"),
        ("May I paint first and then sand?", "May I sand first and then paint?", "exchanged"),
        ("Do I rebase my feature branch onto main?", "Do I rebase main onto my feature branch?", "exchanged"),
        (
            "Did the long drought make the great crash worse?",
            "Did the great crash make the long drought worse?",
            "exchanged",
        ),
        ("What does home care cost here?", "What does a care home cost here?", "exchanged"),
        ("Who painted the barn?", "By whom was the barn painted?", ""),
        ("How do I replace the first match?", "How do I replace every match?", "which"),
        ("Which boxes can be left empty on the form?", "Which boxes have to be left empty on the form?", "allowed"),
        ("Can I apologise to my aunt?", "Can I apologise for my aunt?", "placed"),
        ("Who taxes rum sold to a ferry on the Rhine?", "Who taxes rum sold on a ferry on the Rhine?", "placed"),
        ("Can I insure a horse trailer?", "Can I insure a horse in a trailer?", "parted"),
        ("How long does honey keep?", "How long does opened honey keep?", "more"),
        ("What is the limit on this road?", "What is the limit on this road when it rains?", "more"),
        ("How do I send a note to an aunt?", "How do I send a note to several aunts?", "more"),
        ("How do I oil a hinge?", "Please explain how I oil a hinge", ""),
        ("How do I prepare to interview a nurse?", "How do I prepare to be interviewed as a nurse?", "voice"),
        ("Does 1..5 include the 5?", "Does 1...5 include the 5?", "symbols"),
        ("rsync src/ dst/ what is copied", "rsync src dst/ what is copied", "symbols"),
        ("Who can witness a will?", "How do you witness a will?", "asks"),
    ],
)
def test_what_differs_between_questions_of_nearly_the_same_words_was_meant(left: str, right: str, objects: str) -> None:
    """Another preposition, a plural, one more noun, another doer, or two things that changed places."""
    assert rule(left, right) == objects


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("Why is my laptop not charging any more?", "laptop plugged in all night, battery still empty, reasons?"),
        ("How do I get a stain out of a wool rug in winter?", "wool rug stain removal, what works"),
    ],
)
def test_a_question_in_other_words_may_have_other_little_words(left: str, right: str) -> None:
    """A narrowing phrase, a negation or another order is a way of putting it where most words differ."""
    found = pair(left, right)
    assert is_reworded(found)
    assert objection(found, [one for one in RULES if one[0] not in SAID]) == ("", "")


def test_what_is_asked_about_holds_in_whatever_words() -> None:
    """Another amount, name or opposite is an objection to a question in other words too."""
    left = "How do I convert 5 euros to pounds at the airport?"
    right = "what is the best way of changing money, say 50 euros, into pounds when I have landed?"
    assert is_reworded(pair(left, right))
    assert objection(pair(left, right))[0] == "amounts"


@given(st.text(max_size=60), st.text(max_size=60))
def test_no_pair_is_of_nearly_the_same_words_and_of_others(left: str, right: str) -> None:
    """The number of words that differ is the same both ways round, and decides which gates are asked."""
    one, other = pair(left, right), pair(right, left)
    assert one.apart == other.apart
    assert not (are_twins(one) and is_reworded(one))
    assert TWINS < REWORDED
