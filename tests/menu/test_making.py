"""Making tools: of functions, of functions with a card that must agree, and as a decorator."""

import enum
import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pytest
from pydantic import BaseModel, Field

from agentmem.errors import MenuError
from agentmem.kvcache.frames import canonical
from agentmem.menu.menu import make_menu, tool
from agentmem.menu.tool import KEPT, Tool
from agentmem.menu.toolbox import ToolContext
from tests.menu.greeting import CARD, greet


def test_a_function_with_hints_and_a_docstring_is_a_tool() -> None:
    """Name, description and schema come from the function; without more it counts as reaching outside."""

    def weather(city: str, days: int = 1, units: Literal["C", "F"] | None = None) -> str:
        """Tells the weather.

        It is a forecast.

        Args:
            city: The city, as people call it.
            days: How many days
                ahead.
        """
        return city

    made = tool(weather)
    assert made.definition() == {
        "name": "weather",
        "description": "Tells the weather.\n\nIt is a forecast.",
        "input_schema": {
            "type": "object",
            "properties": {
                "city": {"type": "string", "description": "The city, as people call it."},
                "days": {"type": "integer", "description": "How many days ahead.", "default": 1},
                "units": {"type": "string", "enum": ["C", "F"]},
            },
            "required": ["city"],
            "additionalProperties": False,
        },
    }
    assert (made.effect, made.timeout, made.cap) == ("outside", 60.0, KEPT)
    assert made.checked({"city": "Oslo"}) == {"city": "Oslo"}


@pytest.mark.parametrize(
    "docstring",
    [
        "Adds.\n\nArgs:\n    first: The first.",
        "Adds.\n\nParameters\n----------\nfirst : int\n    The first.",
        "Adds.\n\n:param first: The first.",
    ],
    ids=["google", "numpy", "sphinx"],
)
def test_docstrings_of_the_usual_styles_are_read(docstring: str) -> None:
    """Google, NumPy and Sphinx style all give the parameter's description, and leave it out of the prose."""

    def add(first: int) -> int:
        return first

    add.__doc__ = docstring
    definition = tool(add).definition()
    assert definition["description"] == "Adds."
    assert definition["input_schema"]["properties"]["first"]["description"] == "The first."


def test_a_decorator_makes_tools_too() -> None:
    """`@tool` and `@tool(...)` both give a Tool, with the settings given."""

    @tool
    def first(text: str) -> str:
        """One."""
        return text

    @tool(effect="read", timeout=2, cap=50, name="second-one")
    def second(text: str) -> str:
        """Two."""
        return text

    assert isinstance(first, Tool)
    assert isinstance(second, Tool)
    assert (second.name, second.effect, second.timeout, second.cap) == ("second-one", "read", 2, 50)


@dataclass
class Step:
    """One step."""

    title: str
    hours: float = 1.0


class Color(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Place(BaseModel):
    """A place on a map."""

    name: str
    title: str = Field(description="Its title, if it has one.", default="")


def test_nested_types_have_schemas_without_titles() -> None:
    """Dataclasses, pydantic models and enums are described; a property that is called title stays."""

    def travel(steps: list[Step], to: Place, color: Color = Color.RED) -> str:
        """Plans a trip."""
        return f"{steps} {to} {color}"

    made = tool(travel)
    schema = made.schema
    assert schema["properties"]["steps"] == {"type": "array", "items": {"$ref": "#/$defs/Step"}}
    assert schema["properties"]["color"]["default"] == "red"
    assert schema["$defs"]["Place"]["properties"] == {
        "name": {"type": "string"},
        "title": {"type": "string", "description": "Its title, if it has one.", "default": ""},
    }
    assert '"title":"' not in canonical(schema).decode()
    given = made.checked({"steps": [{"title": "go"}], "to": {"name": "Rome"}, "color": "blue"})
    assert given == {"steps": [Step("go")], "to": Place(name="Rome"), "color": Color.BLUE}


def test_the_context_is_handed_in_and_not_shown() -> None:
    """A parameter annotated ToolContext is no part of the schema."""

    def where(context: ToolContext, deep: bool = False) -> str:
        """Says where it is."""
        return str(deep)

    made = tool(where)
    assert list(made.schema["properties"]) == ["deep"]
    assert made.context == "context"


def test_names_that_pydantic_reserves_are_allowed() -> None:
    """`schema`, `json`, `copy` and names with an underscore are parameters like any other."""

    def odd(schema: str, json: str = "", copy: bool = False, _hidden: int = 0) -> str:
        """Odd names."""
        return f"{schema}{json}{copy}{_hidden}"

    assert list(tool(odd).schema["properties"]) == ["schema", "json", "copy", "_hidden"]


def test_objects_that_can_be_called_are_tools() -> None:
    """A callable object takes its name from its class or from the name given."""

    class Doubler:
        def __call__(self, number: int) -> int:
            """Doubles."""
            return number * 2

    assert tool(Doubler(), name="double").schema["required"] == ["number"]


def no_docstring(text: str) -> str:
    return text


def no_hint(text) -> str:  # type: ignore[no-untyped-def]  # the missing hint is what is tested
    """Text."""
    return str(text)


def many(*texts: str) -> str:
    """Texts."""
    return "".join(texts)


def named(**texts: str) -> str:
    """Texts."""
    return "".join(texts)


def by_place(text: str, /) -> str:
    """Text."""
    return text


def unknown(text: "Nowhere") -> str:  # type: ignore[name-defined]  # noqa: F821  # the point of the test
    """Text."""
    return str(text)


def no_json(handle: io.BytesIO) -> str:
    """A file."""
    return str(handle)


def no_form(callback: Callable[[], None]) -> str:
    """A function."""
    return str(callback)


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (no_docstring, "'no_docstring'; give it a docstring"),
        (no_hint, "parameter text of no_hint\\(\\) has no type hint"),
        (many, "must be named one by one"),
        (named, "must be named one by one"),
        (by_place, "cannot be given by name"),
        (unknown, "type hints of unknown\\(\\) cannot be resolved"),
        (no_json, "no_json\\(\\) has a type that has no JSON form"),
        (no_form, "no_form\\(\\) has a type that has no JSON form"),
    ],
)
def test_a_function_that_a_model_could_not_use_is_refused(function: Callable[..., object], words: str) -> None:
    """Missing docstrings and hints, and parameters without names or a JSON form, are told when the menu is made."""
    with pytest.raises(MenuError, match=words):
        tool(function)


def test_what_is_no_tool_at_all_is_refused() -> None:
    """A number is no tool."""
    with pytest.raises(MenuError, match="3 is no tool"):
        make_menu([3])  # type: ignore[list-item]  # that it is refused is what is tested


@pytest.mark.parametrize("name", ["", "two words", "naïve", "x" * 65])
def test_names_that_a_provider_would_refuse_are_refused(name: str) -> None:
    """Names have up to 64 letters, digits, underscores and hyphens."""
    with pytest.raises(MenuError, match="cannot be called"):
        Tool(name, "Text.", "read", {"type": "object", "properties": {}}, greet)


def test_a_card_gives_what_the_model_reads_and_the_function_the_types() -> None:
    """Description, order, descriptions, effect, time-out and cap are the card's."""
    made = tool(greet, card=CARD)
    assert made.definition() == {
        "name": "greet",
        "description": "Greets somebody.\n\nWhen somebody new comes in.",
        "input_schema": {
            "type": "object",
            "properties": {
                "who": {"type": "string", "description": "The name of the person."},
                "times": {
                    "type": "integer",
                    "description": "How often.",
                    "default": 1,
                    "maximum": 3,
                    "minimum": 1,
                },
                "tone": {
                    "type": "string",
                    "description": "In which tone.",
                    "enum": ["warm", "cool"],
                    "default": "warm",
                },
                "loud": {"type": "boolean", "description": "Whether to shout.", "default": False},
                "guests": {"type": "array", "description": "Who else is there.", "items": {"type": "string"}},
            },
            "required": ["who"],
            "additionalProperties": False,
        },
    }
    assert (made.effect, made.timeout, made.cap, made.when_cut) == ("read", 5, 100, "Greet fewer people.")


def test_a_card_may_be_a_file_and_arguments_win_over_it(tmp_path: Path) -> None:
    """A path is read; what is given in code replaces what the card says."""
    (tmp_path / "greet.md").write_text(CARD, encoding="utf-8")
    made = tool(greet, card=tmp_path / "greet.md", effect="write", cap=7)
    assert (made.effect, made.timeout, made.cap) == ("write", 5, 7)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("- `who`", "- `whom`"), "does not list `who`; the function has no parameter `whom`"),
        (("(yes or no; no", "(text; empty"), "the type of `loud` is text in the card, and yes or no in the function"),
        (("from 1 to 3", "from 1 to 4"), "`times` is whole number from 1 to 4 in the card"),
        (("`warm`, `cool`;", "`warm`, `cold`;"), "`tone` is one of `warm`, `cold` in the card"),
        (("list of texts", "list of numbers"), "`guests` is list of numbers in the card"),
        (("; needed", "; empty if left out"), "`who` may be left out in the card, and the function needs it"),
        (("1 if left out", "needed"), "`times` is needed in the card, and the function can do without it"),
        (("1 if left out", "2 if left out"), "`times` is 2 when left out in the card, and 1 in the function"),
        (("1 if left out", "may be left out"), "`times` is nothing when left out in the card, and 1 in the function"),
        (("; may be left out", "; empty if left out"), "`guests` is \\[\\] when left out in the card, and nothing"),
        (("- `times`", "- `who` (text; needed): Again.\n- `times`"), "the card has `who` twice"),
    ],
)
def test_a_card_that_disagrees_with_its_function_is_refused(change: tuple[str, str], words: str) -> None:
    """The error names the card, the parameter and how they differ."""
    assert change[0] in CARD
    with pytest.raises(MenuError, match=f"the card and the function greet\\(\\) disagree.*{words}"):
        tool(greet, card=CARD.replace(*change))


def test_an_object_in_a_card_stands_for_any_object_in_the_function() -> None:
    """A person need not spell out a record's fields; the function's own types do."""
    card = "---\nname: go\n---\n\nGoes.\n\n## Parameters\n\n- `steps` (list of objects; needed): The steps.\n"

    def go(steps: list[Step]) -> str:
        """Goes."""
        return str(steps)

    made = tool(go, card=card)
    assert made.schema["properties"]["steps"]["items"] == {"$ref": "#/$defs/Step"}
    assert made.checked({"steps": [{"title": "a"}]}) == {"steps": [Step("a")]}
