"""Typed results: a value of the wanted type, at most one more round, and never a change of the thread's prefix."""

import asyncio
import re
import tempfile
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal, NotRequired, TypedDict

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from pydantic import BaseModel, Field

from agentmem.context.view import wire
from agentmem.context.window import window
from agentmem.errors import ConfigError
from agentmem.menu.menu import tool
from agentmem.models.scripted import ScriptedModel
from agentmem.runtime.agent import Agent
from agentmem.runtime.events import Done, Metered
from agentmem.runtime.returns import Misfit, return_type
from tests.runtime.agents import agent, call, clock, kinds


class Line(BaseModel):
    """A line of an invoice."""

    part: str
    pieces: int = Field(ge=1)


class Invoice(BaseModel):
    """An invoice."""

    number: str
    due: date
    lines: list[Line]


@dataclass
class Place:
    """A place."""

    name: str
    shelf: int | None = None


class Item(TypedDict):
    """An item."""

    part: str


class Stock(TypedDict):
    """A stock."""

    items: list[Item]
    kind: Literal["full", "part"]
    note: NotRequired[str]
    by_bay: dict[str, Item | None]


INVOICE = '{"number": "R7", "due": "2026-12-01", "lines": [{"part": "A12", "pieces": 3}]}'
VALUE = Invoice(number="R7", due=date(2026, 12, 1), lines=[Line(part="A12", pieces=3)])
STOCK = {"items": [{"part": "A12"}], "kind": "full", "by_bay": {"1": None, "2": {"part": "B"}}}


@pytest.mark.parametrize(
    ("wanted", "answer", "value"),
    [
        (Invoice, INVOICE, VALUE),
        (Place, '{"name": "cellar"}', Place("cellar")),
        (Stock, str(STOCK).replace("'", '"').replace("None", "null"), STOCK),
        (list[Item], '[{"part": "A12"}]', [{"part": "A12"}]),
        (int, "7", 7),
        (list[Line] | None, "null", None),
    ],
    ids=["pydantic", "dataclass", "TypedDict", "list", "number", "union"],
)
def test_the_answer_is_a_value_of_the_type(tmp_path: Path, wanted: Any, answer: str, value: Any) -> None:
    """In one request; the text stays too."""
    with agent(tmp_path, [answer]) as one:
        result = one.run("Read it.", thread="t", returns=wanted)
        assert (result.status, result.text, result.turns) == ("done", answer, 1)
        assert result.value == value
        assert type(result.value) is type(value)


AROUND = {
    "fence": f"```json\n{INVOICE}\n```",
    "words around": f"Here it is:\n\n{INVOICE}\n\nAnything else?",
    "fence behind a brace": f"Set {{1}}. ```\n{INVOICE}\n```",
    "newline": INVOICE + "\n",
}


@pytest.mark.parametrize("answer", AROUND.values(), ids=AROUND)
def test_words_around_the_json_are_passed_over(tmp_path: Path, answer: str) -> None:
    """No round is spent on what can be read."""
    with agent(tmp_path, [answer]) as one:
        assert one.run("Read it.", returns=Invoice).value == VALUE


FAULTS = {
    "prose": ("The invoice is R7, due in December.", "it holds no JSON"),
    "cut": (INVOICE[:-4], "it holds no JSON|Field required|valid"),
    "missing": ('{"number": "R7", "lines": []}', "due: Field required"),
    "wrong type": (INVOICE.replace("3", '"three"'), r'lines.0.pieces: .*"three"'),
    "out of range": (INVOICE.replace("3", "0"), "lines.0.pieces: .*greater than or equal to 1"),
    "a list": (f"[{INVOICE}]", "Input should be an object|valid dictionary"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_an_answer_that_does_not_fit_is_asked_for_once_more(tmp_path: Path, fault: str) -> None:
    """The note says what is wrong, and the second answer counts."""
    answer, says = FAULTS[fault]
    with agent(tmp_path, [answer, INVOICE]) as one:
        result = one.run("Read it.", thread="t", returns=Invoice)
        assert (result.status, result.value, result.turns) == ("done", VALUE, 2)
        notes = [entry.value for entry in one.journal.entries("t") if entry.kind == "note"]
        asked = [note["text"] for note in notes if note["about"] == "returns"]
        assert len(asked) == 1
        assert re.search(says, asked[0])


def test_after_one_round_the_run_stops_and_says_why(tmp_path: Path) -> None:
    """Nothing is lost: the text is there, and the thread goes on."""
    with agent(tmp_path, ["No.", "Still no.", INVOICE]) as one:
        result = one.run("Read it.", thread="t", returns=Invoice)
        assert (result.status, result.value, result.text, result.turns) == ("stopped", None, "Still no.", 2)
        assert result.reason == "returns: no Invoice: it holds no JSON."
        assert one.run("Once more.", thread="t", returns=Invoice).value == VALUE


def test_tools_are_used_as_usual_before(tmp_path: Path) -> None:
    """Only the last answer is read."""

    @tool(effect="read")
    def look() -> str:
        """Looks."""
        return "R7"

    with agent(tmp_path, [["{", call("look")], INVOICE], tools=[look]) as one:
        assert one.run("Read it.", returns=Invoice).value == VALUE


def test_a_stream_ends_with_the_value(tmp_path: Path) -> None:
    """Both rounds are seen, and Done comes once."""
    with agent(tmp_path, ["No.", INVOICE]) as one:
        events = list(one.stream("Read it.", returns=Invoice))
        assert sum(isinstance(event, Metered) for event in events) == 2
        assert [event.result.value for event in events if isinstance(event, Done)] == [VALUE]


def test_in_asyncio(tmp_path: Path) -> None:
    """`arun` and `astream` do the same."""

    async def main() -> list[Any]:
        with agent(tmp_path, ["No.", INVOICE, "No.", INVOICE]) as one:
            ran = await one.arun("Read it.", thread="t", returns=Invoice)
            streamed = [event async for event in one.astream("Again.", thread="t", returns=Invoice)]
            return [ran.value, *(event.result.value for event in streamed if isinstance(event, Done))]

    assert asyncio.run(main()) == [VALUE, VALUE]


def test_a_run_that_was_cut_off_goes_on_with_its_type(tmp_path: Path) -> None:
    """The schema stands in the transcript already; the type is given again to read the answer."""
    with agent(tmp_path, [ValueError("the power is off"), INVOICE]) as one:
        with pytest.raises(ValueError, match="the power"):
            one.run("Read it.", thread="t", returns=Invoice)
        assert one.run(thread="t", returns=Invoice).value == VALUE
        assert kinds(one, "t").count("user") == 1


@pytest.mark.parametrize("wanted", [3, "Invoice", lambda: None], ids=["number", "name", "function"])
def test_what_is_no_type_is_refused(tmp_path: Path, wanted: Any) -> None:
    """Before anything is sent."""
    with agent(tmp_path, ["Hello."]) as one:
        with pytest.raises(ConfigError, match="it must be a pydantic model, a dataclass, a TypedDict"):
            one.run("Read it.", thread="t", returns=wanted)
        assert one.journal.threads() == ()


def test_deep_nonsense_is_a_misfit() -> None:
    """An answer of brackets alone takes no time and raises no error of its own."""
    with pytest.raises(Misfit):
        return_type(Invoice).read("[" * 20_000)


TYPES: tuple[Any, ...] = (None, Invoice, Place, Stock, list[Item])
STOCKED = str(STOCK).replace("'", '"').replace("None", "null")
RIGHT = {"Invoice": INVOICE, "Place": '{"name": "x"}', "Stock": STOCKED}


@given(some.lists(some.tuples(some.sampled_from(TYPES), some.booleans()), min_size=1, max_size=5))
@settings(max_examples=40, deadline=None)
def test_no_type_ever_changes_the_prefix(runs: list[tuple[Any, bool]]) -> None:
    """Whatever types a thread's runs return, and whether they fit at once: each request extends the one before."""

    def answers(wanted: Any, fits: bool) -> list[str]:
        right = RIGHT.get(getattr(wanted, "__name__", ""), '[{"part": "A"}]')
        return [right] if fits or wanted is None else ["no", right]

    turns = [answer for wanted, fits in runs for answer in answers(wanted, fits)]
    model = ScriptedModel(turns)
    with tempfile.TemporaryDirectory() as folder, Agent(model, folder, clock=clock) as one:
        for wanted, _ in runs:
            assert one.run("Go on.", thread="t", returns=wanted).status == "done"
        entries = list(one.journal.entries("t"))
        wires = [wire(window(entries[: at + 1])) for at in range(len(entries))]
        assert all(after.startswith(before) for before, after in pairwise(wires))
    assert len(model.requests) == len(turns)
    assert len({(request.tools, request.system, request.options) for request in model.requests}) == 1
