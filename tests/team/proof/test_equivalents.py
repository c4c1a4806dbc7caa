"""Equivalent mutants: other words, the same program."""

from hypothesis import given
from hypothesis import strategies as st

from agentmem.team.proof.equivalents import equivalent

CODE = '''
def fee(minutes, *, free=30):
    """The fee."""
    hours = [one for one in range(3)]  # a comment

    def inner(one):
        return one + rate

    rate = 2
    try:
        import math as maths
        first, *rest = hours
    except ValueError as error:
        first = error
    class Held:
        rate = 5
    match minutes:
        case {"a": found, **others}:
            return found, others
    return (0 if minutes <= free else inner(maths.ceil(minutes / 60))), first, rest, Held.rate, f"{rate=}"
'''


@given(st.integers(0, 200) | st.just({"a": 1, "b": 2}))
def test_an_equivalent_does_the_same(minutes: object) -> None:
    """Names and layout are other ones, and every answer is the same."""
    made = equivalent(CODE)
    assert made is not None and "# a comment" not in made and "hours_" in made
    before, after = dict[str, object](), dict[str, object]()
    exec(CODE, before)
    exec(made, after)
    assert _answer(before, minutes) == _answer(after, minutes)


def _answer(module: dict[str, object], minutes: object) -> object:
    fee = module["fee"]
    assert callable(fee)
    return fee(minutes)


def test_names_that_are_seen_stay() -> None:
    """A function that looks at its own variables keeps them; what is no Python has no equivalent."""
    made = equivalent("def f():\n    x = 1  # one\n    return locals()\n")
    assert made is not None and "x_" not in made
    assert equivalent("def f(:\n") is None
    assert equivalent("x = 1\n") is None
