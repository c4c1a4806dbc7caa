"""The command line as its own process: what it imports, how it ends, and what an interrupt or a kill leaves."""

import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from agentmem.transcript.journal import open_journal

AGENTMEM = [sys.executable, "-c", "from agentmem.cli import main; main()"]
HEAVY = (
    "anthropic",
    "langgraph",
    "langchain",
    "langchain_core",
    "tiktoken",
    "xllamacpp",
    "genai_prices",
)


def environment(**changes: str) -> dict[str, str]:
    """This process's environment without keys and settings of agentmem's."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("ANTHROPIC", "AGENTMEM"))}
    return kept | changes


def agentmem(*arguments: str | Path, **changes: str) -> "subprocess.CompletedProcess[str]":
    """The command, run to its end."""
    command = [*AGENTMEM, *map(str, arguments)]
    return subprocess.run(
        command, capture_output=True, encoding="utf-8", errors="replace", timeout=120, env=environment(**changes)
    )


@dataclass(frozen=True)
class Slow:
    """A run whose first call says through the fifo ``began`` that it has begun, and lasts until ``hold`` is closed."""

    began: Path
    hold: Path
    arguments: tuple[str, ...]
    workspace: Path


@pytest.fixture
def slow(tmp_path: Path) -> Slow:
    """Such a run, in a workspace of its own."""
    made = Slow(
        tmp_path / "began",
        tmp_path / "hold",
        (
            "-w",
            str(tmp_path / "work"),
            "-m",
            f"scripted:{tmp_path / 'script.json'}",
            "-t",
            "t",
            "--shell",
            "--no-walls",
        ),
        tmp_path / "work",
    )
    os.mkfifo(made.began)
    os.mkfifo(made.hold)
    made.workspace.mkdir()
    turns: list[Any] = [
        {"calls": [{"run": {"command": f"exec 3> {made.began} < {made.hold}; echo >&3; cat"}}]},
        "It is done.",
    ]
    (tmp_path / "script.json").write_text(json.dumps(turns), encoding="utf-8")
    return made


@contextmanager
def in_a_call(slow: Slow) -> "Iterator[tuple[subprocess.Popen[str], int]]":
    """The run in a process of its own, once its tool call has begun, and our end of the fifo that says so."""
    began, hold = os.open(slow.began, os.O_RDONLY | os.O_NONBLOCK), os.open(slow.hold, os.O_RDWR)
    command = [*AGENTMEM, "run", "Wait.", *slow.arguments]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment()
    ) as process:
        try:
            assert select.select([began], [], [], 60)[0], "the tool call did not begin"
            yield process, began
        finally:
            process.kill()
            os.close(hold)
            os.close(began)


def test_help_is_light() -> None:
    """Listing the commands imports nothing heavy."""
    code = (
        "import sys\nsys.argv = ['agentmem', '--help']\nfrom agentmem.cli import main\n"
        "try:\n    main()\nexcept SystemExit as end:\n    assert not end.code\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules], file=sys.stderr)"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment())
    assert found.stderr.strip() == "[]"
    for command in ("run", "pages", "menu", "prefix", "runs", "report", "local", "doctor", "demo", "forget"):
        assert command in found.stdout


def test_the_version_is_printed() -> None:
    """On stdout, alone."""
    assert agentmem("--version").stdout.count(".") >= 2


@pytest.mark.parametrize("arguments", [("fly",), ("run", "--wings"), ("report", "a", "b")])
def test_wrong_usage_ends_with_two(arguments: tuple[str, ...]) -> None:
    """An unknown command or option, one argument too many."""
    assert agentmem(*arguments).returncode == 2


def test_settings_come_from_the_environment(tmp_path: Path) -> None:
    """And a variable that agentmem does not know is refused with the nearest one it does."""
    assert "AGENTMEM_MODEL" in agentmem("runs", "-w", tmp_path, AGENTMEM_MODLE="local").stderr
    named = agentmem("prefix", "--json", AGENTMEM_MODEL="anthropic:claude-opus-5-5")
    assert json.loads(named.stdout)["segments"][0]["name"] == "claude-opus-5-5"


def test_a_model_without_a_key_says_how_to_get_one(tmp_path: Path) -> None:
    """It is a model that is not available, and one paragraph."""
    result = agentmem("run", "Hello", "-w", tmp_path, "-m", "anthropic:claude-opus-5-5", HOME=str(tmp_path))
    assert result.returncode == 4
    assert "ANTHROPIC_API_KEY" in result.stderr
    assert "Traceback" not in result.stderr


def test_doctor_tells_of_a_key_and_never_prints_it() -> None:
    """With a key the check is ok; the key is nowhere."""
    key = "sk-ant-api03-abcdefghijklmnop"
    with_key, without = agentmem("doctor", "--json", ANTHROPIC_API_KEY=key), agentmem("doctor", "--json")
    assert [check["ok"] for check in json.loads(with_key.stdout)["checks"] if check["name"] == "Anthropic key"] == [
        True
    ]
    assert [check["ok"] for check in json.loads(without.stdout)["checks"] if check["name"] == "Anthropic key"] == [
        False
    ]
    assert key not in with_key.stdout + with_key.stderr


def test_a_reader_that_leaves_is_no_error() -> None:
    """`agentmem menu | head` prints no traceback."""
    with subprocess.Popen(
        [*AGENTMEM, "menu"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment()
    ) as one:
        assert one.stdout is not None
        assert one.stderr is not None
        one.stdout.close()
        assert b"Traceback" not in one.stderr.read()


def test_output_survives_a_terminal_without_unicode(tmp_path: Path) -> None:
    """Characters that it cannot show are escaped, and JSON stays JSON."""
    (tmp_path / "tea.md").write_text("# Thé → 茶\n", encoding="utf-8")
    shown = agentmem("pages", "show", "tea.md", "-w", tmp_path, PYTHONIOENCODING="latin-1")
    assert shown.returncode == 0
    assert "\\u8336" in shown.stdout
    told = agentmem("pages", "show", "tea.md", "--json", "-w", tmp_path, PYTHONIOENCODING="latin-1")
    assert "Thé → 茶" in json.loads(told.stdout)["text"]


def test_ctrl_c_ends_cleanly(slow: Slow) -> None:
    """Exit code 130, one paragraph that says how to go on, no traceback, and the tool's command has ended too."""
    with in_a_call(slow) as (process, began):
        process.send_signal(signal.SIGINT)
        _, stderr = process.communicate(timeout=60)
        assert os.read(began, 2) == b"\n"
        assert os.read(began, 2) == b""  # the command, which held the other end, is gone
    assert process.returncode == 130
    assert "agentmem run --thread t" in stderr
    assert "Traceback" not in stderr
    assert "error" not in stderr.lower()


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGKILL])
def test_a_run_that_was_cut_off_goes_on(slow: Slow, end: signal.Signals) -> None:
    """After Ctrl-C or kill -9 in a call: nothing lost or doubled, and the call is reported, not run again."""
    with in_a_call(slow) as (process, _):
        process.send_signal(end)
        process.communicate(timeout=60)
    resumed = agentmem("run", *slow.arguments)
    assert (resumed.returncode, resumed.stdout) == (0, "It is done.\n")
    with open_journal(slow.workspace / ".agentmem" / "agentmem.db") as journal:
        kinds = [entry.kind for entry in journal.entries("t")]
    for kind in ("user", "tool_started", "tool_result"):
        assert kinds.count(kind) == 1
    assert kinds.count("assistant") == kinds.count("usage") == 2
