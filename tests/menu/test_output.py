"""What a tool gives back: as blocks that read like a page, and no longer than its cap."""

from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentmem.menu.menu import Menu, make_menu, tool
from agentmem.menu.output import blocks
from agentmem.menu.toolbox import ToolContext, call
from agentmem.tokens import count
from agentmem.types import Image, Text, ToolCall
from tests.menu.tooling import result, said


def test_a_long_output_keeps_its_beginning_and_its_end(context: ToolContext) -> None:
    """Between them stands how much is left out and how to get it; the whole fits the cap."""

    def count_up() -> str:
        """Counts."""
        return "\n".join(f"line {number}" for number in range(5000))

    menu = make_menu([tool(count_up, card=CARD)])
    text = said(result(menu, context, "count_up", {}))
    assert text.startswith("line 0\nline 1\n")
    assert text.endswith("line 4998\nline 4999")
    assert "tokens are left out here. Count less far.]" in text
    assert count(text) <= 300 + 30


CARD = "---\nname: count_up\ncap: 300\nwhen cut: Count less far.\n---\n\nCounts.\n"


@given(text=st.text(min_size=1).filter(str.strip), cap=st.integers(1, 40))
def test_no_output_is_longer_than_its_cap(anywhere: ToolContext, text: str, cap: int) -> None:
    """Whatever a tool prints, in whatever script, on one line or many, and short output is untouched."""

    def say() -> str:
        """Says."""
        return text * 10

    answer = call(Menu((tool(say, cap=cap),)), ToolCall("c1", "say", "{}"), anywhere)
    shown = said(answer)
    if count(text * 10) <= cap:
        assert shown == text * 10
    else:
        assert "tokens are left out here." in shown
        assert count(shown) <= cap + 30


@dataclass
class Order:
    """An order."""

    id: int
    paid: bool


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "Done."),
        ("", "(empty)"),
        ("# Page\n", "# Page\n"),
        (7, "7"),
        (True, "true"),
        (Order(1, True), "- id: 1\n- paid: true"),
        ([Order(1, True), Order(2, False)], "| id | paid |\n| --- | --- |\n| 1 | true |\n| 2 | false |"),
        (["a", "b"], "- a\n- b"),
        ({}, "{}"),
        ([], "[]"),
        ({"a": {"b": [1]}}, '{\n "a": {\n  "b": [\n   1\n  ]\n }\n}'),
        ([{"a": "x|y"}], "| a |\n| --- |\n| x\\|y |"),
        (Path("a/b"), "a/b"),
    ],
)
def test_values_come_back_as_text_that_reads_like_a_page(context: ToolContext, value: object, text: str) -> None:
    """Records are lists, lists of records tables, deeper things JSON."""

    def give() -> object:
        """Gives."""
        return value

    assert said(result(make_menu([give]), context, "give", {})) == text


def test_pictures_and_texts_come_back_as_blocks(context: ToolContext) -> None:
    """One block or several, in order; strings among them are text."""
    picture = Image("image/png", "aGk=")

    def one() -> Image:
        """Shows."""
        return picture

    def several() -> list[object]:
        """Shows."""
        return ["Look:", picture, Text("There.")]

    menu = make_menu([one, several])
    assert result(menu, context, "one", {}).content == (picture,)
    assert result(menu, context, "several", {}).content == (Text("Look:"), picture, Text("There."))


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("", ["(empty)"]),
        (" \n\t", ["(empty)"]),
        (Text(""), ["(empty)"]),
        ([Text(" "), Text("")], ["(empty)"]),
        ([Text("a"), Text("")], ["a"]),
        ([Text(""), Image("image/png", "aGk=")], ["image"]),
        ([Text("a"), [Text(" "), "b"]], ["a", "b"]),
        ((), ["[]"]),
        (None, ["Done."]),
    ],
)
def test_a_result_says_something(value: object, shown: list[str]) -> None:
    """Providers refuse text of nothing but white space: it is left out, and a result without anything else says so."""
    made = blocks(value)
    assert [one.text if isinstance(one, Text) else "image" for one in made] == shown
    assert all(isinstance(one, Image) or one.text.strip() for one in made)


@given(st.recursive(st.text() | st.builds(Text, st.text()), st.lists))
def test_no_result_is_blank(value: object) -> None:
    """Whatever a tool gives back."""
    assert all(isinstance(one, Text) and one.text.strip() for one in blocks(value))
    assert blocks(value)
