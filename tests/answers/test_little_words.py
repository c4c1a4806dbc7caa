"""The gates on prepositions, particles, amounts, times and voice, both ways round."""

import pytest

from tests.answers.gates import rule


@pytest.mark.parametrize(
    ("left", "right", "objects"),
    [
        ("Who checks the car until delivery?", "Who checks the car at delivery?", "preposition"),
        ("How do I list files up to 30 days?", "How do I list files from 30 days?", "preposition"),
        ("Is the path into the wood steep?", "Is the path out of the wood steep?", "particle"),
        ("Can I pay by voucher?", "Can I pay a voucher?", "preposition"),
        ("How do I write to a socket?", "How do I write from a socket?", "preposition"),
        ("What is the charge for the wash?", "What is the charge of the wash?", ""),
        ("How do I unsubscribe from the list?", "How do I unsubscribe to the list?", ""),
        ("Is it better to fry or boil?", "Is it better to fry and boil?", "preposition"),
        ("What does it cost to rent out a boat?", "What does it cost to rent a boat?", "particle"),
        ("How do I sign up?", "How do I sign in?", "particle"),
        ("How do I print out a label?", "How do I print a label?", ""),
        ("How do I roll over my plan?", "My plan, how do I roll it over?", ""),
        ("Do both owners have to agree?", "Does one owner have to agree?", "quantity"),
        ("What are all the parks?", "What are some of the parks?", ""),
        ("What was the fare last year?", "What was the fare this year?", "time of"),
        ("Which lines contain only digits?", "Which lines contain digits?", "quantity"),
        ("Is the note for the owner?", "Is the note from the owner?", "preposition"),
        ("How do I write to my aunt?", "How do I write about my aunt?", "preposition"),
        ("How do I sail with the wind?", "How do I sail against the wind?", "preposition"),
        ("What stands on the shelf?", "What stands with the shelf?", "placed"),
        ("tea vs coffee: which is stronger?", "Between coffee and tea, which is stronger?", ""),
        ("Who did Hector defeat?", "Who defeated Hector?", "voice"),
        ("Was Hector killed by Achilles?", "Did Hector kill Achilles?", "voice"),
        ("Can they sue me?", "Can I sue them?", "voice"),
    ],
)
def test_a_word_of_a_closed_class_that_changes_the_question(left: str, right: str, objects: str) -> None:
    """Before is not at, hire is not hire out, both is not one; what says about the same passes."""
    assert rule(left, right) == objects
    assert bool(rule(right, left)) == bool(objects)
