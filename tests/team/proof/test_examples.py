"""agentmem.team.proof.examples: what words say that a call gives."""

import pytest

from agentmem.team.proof.apart import ApartRun, SeenTest
from agentmem.team.proof.examples import against, agrees, examples, kept, of_docstrings, specified

CODE = '''
def fee(minutes):
    """The fee.

    >>> fee(30)
    0
    >>> fee(61)
    4
    """
'''


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (">>> fee(30)\n0", [("fee(30)", 0)]),
        ("`fee(30)` is 0, as ever.", [("fee(30)", 0)]),
        ("parking.fee(30, night=True) == [1, 2]", [("fee(30, night=True)", [1, 2])]),
        ("fee(')') -> 'a'", [("fee(')')", "a")]),
        ("`fee(30)` should return 0.", [("fee(30)", 0)]),
        ("`fee(30)` is 0 by day", []),
        ("`fee(minutes)` is 0", []),
        ("fee(30) = fee(31)", []),
        (">>> fee(30)", []),
        ("fee(", []),
        ("Bug: `fee(30) == 0` at the moment. A stay of 30 minutes should cost 250.", []),
        ("`fee(30) == 0` is wrong, it must be 250.", []),
        ("Currently `fee(30)` gives `0`.", []),
        ("`assert fee(30) == 0` passes today, which is the bug.", []),
        ('assert fee(30) == 2, "the message of the assert"', [("fee(30)", 2)]),
        ("assert pair(3) == (1, 2), f(3)", [("pair(3)", (1, 2))]),
        ("assert pair(3) == (1, 2)", [("pair(3)", (1, 2))]),
        ("pair(3) == 1, 2", [("pair(3)", (1, 2))]),
        ("`not fee(30) == 0`", []),
        ("Actual:\n\n>>> fee(30)\n0\n\nExpected: 7.", []),
        ("The rest is wrong. `fee(30) == 0`.", [("fee(30)", 0)]),
    ],
)
def test_examples_in_a_text(text: str, found: list[object]) -> None:
    """A call with written values, and a value that ends the line or a part of the sentence, which tells of no fault."""
    assert list(examples(text)) == found


def test_the_task_goes_before_docstrings_and_two_values_say_nothing() -> None:
    """What the task says of a call counts, then docstrings; of a call with two values neither counts."""
    assert list(of_docstrings(CODE)) == [("fee(30)", 0), ("fee(61)", 4)]
    assert specified("`fee(30)` is 2.", [CODE]) == {"fee(30)": 2, "fee(61)": 4}
    assert specified("fee(1) == 1\nfee(1) == 2", ["no python ("]) == {}


def test_a_test_against_an_example() -> None:
    """The tests are found in which a call was answered otherwise; docstrings count for what the old code answered."""
    trace = (("parking.fee(30)", "2"), ("parking.fee(61)", "4"))
    run = ApartRun(
        {"a": SeenTest("a", "passed", trace=trace), "b": SeenTest("b", "passed", trace=trace[1:])}, ended=True
    )
    said = specified("", [CODE])
    assert against(run, said) == {"a": "fee(30) is 0 there, and 2 here"}
    method = SeenTest("a", "passed", trace=(("Box().fee(30)", "2"),))
    assert against(ApartRun({"a": method}, ended=True), said) == {}
    raised = (("parking.fee(30)", "raises NotImplementedError"), ("parking.fee(61)", "4"))
    assert kept(said, ApartRun({"a": SeenTest("a", "passed", trace=raised)}, ended=True)) == {"fee(61)": 4}


@pytest.mark.parametrize(
    ("answer", "value", "same"),
    [("1", 1.0, True), ("list(1, 2)", (1, 2), True), ("0.3333", 0.33, True), ("'a'", "b", False), ("2", 0, False)],
)
def test_answers_as_people_write_them(answer: str, value: object, same: bool) -> None:
    """A number without its point, a list for a tuple and a rounded number are the same."""
    assert agrees(answer, value) is same
