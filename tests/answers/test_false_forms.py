"""Words that a stemmer takes for forms of others."""

import pytest

from agentmem.answers.false_forms import FALSE_FORMS, own_forms
from agentmem.answers.words import pair, stem


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("moth", "mother"),
        ("win", "wine"),
        ("not", "note"),
        ("location", "local"),
        ("state", "station"),
        ("ear", "early"),
    ],
)
def test_two_words_of_one_stem_are_two(one: str, other: str) -> None:
    """They are no forms of each other."""
    assert stem(one) != stem(other)


@pytest.mark.parametrize("form", ["rates", "rated", "rating"])
def test_a_words_own_forms_stay_with_it(form: str) -> None:
    """A protected word still has its endings cut."""
    assert stem(form) == stem("rate") == "rate"


@pytest.mark.parametrize(
    ("left", "right", "same"),
    [
        ("a renewal of the pass", "renewals of the pass", True),
        ("the police car", "the policy car", False),
        ("the plan for May", "the plant for May", False),
        ("a table to draw", "a tablet to draw", False),
        ("the employer pays", "the employee pays", False),
    ],
)
def test_a_stem_behind_another_counts_only_if_the_word_is_made_from_it(left: str, right: str, same: bool) -> None:
    """Renew and renewal are one word with an ending; police and policy are two."""
    found = pair(left, right, lambda word: True)
    assert (not found.lone_left and not found.lone_right) == same


def test_no_word_is_there_twice() -> None:
    """Each has one line in the table, and is its own stem."""
    words = FALSE_FORMS.split()
    assert len(words) == len(set(words))
    assert all(own_forms()[word] for word in words)
