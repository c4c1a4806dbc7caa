"""CONTRIBUTING.md: the tables that it names stand where it says."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
TEXT = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
NAMED = re.findall(r"`(\w+)` in \[[^\]]+\]\(([^)]+\.py)\)", TEXT)


@pytest.mark.parametrize(("name", "path"), NAMED)
def test_a_table_is_where_it_is_said_to_be(name: str, path: str) -> None:
    """A name in backticks stands at the left margin of the module that is linked."""
    assert re.search(rf"^(?:class )?{name}\b", (ROOT / path).read_text(encoding="utf-8"), re.MULTILINE)


def test_every_link_leads_somewhere() -> None:
    """Every link leads to a file, and no row is missing."""
    links = re.findall(r"\]\(([^)]+)\)", TEXT)
    assert not [link for link in links if not (ROOT / link).exists()]
    assert len(NAMED) >= 9
