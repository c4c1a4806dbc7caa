"""The gates on prefixes and endings, both ways round."""

import pytest

from tests.answers.gates import rule


def known(word: str) -> bool:
    """All words are known but those that begin with q."""
    return not word.startswith("q")


@pytest.mark.parametrize(
    ("left", "right", "objects"),
    [
        ("What is hyperthermia in dogs?", "How do I notice hypothermia in a dog?", "prefix"),
        ("Is prenatal care free of charge?", "Do I pay for postnatal care?", "prefix"),
        ("How do I load the page again?", "How do I preload the page?", "antonyms"),
        ("Is the sting harmless?", "Could the sting be harmful?", "antonyms"),
        ("What does the lessor sign at the end?", "What does the lessee sign at the end?", "participant"),
        ("Who is the trainer?", "Who is the trainee?", "participant"),
        ("Which source is good for tea?", "Which resource is good for tea?", "swap"),
    ],
)
def test_a_prefix_or_an_ending_that_makes_another_word(left: str, right: str, objects: str) -> None:
    """Hyper is not hypo, the lessor not the lessee."""
    assert rule(left, right, known) == objects
    assert bool(rule(right, left, known)) == bool(objects)
