"""Short texts of values: two values that differ have two texts, and one value has one."""

import pytest

from agentmem.team.proof.brief import brief, briefly, cut

LONG = list(range(20))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ([*LONG, 1], [*LONG, 2]),
        ({"a": LONG, "b": 1}, {"a": LONG, "b": 2}),
        ({n: n for n in LONG}, {**{n: n for n in LONG}, 19: 0}),
        ("a" * 500 + "b", "a" * 500 + "c"),
        (10**5000, 10**5000 + 1),
        ([["a" * 200]], [["a" * 199 + "b"]]),
        ([1], (1,)),
    ],
    ids=range(7),
)
def test_values_that_differ_anywhere_have_other_texts(one: object, other: object) -> None:
    """What is left out of a text counts in its sum."""
    assert brief(one) != brief(other)
    assert briefly([one], {}) != briefly([other], {})


def test_texts_are_short_and_do_not_hang_on_the_order_of_a_set() -> None:
    """No text of one value is longer than a line, and a set is written in one order."""
    assert all(len(brief(one)) <= 120 for one in (LONG * 50, "a" * 5000, dict.fromkeys(range(90), "b" * 50)))
    assert brief({"b", "a"}) == "set('a', 'b')"
    assert cut("a") == "a"


def test_a_large_value_is_told_by_its_beginning_and_a_sum_of_all() -> None:
    """Two that differ anywhere are not told alike, and equal ones are."""
    one, same, other = ([{"a": [number, "x" * 50]} for number in range(300)] for _ in range(3))
    other[299]["a"][1] = "y"
    assert brief(one) == brief(same) != brief(other)
    assert len(brief(one)) <= 130
