"""Cards: what a person may write on one, and what is said of one that cannot be read."""

from pathlib import Path

import pytest

from agentmem.errors import MenuError
from agentmem.menu.menu import tool
from tests.menu.greeting import CARD, greet


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("name: greet\n", ""), "must give the tool's name"),
        (("effect: read", "effect: none"), "must be read, write or outside"),
        (("effect: read", "colour: red"), "the front matter has 'colour'"),
        (("timeout: 5", "timeout: long"), "'long' cannot be the timeout"),
        (("timeout: 5", "timeout: yes"), "True cannot be the timeout"),
        (("name: greet", "name: [greet"), "not valid YAML"),
        (("---\n\nGreets", "Greets"), "between two lines of ---"),
        (("(text; needed)", "(text, needed)"), "write a parameter as"),
        (("(text; needed)", "(string; needed)"), "`who` is of the type 'string'; the types are: text, whole number"),
        (("1 if left out", "one if left out"), "`times` is 'one if left out'; say `needed`"),
        (("1 if left out", "optional"), "`times` is 'optional'; say `needed`"),
        (("no if left out", "false if left out"), "`loud` is 'false if left out'"),
        (("Greets somebody.\n\n## When to use it\n\nWhen somebody new comes in.", ""), "say in a paragraph"),
    ],
)
def test_a_card_that_cannot_be_read_is_explained(change: tuple[str, str], words: str) -> None:
    """Each mistake in a card is named, with what to write instead."""
    assert change[0] in CARD
    with pytest.raises(MenuError, match=words):
        tool(greet, card=CARD.replace(*change))


def test_a_card_that_is_not_there_is_named(tmp_path: Path) -> None:
    """A wrong path is told with the path."""
    with pytest.raises(MenuError, match=r"none\.md: the card cannot be read"):
        tool(greet, card=tmp_path / "none.md")
