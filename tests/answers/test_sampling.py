"""agentmem.answers.sampling: no text is a formula in a spreadsheet, and each comes back."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentmem.answers.sampling import as_cell, of_cell


@pytest.mark.parametrize("first", ["=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠"])
def test_a_formula_becomes_text(first: str) -> None:
    """Whatever begins it."""
    assert as_cell(f"{first}cmd|' /C calc'!A0") == f"'{first}cmd|' /C calc'!A0"


@given(st.text(alphabet="'=+-@\t\r\nab1", max_size=6))
def test_a_cell_gives_its_text_back(text: str) -> None:
    """Also a text that begins with an apostrophe itself, and through a file."""
    cell = as_cell(text)
    assert not cell or cell[0] not in "=+-@\t\r\n"
    file = io.StringIO(newline="")
    csv.writer(file).writerow([cell, "x"])
    file.seek(0)
    assert of_cell(next(csv.reader(file))[0]) == text
