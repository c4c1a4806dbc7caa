"""Text in the cells of a CSV file that people open in a spreadsheet, which takes some beginnings for a formula.

Such a text gets an apostrophe before it, as spreadsheets themselves write "this is text", and loses it when it is read.
"""

import re

_FORMULA = re.compile(r"'*[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]")
"""What begins a formula, or is left out before one (the last four are the wide forms), below any apostrophes."""


def as_cell(text: str) -> str:
    """``text`` as a cell that no spreadsheet calculates."""
    return f"'{text}" if _FORMULA.match(text) else text


def of_cell(cell: str) -> str:
    """What `as_cell` was given."""
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell
