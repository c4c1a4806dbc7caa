"""agentmem.team.proof.changing: a test that goes on to use what the code has changed takes it from the code."""

from pathlib import Path

from tests.team.proof.works import apart, verdicts

CODE = """
def ordered(values):
    values.clear()
    return []


def popped(values):
    return values.pop()


def sorts(values):
    values.sort()


def fill(values):
    values.append(1)
    return values
"""
TESTS = """
from works import fill, ordered, popped, sorts


def test_computes_with_it():
    values = [3, 1, 2]
    assert ordered(values) == sorted(values)


def test_computed_before():
    values = [3, 1, 2]
    assert [3, 1, 2][:0] == ordered(values)


def test_loops_over_it():
    values = [3, 1, 2]
    ordered(values)
    for one in values:
        assert one == 0


def test_in_a_loop():
    values = [3, 1, 2]
    for _ in range(2):
        assert len(values) >= len(ordered(values))


def test_compares_with_what_is_written():
    values = [3, 1, 2]
    assert popped(values) == 2
    assert values == [3, 1]


def test_is_the_same():
    values = []
    assert fill(values) is values


def test_uses_it_no_more():
    values = [3, 1, 2]
    assert popped(values) == 2


def test_fails():
    values = [3, 1, 2]
    assert ordered(values) == [9, *sorted(values)]


def test_changes_and_returns_nothing():
    values = [3, 1, 2]
    sorts(values)
    assert values == sorted([1, 2, 3])
"""


def test_an_argument_that_the_code_changed(tmp_path: Path) -> None:
    """It may be compared with what is written down, and not be what a test computes with; one that fails fails."""
    found = verdicts(apart(tmp_path, {"works.py": CODE}, {"tests/test_a.py": TESTS}))
    marked = {"test_computes_with_it", "test_loops_over_it", "test_in_a_loop"}
    wanted = {**dict.fromkeys(found, "proven"), **dict.fromkeys(marked, "unproven argument"), "test_fails": "failed"}
    assert found == wanted
    assert len(found) == TESTS.count("def test_")
