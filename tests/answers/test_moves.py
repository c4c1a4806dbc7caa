"""The same words in another order, and other words in the same place, both ways round."""

import pytest

from tests.answers.gates import rule


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("In Bern, how do I park a van?", "How do I park a van in Bern?"),
        ("When a fuse blows, what should I do first?", "What should I do first when a fuse blows?"),
        ("What's the difference between a toad and a frog?", "What is the difference between a frog and a toad?"),
        ("How do I renew my library subscription?", "How do I renew my subscription to the library?"),
        ("How can I improve my Welsh reading skills?", "How can I improve my reading skills in Welsh?"),
        ("tomato seed spacing", "spacing of tomato seed"),
        ("What is today's tide table?", "What is the tide table today?"),
        ("Who carved the altar?", "By whom was the altar carved?"),
        ("My van, how do I insure it?", "How do I insure my van?"),
    ],
)
def test_a_part_that_a_little_word_opens_may_stand_elsewhere(left: str, right: str) -> None:
    """Also what "and" joins, a noun before a noun or behind it, words of time, and a few words for a search."""
    assert rule(left, right) == rule(right, left) == ""


@pytest.mark.parametrize(
    ("left", "right", "objects"),
    [
        ("Which faults can a slack belt cause?", "Which faults can cause a slack belt?", "moved"),
        ("How do I declare a list of a map?", "How do I declare a map of a list?", "roles"),
        ("If the pump stops, does the valve close?", "If the valve closes, does the pump stop?", "moved"),
        ("Does my aunt's policy cover my van?", "Does my policy cover my aunt's van?", "moved"),
        ("How many crowns is one dollar?", "How many dollars is one crown?", "roles"),
        ("how many apples is one pear", "how many pears is an apple worth", "converted"),
        ("what tea is there on freight trains", "can you tell me which tea they have on coal trains", "modifier"),
        ("What does a blue card cost?", "could you please tell me what I have to pay for a green card", "kinds"),
    ],
)
def test_another_order_or_another_word_before_a_noun_asks_something_else(left: str, right: str, objects: str) -> None:
    """What does it and what it is done to, the two sides of a conversion, and of two kinds of one thing."""
    assert rule(left, right) == rule(right, left) == objects
