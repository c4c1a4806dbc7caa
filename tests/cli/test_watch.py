"""agentmem.cli.watch, at a terminal."""

import json
import os
import pty
import subprocess
from contextlib import suppress
from pathlib import Path

import pytest

from tests.cli.test_process import AGENTMEM, environment

TURNS = [{"text": "I look.", "calls": [{"read": {"page": "tea.md"}}]}, "Green tea takes two minutes."]


def at_a_terminal(typed: str, *arguments: str) -> tuple[int, str]:
    """The exit code of the command and everything that the terminal showed, with ``typed`` at the keyboard."""
    ours, theirs = pty.openpty()
    os.write(ours, typed.encode())
    with subprocess.Popen(
        [*AGENTMEM, *arguments], stdin=theirs, stdout=theirs, stderr=theirs, env=environment(TERM="xterm")
    ) as process:
        os.close(theirs)
        shown = b""
        with suppress(OSError):  # a terminal that its program has closed
            while part := os.read(ours, 65_536):
                shown += part
        os.close(ours)
    return process.returncode, shown.decode()


@pytest.fixture
def arguments(tmp_path: Path) -> list[str]:
    """A run that asks before it reads."""
    (tmp_path / "tea.md").write_text("# Tea\n\nGreen: two minutes.\n", encoding="utf-8")
    script = tmp_path / "script.json"
    script.write_text(json.dumps(TURNS), encoding="utf-8")
    return ["run", "How long?", "-w", str(tmp_path), "-m", f"scripted:{script}", "--approve", "read"]


@pytest.mark.parametrize(("typed", "told"), [("y\n", "← read"), ("n\n", "✗ read")])
def test_a_person_is_asked_and_the_run_goes_on(arguments: list[str], typed: str, told: str) -> None:
    """Yes lets the call run, no is told to the model; either way the answer comes, once."""
    code, shown = at_a_terminal(typed, *arguments)
    assert code == 0
    assert "Allow read?" in shown
    assert told in shown
    assert shown.count("Green tea takes two minutes.") == 1


def test_the_cursor_comes_back(arguments: list[str]) -> None:
    """The sign of life that hides it is taken off the terminal."""
    _, shown = at_a_terminal("y\n", *arguments)
    assert shown.rfind("\x1b[?25h") >= shown.rfind("\x1b[?25l")
