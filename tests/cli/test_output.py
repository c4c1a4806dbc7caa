"""What a model, a tool, a file or a name says cannot steer the terminal on which a command prints it."""

import json
import os
import pty
import re
import select
import subprocess
import sys
from pathlib import Path

import pytest

from agentmem.meter.ledger import Row, draft
from agentmem.transcript.journal import open_journal
from agentmem.types import Usage
from tests.cli.test_process import AGENTMEM, agentmem, environment

EVIL = "\x1b]52;c;eHl6\x07 \x1b[2J \x9b2J \x9d0;owned\x9c \u202edcba\u202c \u2066x\u2069 a\u200bb \x08\x7f"
"""Writes the clipboard, clears the screen, sets the title, turns a word round, hides and rubs out."""
NAME = "note\x1b]52;c;eA==\x07\x9b2J\u202e"
RICH = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
"""What rich draws with: colours, and moving to the line's start to draw it again."""
SHOWN = re.compile(r"\\(?:x|u00)(?:1b(?:\]52;|\[2J)|9b2J)")
"""The same two sequences with what begins them shown as an escape."""
STEERS = re.compile("[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200b\u202a-\u202e\u2066-\u2069]")


def on_a_terminal(*arguments: str | Path, keys: bytes = b"") -> str:
    """What the command writes to a terminal of its own; it must end by itself."""
    main, other = pty.openpty()
    settings = environment(TERM="xterm-256color", COLUMNS="120", LINES="40", PYTHONIOENCODING="utf-8")
    command = [*AGENTMEM, *map(str, arguments)]
    with subprocess.Popen(command, stdin=other, stdout=other, stderr=other, env=settings, close_fds=True) as process:
        os.close(other)
        if keys:
            os.write(main, keys)
        said, ended = b"", False
        while not ended and select.select([main], [], [], 120)[0]:
            try:
                data = os.read(main, 65536)
            except OSError:  # the other end is closed
                data = b""
            said, ended = said + data, not data
        if not ended:
            process.kill()
    os.close(main)
    assert ended, f"it waits for something: {said!r}"
    return said.decode()


def assert_safe(said: str) -> None:
    """Nothing is left that steers but what rich draws with, and the texts were there."""
    left = STEERS.sub(lambda found: f"<{ord(found[0]):x}>", RICH.sub("", said.replace("\r", "")))
    assert not re.search(r"<[0-9a-f]+>", left), left
    assert not re.search(r"\]52;|2J", SHOWN.sub("", said)), said


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pages, file names, a run whose model, tool and thread say such things, and a wire log."""
    place = tmp_path_factory.mktemp("terminal")
    (place / "page.md").write_text(f"# Title {EVIL}\n\nword {EVIL}\n", encoding="utf-8")
    (place / f"{NAME}.md").write_text("# Named\n\nword\n", encoding="utf-8")
    script = [{"calls": [{"read": {"page": "page.md"}}, {f"no{EVIL}": {"x": EVIL}}]}, f"Answer {EVIL}"]
    (place / "script.json").write_text(json.dumps(script), encoding="utf-8")
    with open_journal(place / ".agentmem" / "agentmem.db") as journal:
        row = Row("rows", f"a{EVIL}", "turn", f"p:{EVIL}", "cloud", Usage("measured", 10, output_tokens=5), 0.0)
        journal.append("rows", [draft(row)], head=-1)
    return place


def test_a_run_is_shown_safely(workspace: Path) -> None:
    """What the model streams, its calls, what tools give and an error say."""
    said = on_a_terminal("run", "Go.", "-w", workspace, "-m", f"scripted:{workspace / 'script.json'}", "-t", "t")
    assert "Answer" in said
    assert "\\x1b]52;" in said
    assert_safe(said)
    shown = ("recall word --thread t", "recall t/2", "checkpoints t", "why t", "prefix --thread t", "report t", "runs")
    for command in shown:
        assert_safe(on_a_terminal(*command.split(), "-w", workspace))


@pytest.mark.parametrize(
    "command",
    [
        ("pages", "ls"),
        ("pages", "ls", "--json"),
        ("pages", "show", "page.md"),
        ("pages", "show", "page.md", "--exact"),
        ("pages", "show", "page.md", "--json"),
        ("pages", "outline", "page.md"),
        ("pages", "find", "word"),
        ("pages", "find", "word", "--json"),
        ("report", "rows"),
        ("pages", "show", NAME),
        ("pages", "show", "page.md", NAME),
        ("forget", f"no{EVIL}"),
        ("fly", NAME),
        (NAME,),
        ("prefix", "--pin", "page.md"),
    ],
    ids=lambda command: " ".join(command).encode("unicode_escape").decode()[:40],
)
def test_pages_names_and_errors_are_shown_safely(workspace: Path, command: tuple[str, ...]) -> None:
    """Texts, headings, file names, JSON, and errors that name what somebody gave."""
    at = ("-w", str(workspace)) if command[0] in ("pages", "report", "forget", "prefix") else ()
    assert_safe(on_a_terminal(*command, *at, keys=b"n\n"))


def test_a_question_is_asked_safely(workspace: Path) -> None:
    """The call that waits, and the question whether it may run."""
    arguments = ("run", "Go.", "-w", workspace, "-m", f"scripted:{workspace / 'script.json'}", "-t", "asks")
    said = on_a_terminal(*arguments, "--approve", "read", keys=b"y\n")
    assert "Allow read?" in said
    assert_safe(said)


def test_a_file_keeps_its_bytes(workspace: Path) -> None:
    """What is printed into a pipe is the page's own text."""
    command = [*AGENTMEM, "pages", "show", "page.md", "--exact", "-w", str(workspace)]
    printed = subprocess.run(command, capture_output=True, check=True, env=environment()).stdout
    assert printed == (workspace / "page.md").read_bytes()


def test_lists_and_errors_are_safe_in_a_file_too(workspace: Path) -> None:
    """Somebody will look at that with `cat`."""
    for found in (agentmem("pages", "ls", "-w", workspace), agentmem("pages", "show", NAME, "-w", workspace)):
        assert not STEERS.search(found.stdout + found.stderr)


def test_warnings_are_shown_safely() -> None:
    """Those that Python prints where nobody set up logging."""
    warn = f"log_visibly(); logging.getLogger('x').warning({EVIL!r})"
    code = f"import logging; from agentmem.cli.output import log_visibly; {warn}"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, encoding="utf-8", check=True)
    assert "\\x1b]52;" in found.stderr
    assert not STEERS.search(found.stderr)
