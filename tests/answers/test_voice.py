"""The gates on who does it to whom, and on whose relation one is, both ways round."""

import pytest

from tests.answers.gates import rule


@pytest.mark.parametrize(
    ("left", "right", "objects"),
    [
        ("When may I inspect the house?", "When may I be inspected?", "voice"),
        ("Which teams did Spain beat?", "Which teams was Spain beaten by?", "voice"),
        ("What led to the strike?", "What did the strike lead to?", "voice"),
        ("Can a clerk refuse to serve a guest?", "Can a guest refuse to be served by a clerk?", "voice"),
        ("Must a clerk serve a guest?", "Must a guest be served by a clerk?", ""),
        ("Does a shop sell here?", "Does a shop get sold here?", "voice"),
        ("What if a guest tips a clerk?", "What if a guest is tipped?", "voice"),
        ("In which cases do I request refunds?", "In which cases do I request to be refunded?", ""),
        ("Can I register online?", "Can I be registered online?", ""),
        ("Can I send the box back?", "Can the box be sent back?", ""),
        ("What did they charge me?", "What was I charged?", ""),
        ("How old is my aunt's neighbour?", "How old are my aunt and my neighbour?", "of whom"),
        ("How old is my aunt's neighbour?", "How old is the neighbour of my aunt?", ""),
        ("What is my aunt's address?", "What is the address of my aunt?", ""),
    ],
)
def test_who_does_it_and_whose_it_is(left: str, right: str, objects: str) -> None:
    """What I do is not what is done to me; the neighbour of an aunt is not the aunt. The same in other words passes."""
    assert rule(left, right) == objects
    assert rule(right, left) == objects
