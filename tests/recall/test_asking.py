"""Questions as they are read: the user, and days."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentmem.recall.asking import Day, day_of, read


@pytest.mark.parametrize(
    ("question", "core"),
    [
        ("What is the user's rent?", "What is my rent?"),
        ("Where does the user live?", "Where does I live?"),
        ("What broke on 14 March 2026?", "What broke?"),
        ("What did the user buy in May?", "What did I buy?"),
        ("On June 3, what happened?", "What happened?"),
        ("Who joined two weeks before the launch?", "Who joined?"),
        ("May I ask why?", "May I ask why?"),
        ("What stood in front of the user interface 3.1?", "What stood in front of I interface 3.1?"),
    ],
)
def test_what_is_compared(question: str, core: str) -> None:
    """The question as the user would put it, without the days that it names."""
    assert read(question).core == core


def test_days_as_far_as_they_are_named() -> None:
    """A month, a day of any year, a whole date in any of the usual forms."""
    assert read("What broke in March?").days == (Day(3),)
    assert read("What broke on March 14th?").days == (Day(3, 14),)
    assert read("What broke on the 14th of March, 2026?").days == (Day(3, 14, 2026),)
    assert read("What broke on 2026-03-14?").days == (Day(3, 14, 2026),)
    assert read("What broke?").nearness(None) is None


def test_a_month_fits_its_days() -> None:
    """Of every year, unless one is named."""
    near = read("What broke in March?").nearness(None)
    assert near is not None
    assert [near(date(2026, 3, 1)), near(date(2025, 3, 31)), near(date(2026, 4, 1))] == [1.0, 1.0, 0.0]


@pytest.mark.parametrize(("question", "day"), [("two weeks after the launch", 24), ("one week before the launch", 3)])
def test_weeks_from_an_event(question: str, day: int) -> None:
    """Nearest on the day itself, and less the further from it."""
    asked = read(f"What broke {question}?")
    near = asked.nearness(date(2026, 5, 10))
    assert asked.span is not None and asked.span.event == "the launch"
    assert near is not None
    assert near(date(2026, 5, day)) == 1.0 > near(date(2026, 5, day + 2)) > near(date(2026, 5, 14 if day == 3 else 10))
    assert asked.nearness(None) is None


def test_before_today() -> None:
    """ "Three days ago" has no event: it counts from the last day that is known."""
    span = read("What broke three days ago?").span
    assert span is not None
    assert (span.days, span.event) == (-3, "")


def test_the_day_of_a_note() -> None:
    """As agentmem writes it, and as others do; no day that does not exist."""
    assert day_of("Today is Monday, 5 January 2026.") == date(2026, 1, 5)
    assert day_of("Today is 1:56 pm on 8 May, 2023.") == date(2023, 5, 8)
    assert day_of("31 February 2026") is None
    assert day_of("in May") is None


@given(st.text())
def test_any_question_can_be_read(question: str) -> None:
    """There is always something to embed."""
    assert read(question).core.strip() or not question.strip()
