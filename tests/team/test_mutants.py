"""Mutants: small faults on changed lines, each a program that differs."""

import ast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentmem.team.mutants import changed_lines, mutants

AFTER = """def fee(minutes):
    total = 0
    if minutes > 10:
        total = minutes * 2 + 5
    log(total)
    return total
"""


@pytest.mark.parametrize(
    ("operator", "line", "text"),
    [
        ("negated condition", 3, "if (not (minutes > 10)):"),
        ("swapped operator", 3, "if (minutes >= 10):"),
        ("swapped operator", 4, "total = (minutes * 2 - 5)"),
        ("number off by one", 3, "if minutes > (11):"),
        ("returned constant", 6, "return None"),
        ("removed statement", 5, "pass"),
    ],
)
def test_each_operator_makes_its_fault(operator: str, line: int, text: str) -> None:
    """Each operator makes its fault on the line that it names, and nowhere else."""
    made = [one for one in mutants("fees.py", "", AFTER, most=50) if (one.operator, one.line) == (operator, line)]
    lines = [one.text.splitlines()[line - 1].strip() for one in made]
    assert text in lines
    for one in made:
        kept = [(old, new) for old, new in zip(AFTER.splitlines(), one.text.splitlines(), strict=True) if old != new]
        assert len(kept) == 1


def test_only_changed_lines_are_mutated() -> None:
    """Only changed lines get mutants. After a deletion, the lines around it do."""
    before = AFTER.replace("* 2", "* 3")
    assert {one.line for one in mutants("fees.py", before, AFTER, most=50)} == {4}
    assert changed_lines(AFTER.replace("    log(total)\n", "    log(total)\n    send(total)\n"), AFTER) == {5, 6}
    assert mutants("fees.py", AFTER, AFTER) == ()


def test_what_is_no_python_has_no_mutants() -> None:
    """Files that are not Python, or do not parse, have no mutants."""
    assert mutants("fees.py", "", "def fee(:\n") == ()


def test_a_docstring_is_no_statement() -> None:
    """Docstrings are not removed: it would change nothing, and no test could notice."""
    assert mutants("a.py", "", 'def f():\n    """Says."""\n') == ()


@given(st.integers(1, 12), st.text(alphabet="äöü€ \u2028", max_size=8))
def test_mutants_are_bounded_parse_and_differ(most: int, said: str) -> None:
    """The number of mutants is bounded. Each parses and differs, in any script, and they are the same every time."""
    after = f"def f(a):\n    b = {said!r}; c = a + 1 if a < 3 else 0\n    return (b, c)\n"
    made = mutants("f.py", "", after, most)
    assert 0 < len(made) <= most
    assert made == mutants("f.py", "", after, most)
    for one in made:
        assert ast.dump(ast.parse(one.text)) != ast.dump(ast.parse(after))
