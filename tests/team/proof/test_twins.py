"""agentmem.team.proof.twins: whether what a test asks for by a name is known under another one too."""

from types import SimpleNamespace
from typing import Any

import pytest

from agentmem.team.proof.reasons import Marks
from agentmem.team.proof.twins import Twins


def _link(known: Any) -> Any:
    """A link whose subject knows things by these names."""
    proxies = SimpleNamespace(reference=lambda thing: ["o", 1])
    marks = Marks(testing=True, test=1)
    return SimpleNamespace(marks=marks, proxies=proxies, tops=frozenset({"shop"}), ask=lambda *_: known)


def _far(link: Any, name: str, base: type = object) -> Any:
    """What stands for a class of the code's."""
    return type(name, (base,), {"_far_link": link})


@pytest.mark.parametrize(
    ("name", "known", "said"),
    [
        ("Csv", ["Csv", "Json"], ""),
        ("Json", ["Csv", "Json"], "Csv and Json are one"),
        ("Json", [], "Json stands in no module or class"),
        ("Json", ["Json"], ""),
    ],
)
def test_a_name_that_is_not_its_own_is_asked_for(name: str, known: list[str], said: str) -> None:
    """A class counts that came as an answer, and by a name; it may have its own name, and one other alone."""
    link = _link(known)
    twins, kind = Twins(link), _far(link, "Csv")
    assert twins.named(name, lambda: kind) is kind
    assert twins.alike(lambda: [kind]) == ""
    twins.came(kind)
    assert twins.alike(list) == said


def test_two_names_that_a_file_has_need_no_question() -> None:
    """Nor does a class of Python's under a name of the code's."""
    link = _link("no list")
    twins, kind = Twins(link), _far(link, "Csv")
    for name in ("Json", "Csv"):
        twins.named(name, lambda: kind)
    twins.named("Number", lambda: ArithmeticError)
    twins.came(kind)
    assert twins.alike(list) == "Csv and Json are one"
    link.marks.test = 2
    twins.came(ZeroDivisionError())
    assert twins.alike(list) == ""
    assert twins.alike(lambda: [("n", ArithmeticError)]) == "Number is Python's ArithmeticError"


def test_the_class_of_an_object_counts_where_the_test_holds_it_and_makes_none() -> None:
    """A test that calls a class, or asks it for something, has it for that."""
    link = _link(["Rect", "Rectangle"])
    twins, kind = Twins(link), _far(link, "Rect")
    twins.named("Rectangle", lambda: kind)
    link.marks.test = 2
    twins.came(kind())
    assert twins.alike(list) == ""
    assert twins.alike(lambda: [kind]) == "Rect and Rectangle are one"
    twins.uses(kind)
    assert twins.alike(lambda: [kind]) == ""


def test_keys_of_a_table_are_names_where_one_thing_has_two_of_them() -> None:
    """What a table of the code's tells is no answer by itself."""
    link = _link([])
    twins, kind = Twins(link), _far(link, "Csv")

    def table() -> dict[str, Any]:
        twins.came(kind)
        return {"csv": kind, "json": kind}

    twins.named("KINDS", table)
    assert twins.alike(lambda: [kind]) == ""
    twins.came(kind)
    assert twins.alike(list) == "KINDS['csv'] and KINDS['json'] are one"
