"""Arguments: from what a model wrote to what a function takes, or to sentences that say what to fix."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import field_validator
from pydantic.dataclasses import dataclass as checked_dataclass

from agentmem.menu.menu import make_menu
from agentmem.menu.tool import Menu, Tool
from agentmem.menu.toolbox import ToolContext, call
from agentmem.types import ToolCall, ToolResult
from tests.menu.tooling import fetch, result, said


def refusal(context: ToolContext, arguments: str | dict[str, Any]) -> str:
    answer = result(make_menu([fetch]), context, "fetch", arguments)
    assert answer.is_error
    assert "Traceback" not in said(answer)
    return said(answer)


def test_good_arguments_reach_the_function(context: ToolContext) -> None:
    """The function's answer comes back under the call's id, as text."""
    answer = result(make_menu([fetch]), context, "fetch", {"page": "a.md", "steps": [{"title": "go"}]})
    assert answer == ToolResult("c1", answer.content)
    assert json.loads(said(answer))[5] == "[Step(title='go', state='open')]"


def test_no_text_at_all_counts_as_no_arguments(context: ToolContext) -> None:
    """Some models send nothing for a tool without parameters."""

    def now() -> str:
        """Tells the time."""
        return "noon"

    assert said(result(make_menu([now]), context, "now", "")) == "noon"


@pytest.mark.parametrize(
    ("arguments", "values"),
    [
        ({"page": "a", "limit": "3"}, {1: 3}),
        ({"page": "a", "limit": 3.0}, {1: 3}),
        ({"page": 7}, {0: "7"}),
        ({"page": "a", "raw": "true"}, {3: True}),
        ({"page": "a", "ratio": 1}, {2: 1.0}),
        ({"page": "a", "steps": None}, {5: "None"}),
        ({"page": "a", "tags": '["x", "y"]'}, {6: ["x", "y"]}),
    ],
)
def test_harmless_slips_are_read_as_meant(
    context: ToolContext, arguments: dict[str, Any], values: dict[int, object]
) -> None:
    """A number in quotes, a number for text, a list in a string: all can only mean one thing."""
    answer = result(make_menu([fetch]), context, "fetch", arguments)
    assert not answer.is_error, said(answer)
    read = json.loads(said(answer))
    assert {at: read[at] for at in values} == values


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({}, "`page` is missing. It is the page to fetch, for example notes/todo.md."),
        ({"page": "a", "limit": "ten"}, "`limit` must be a whole number from 1 to 9, you gave 'ten'."),
        ({"page": "a", "limit": 1.5}, "`limit` must be a whole number from 1 to 9, you gave 1.5."),
        ({"page": "a", "limit": 0}, "`limit` must be greater than or equal to 1, you gave 0."),
        ({"page": ["a"]}, "`page` must be text, you gave ['a']."),
        ({"page": None}, "`page` must be text, you gave None."),
        ({"page": "a", "ratio": "much"}, "`ratio` must be a number, you gave 'much'."),
        ({"page": "a", "raw": "perhaps"}, "`raw` must be true or false, you gave 'perhaps'."),
        ({"page": "a", "kind": "list"}, "`kind` must be one of `text`, `table`, you gave 'list'."),
        ({"page": "a", "tags": "x"}, "`tags` must be a list of texts, you gave 'x'."),
        ({"page": "a", "tags": [[]]}, "`tags[0]` must be text, you gave []."),
        ({"page": "a", "steps": ["go"]}, "`steps[0]` must be an object, you gave 'go'."),
        ({"page": "a", "steps": [{}]}, "`steps[0].title` is missing."),
        ({"page": "a", "steps": [{"title": "a", "state": "shut"}]}, "`steps[0].state` must be one of `open`, `done`"),
        ({"page": "a", "either": "x"}, "`either` must be a whole number or list of whole numbers, you gave 'x'."),
        ({"pgae": "a"}, "`pgae` is not a parameter of fetch. Did you mean `page`? It takes `page`, `limit`, `ratio`"),
        ({"page": "x" * 200, "limit": "y" * 200}, "`limit` must be a whole number from 1 to 9, you gave 'yyy"),
        ("{'page': 'a'}", "not valid JSON: Expecting property name enclosed in double quotes at line 1, column 2"),
        ('{"page": "a"', "not valid JSON: Expecting ',' delimiter at line 1, column 13"),
        ('{"page": NaN}', "NaN is no JSON value"),
        ("[1]", "must be one JSON object of names and values, you gave a list"),
        ('"a"', "must be one JSON object of names and values, you gave text."),
        ('{"a":' * 100_000, "nested too deeply"),
    ],
)
def test_bad_arguments_come_back_as_sentences(context: ToolContext, arguments: Any, sentence: str) -> None:
    """Each says what is wrong and what to write instead."""
    text = refusal(context, arguments)
    assert sentence in text
    assert len(text) < 500


def test_several_mistakes_are_told_at_once(context: ToolContext) -> None:
    """So that one more try is enough."""
    text = refusal(context, {"limit": "ten", "raw": "perhaps"})
    assert all(f"`{name}`" in text for name in ("page", "limit", "raw"))


def test_a_type_of_the_users_own_may_refuse_in_its_own_words(context: ToolContext) -> None:
    """A pydantic validator's message is the sentence."""

    @checked_dataclass
    class Even:
        number: int

        @field_validator("number")
        @classmethod
        def _even(cls, value: int) -> int:
            if value % 2:
                raise ValueError("it must be even")
            return value

    def halve(value: Even) -> int:
        """Halves."""
        return value.number // 2

    answer = result(make_menu([halve]), context, "halve", {"value": {"number": 3}})
    assert said(answer) == "`value.number`: it must be even, you gave 3."


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
_names = st.sampled_from(["page", "limit", "ratio", "raw", "kind", "steps", "tags", "either"]) | st.text()


@given(arguments=st.text() | st.dictionaries(_names, _json).map(json.dumps), name=st.just("fetch") | st.text())
def test_whatever_a_model_sends_it_gets_a_result(anywhere: ToolContext, arguments: str, name: str) -> None:
    """Never an exception, never a traceback, never an empty answer."""
    answer = call(make_menu([fetch]), ToolCall("c1", name, arguments), anywhere)
    assert answer.call_id == "c1"
    assert said(answer).strip()
    assert "Traceback" not in said(answer)


def test_a_hand_written_schema_is_checked_by_names_and_simple_types(context: ToolContext) -> None:
    """Tools made with a schema of their own, as those of an MCP server, get the same sentences."""
    schema = {
        "type": "object",
        "properties": {
            "q": {"type": "string", "description": "The question."},
            "top": {"type": ["integer", "null"]},
            "how": {"enum": ["fast", "slow"]},
        },
        "required": ["q"],
        "additionalProperties": False,
    }
    menu = Menu((Tool("ask", "Asks.", "read", schema, lambda q, top=1, how="fast": f"{q} {top} {how}"),))
    assert said(result(menu, context, "ask", {"q": "why", "top": None})) == "why None fast"
    assert said(result(menu, context, "ask", {"top": True})) == (
        "`q` is missing. It is the question. `top` must be a whole number or nothing, you gave True."
    )
    wrong = said(result(menu, context, "ask", {"q": 1, "how": "so", "tp": 1}))
    assert "`tp` is not a parameter of ask. Did you mean `top`?" in wrong
    assert "`q` must be text, you gave 1." in wrong
    assert "`how` must be one of `fast`, `slow`, you gave 'so'." in wrong
