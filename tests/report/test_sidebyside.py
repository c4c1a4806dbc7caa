"""agentmem.report.sidebyside."""

from hypothesis import given
from hypothesis import strategies as st

from agentmem.report.sidebyside import MOST, side_by_side

LINES = st.lists(st.text(alphabet="ab ", max_size=4), max_size=12).map("\n".join)


def test_the_difference_stands_in_its_line() -> None:
    """Lines around it are equal; the row says where in the line it is, on both sides."""
    found = side_by_side("a\nb\nIt is 12:01 now\nc", "a\nb\nIt is 12:02 now\nc")
    assert found["rows"][2] == [3, "It is 12:01 now", 3, "It is 12:02 now", 10, 11, 11]
    assert [row[4] for row in found["rows"]] == [None, None, 10, None]


def test_a_side_that_is_not_there_is_empty() -> None:
    """All lines are on the other side."""
    assert side_by_side(None, "a")["rows"] == [[None, None, 1, "a", 0, 0, 1]]


@given(LINES, LINES)
def test_rows_are_the_lines_of_both_texts(before: str, after: str) -> None:
    """Every row names lines as they are, in order, and all that differs is in a row."""
    old, new = before.splitlines(), after.splitlines()
    rows = side_by_side(before, after)["rows"]
    for row in rows:
        assert row[0] is None or old[row[0] - 1] == row[1]
        assert row[2] is None or new[row[2] - 1] == row[3]
        if row[4] is not None and row[1] is not None and row[3] is not None:
            assert row[1][: row[4]] == row[3][: row[4]] and row[1][row[5] :] == row[3][row[6] :]
    left = [line for at, line in enumerate(old) if at + 1 not in {row[0] for row in rows}]
    right = [line for at, line in enumerate(new) if at + 1 not in {row[2] for row in rows}]
    assert left == right


def test_much_that_differs_is_cut_and_counted() -> None:
    """So many lines at most, and as many characters of a line as surround its difference."""
    found = side_by_side("\n".join("a" * 100), "\n".join("b" * 100))
    assert (len(found["rows"]), found["more"]) == (MOST, 100 - MOST)
    [row] = side_by_side("x" * 9_000 + "1", "x" * 9_000 + "2")["rows"]
    assert len(row[1]) < 3_000 and row[1][row[4] : row[5]] == "1" and row[3][row[4] : row[6]] == "2"
