"""agentmem.cli.prefix."""

import hashlib
from pathlib import Path

import pytest

from agentmem.menu.menu import default_menu
from agentmem.transcript.journal import open_journal
from agentmem.transcript.transcript import Opening, opening
from tests.cli.invoke import invoke, invoke_json


def test_the_menu_is_what_the_model_sees() -> None:
    """Names, descriptions and schemas are those of the tools' definitions, in their order."""
    told = invoke_json("menu")
    definitions = [
        {"name": one["name"], "description": one["description"], "input_schema": one["parameters"]}
        for one in told["tools"]
    ]
    assert definitions == list(default_menu().definitions())
    assert told["tokens"] == sum(one["tokens"] for one in told["tools"]) > 0
    assert {one["effect"] for one in told["tools"]} <= {"read", "write", "outside"}


def test_the_menu_for_people_names_every_tool() -> None:
    """With effect and tokens, and the shell only when asked for."""
    text = invoke("menu").stdout
    for one in default_menu().tools:
        assert f"{one.name} · {one.effect}" in text
    assert "run · outside" not in text
    assert "run · outside" in invoke("menu", "--shell").stdout


def test_the_prefix_is_exactly_its_bytes() -> None:
    """What is printed is described by the JSON: digest, length, and segments without gaps, each with its own digest."""
    data = invoke("prefix").stdout_bytes
    told = invoke_json("prefix")
    assert told["digest"] == hashlib.sha256(data).hexdigest()
    assert told["bytes"] == len(data)
    assert told["tokens"] == sum(one["tokens"] for one in told["segments"])
    ends = [0, *(one["end"] for one in told["segments"])]
    assert [one["start"] for one in told["segments"]] == ends[:-1]
    assert ends[-1] == len(data)
    for one in told["segments"]:
        assert one["digest"] == hashlib.sha256(data[one["start"] : one["end"]]).hexdigest()


def test_segments_are_named() -> None:
    """In the order of a provider's key: model, tools by name, instructions, options."""
    told = [(one["kind"], one["name"]) for one in invoke_json("prefix", "-m", "anthropic:claude-opus-5-5")["segments"]]
    tools = [("tool", one.name) for one in default_menu().tools]
    assert told == [("model", "claude-opus-5-5"), *tools, ("system", "instructions"), ("options", "options")]


def test_only_what_was_asked_for_changes_the_prefix() -> None:
    """The same every time; another model or menu is another prefix, and only that segment differs."""
    first, second, other = (invoke_json("prefix", "-m", name) for name in ("x:one", "x:one", "x:two"))
    assert first == second
    digests = [(one["digest"], two["digest"]) for one, two in zip(first["segments"], other["segments"], strict=True)]
    assert [one == two for one, two in digests].count(False) == 1
    assert invoke_json("prefix", "--shell")["digest"] != invoke_json("prefix")["digest"]


def test_a_pinned_page_stands_in_the_prefix(tmp_path: Path) -> None:
    """By its name, after the instructions."""
    (tmp_path / "style.md").write_text("# Style\n\nShort sentences.\n", encoding="utf-8")
    told = invoke_json("prefix", "-w", tmp_path, "--pin", "style.md")
    assert [one["name"] for one in told["segments"] if one["kind"] == "system"] == ["instructions", "style.md"]
    assert b"Short sentences." in invoke("prefix", "-w", tmp_path, "--pin", "style.md").stdout_bytes
    assert invoke("prefix", "-w", tmp_path, "--pin", "absent.md").exit_code == 1


def test_a_threads_own_prefix_is_the_one_it_froze(tmp_path: Path) -> None:
    """Whatever agentmem would open a thread with today."""
    with open_journal(tmp_path / ".agentmem" / "agentmem.db") as journal:
        journal.append("old", [opening(Opening(model="claude-1", system=("Be kind.",)))], head=-1)
    told = invoke_json("prefix", "-w", tmp_path, "--thread", "old")
    assert [one["name"] for one in told["segments"]] == ["claude-1", "instructions", "options"]
    assert b"Be kind." in invoke("prefix", "-w", tmp_path, "--thread", "old").stdout_bytes
    assert invoke("prefix", "-w", tmp_path, "--thread", "absent").exit_code == 1


@pytest.mark.parametrize("command", ["menu", "prefix"])
def test_an_empty_folder_stays_empty(tmp_path: Path, command: str) -> None:
    """Neither needs a key, a model or pages, and neither creates anything."""
    arguments = ["-w", str(tmp_path)] if command == "prefix" else []
    assert invoke(command, *arguments).exit_code == 0
    assert invoke_json(command, *arguments)["schema"] == 1
    assert list(tmp_path.iterdir()) == []
