"""The menu: what a model is offered, always in the same order and the same bytes."""

import json
import os
import subprocess
import sys
from typing import Any

import pytest

from agentmem.errors import MenuError
from agentmem.kvcache.frames import canonical
from agentmem.menu.menu import MOST, default_menu, make_menu, tool
from agentmem.menu.tool import Menu
from tests.menu.greeting import greet
from tests.menu.test_foreign import multiply
from tests.menu.test_making import Color, Place, Step


def test_the_default_menu_has_at_most_eight_tools_and_a_shell_only_when_asked() -> None:
    """A shell can leave the workspace, so it must be asked for."""
    assert default_menu().names == ("read", "list", "find", "write", "edit", "recall", "plan")
    assert default_menu(shell=True).names == (*default_menu().names, "run")


def test_effects_of_the_default_menu() -> None:
    """Only what changes nothing may run again after a kill."""
    effects = {one.name: one.effect for one in default_menu(shell=True).tools}
    assert [name for name, effect in effects.items() if effect == "read"] == ["read", "list", "find", "recall"]
    assert effects["run"] == "outside"


def test_a_menu_mixes_all_kinds_in_the_order_given() -> None:
    """Names of built-in tools, functions, Tools and LangChain tools."""
    menu = make_menu(["find", greet, multiply, tool(greet, name="hello")])
    assert menu.names == ("find", "greet", "multiply", "hello")
    hello = menu.get("hello")
    assert hello is not None
    assert hello.definition() == menu.definitions()[3]
    assert menu.get("bye") is None


def test_more_than_a_dozen_tools_are_refused_with_advice() -> None:
    """Twelve are a menu, thirteen are not."""
    tools = [tool(greet, name=f"greet{number}") for number in range(MOST + 1)]
    assert len(make_menu(tools[:MOST]).tools) == MOST
    with pytest.raises(MenuError, match=r"13 tools are too many.*Merge tools"):
        make_menu(tools)


def test_two_tools_of_one_name_are_refused() -> None:
    """The name that comes twice is told."""
    with pytest.raises(MenuError, match="two tools are called 'read'"):
        make_menu(["read", tool(greet, name="read")])


def test_an_unknown_built_in_is_refused() -> None:
    """The error lists those there are."""
    with pytest.raises(MenuError, match=r"no built-in tool 'reed'; there are read, list"):
        make_menu(["reed"])


PROGRAM = """
import sys
from tests.menu.test_menu import everything
from agentmem.kvcache.frames import canonical
sys.stdout.buffer.write(canonical(everything().definitions()))
"""


def everything() -> Menu:
    """A menu with a tool of every kind."""

    def travel(steps: list[Step], to: Place, color: Color = Color.RED, tags: set[str] | None = None) -> str:
        """Plans a trip."""
        return f"{steps} {to} {color} {tags}"

    return make_menu([*default_menu(shell=True).tools, greet, travel, multiply])


def test_definitions_have_the_same_bytes_in_every_process() -> None:
    """Whatever the hash seed: the menu stands first in the prefix, and a changed byte would lose the whole cache."""

    def bytes_of(seed: str) -> bytes:
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        return subprocess.run([sys.executable, "-c", PROGRAM], env=environment, check=True, capture_output=True).stdout

    first = bytes_of("1")
    assert first == bytes_of("2") == canonical(everything().definitions())
    assert [one["name"] for one in json.loads(first)][:2] == ["read", "list"]


def test_a_definition_has_its_keys_in_a_fixed_order() -> None:
    """Name, description, schema; and in a schema: type, properties, required."""
    for definition in everything().definitions():
        assert list(definition) == ["name", "description", "input_schema"]
        shape: dict[str, Any] = definition["input_schema"]
        assert list(shape)[:2] == ["type", "properties"]
