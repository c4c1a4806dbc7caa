"""The shell tool: what it shows of a command, and that nothing of a command is left behind."""

import contextlib
import json
import os
import secrets
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest

from agentmem.errors import ToolError
from agentmem.menu.menu import default_menu
from agentmem.menu.permissions import Reach, Walls
from agentmem.menu.shell import run
from agentmem.menu.toolbox import ToolContext, call
from agentmem.pages.workspace import Workspace
from agentmem.types import Text, ToolCall, ToolResult

FOREVER = f"1{os.getpid()}{secrets.randbelow(10**6):06}"
"""Seconds that no test lives, a number of our own: by it the processes are found, also those behind walls."""


@pytest.fixture(params=get_args(Walls))
def context(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ToolContext]:
    """A context with an empty workspace and an environment of its own, behind walls and without."""
    workspace = Workspace(tmp_path)
    environment = {"PATH": "/usr/bin:/bin", "HOME": "/nowhere"}
    yield ToolContext(workspace, "main", environment=environment, reach=Reach(walls=request.param))
    workspace.close()


def shell(context: ToolContext, **arguments: object) -> ToolResult:
    return call(default_menu(shell=True), ToolCall("c1", "run", json.dumps(arguments)), context)


def said(answer: ToolResult) -> str:
    return "\n".join(block.text for block in answer.content if isinstance(block, Text))


# What is shown.


def test_output_and_exit_code_are_told(context: ToolContext) -> None:
    """Both streams, in the order of printing; a code other than 0 is no failure of the tool."""
    answer = shell(context, command="echo out; echo err >&2; echo more; exit 3")
    assert not answer.is_error
    assert said(answer) == "Exit code 3.\n\nout\nerr\nmore"


def test_silence_is_told(context: ToolContext) -> None:
    """An empty answer would look like a fault."""
    assert said(shell(context, command="true")) == "Exit code 0.\n\n(It printed nothing.)"


def test_a_command_killed_by_a_signal_says_by_which(context: ToolContext) -> None:
    """A crash is told apart from an exit code."""
    text = said(shell(context, command="echo going; kill -SEGV $$"))
    assert text.endswith("signal 11 (SIGSEGV).\n\ngoing")


def test_it_runs_in_the_workspace(context: ToolContext) -> None:
    """What it writes there is a page."""
    shell(context, command="pwd > here.txt")
    assert context.workspace.text("here.txt").strip() == str(context.workspace.root)


def test_it_sees_only_the_environment_it_is_given(context: ToolContext) -> None:
    """No variable of this process reaches it, so no key does."""
    names = {line.partition("=")[0] for line in said(shell(context, command="env")).splitlines() if "=" in line}
    assert {"PATH", "HOME", "TERM"} <= names
    assert names <= {"PATH", "HOME", "TERM", "PWD", "OLDPWD", "SHLVL", "_", "_AGENTMEM_COMMAND"}


def test_its_input_is_closed(context: ToolContext) -> None:
    """A command that asks gets no answer and does not wait for one."""
    assert said(shell(context, command="cat; read line; echo $?")) == "Exit code 0.\n\n1"


def test_colours_and_progress_lines_are_taken_out(context: ToolContext) -> None:
    """The model sees what would be left on the screen."""
    command = r"printf '\033[31mred\033[0m\r\n'; printf '10%%\r50%%\rdone\n'; printf '\033]0;title\007end'"
    assert said(shell(context, command=command)) == "Exit code 0.\n\nred\ndone\nend"


def test_bytes_that_are_no_text_are_shown_as_such(context: ToolContext) -> None:
    """Binary output breaks nothing."""
    assert said(shell(context, command=r"printf 'a\377b'")) == "Exit code 0.\n\na\ufffdb"


def test_a_long_output_is_given_whole(context: ToolContext) -> None:
    """Nothing is cut away: what is too long to be shown is shown by its ends later, and kept."""
    text = said(shell(context, command="seq 1 100000"))
    assert text == "Exit code 0.\n\n" + "\n".join(map(str, range(1, 100_001)))


def test_endless_output_needs_no_endless_memory(context: ToolContext) -> None:
    """Only both ends are kept while it prints."""
    text = run("head -c 30000000 /dev/zero | tr '\\0' x; echo; echo end", context)
    assert len(text) < 1_200_000
    assert text.startswith(
        "Exit code 0. It printed 30,000,005 bytes. Only about the first and the last 500,000 are kept"
    )
    assert "run the command again with its output sent to a file" in text
    assert "bytes are left out here.]" in text
    assert text.endswith("\nend")


@pytest.mark.parametrize("command", ["a\0b", "x" * 3_000_000])
def test_a_command_that_cannot_be_started_is_explained(context: ToolContext, command: str) -> None:
    """A zero byte, or longer than the system takes."""
    with pytest.raises(ToolError, match="could not be started"):
        run(command, context)


# Nothing is left behind.

LINGERING = (
    f"sleep {FOREVER} & echo $!; "
    f"setsid sleep {FOREVER} & echo $!; "
    f"(setsid bash -c 'sleep {FOREVER} & echo $!; wait' &) ; "
)


def processes(text: str) -> list[int]:
    """The process ids that a command printed, one a line."""
    return [int(line) for line in text.splitlines() if line.isdigit()]


def sleeping() -> int:
    """How many of the commands' processes there are on this machine; what ended and was not reaped has no command."""
    found = 0
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            found += (folder / "cmdline").read_bytes() == f"sleep\0{FOREVER}\0".encode()
    return found


def test_what_it_started_in_the_background_ends_with_it(context: ToolContext) -> None:
    """Also what left its process group."""
    text = said(shell(context, command=f"mkfifo pipe; ({LINGERING}) > pipe & head -n 3 pipe > pids.txt"))
    assert text.startswith("Exit code 0.")
    started = processes(context.workspace.text("pids.txt"))
    assert len(started) == 3
    assert sleeping() == 0


def test_a_command_that_takes_too_long_is_ended_with_all_its_children(context: ToolContext) -> None:
    """What it had printed is shown; every process of the tree is gone."""
    answer = shell(context, command=f"{LINGERING} wait", seconds=1)
    text = said(answer)
    assert text.startswith("Ended after 1 seconds because its time was up")
    assert len(processes(text)) == 3
    assert sleeping() == 0


@pytest.mark.parametrize("walls", get_args(Walls))
def test_an_interrupt_ends_the_command(tmp_path: Path, walls: str) -> None:
    """Ctrl-C in the program that runs the tool: KeyboardInterrupt there, and no process left."""
    command = [sys.executable, "-c", PROGRAM, str(tmp_path), walls]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    with process, process.stdout:
        started = [int(process.stdout.readline()) for _ in range(3)]
        assert len(started) == 3
        process.send_signal(signal.SIGINT)
        assert process.stdout.read() == "interrupted\n"
    assert process.returncode == 0
    assert sleeping() == 0


@pytest.mark.parametrize("walls", get_args(Walls))
def test_the_end_of_the_program_ends_the_command(tmp_path: Path, walls: str) -> None:
    """A command that another thread waits for does not outlive the program."""
    program = PROGRAM.replace("watch(main)", "watch(lambda: None); threading.Thread(target=main, daemon=True).start()")
    process = subprocess.Popen(
        [sys.executable, "-c", program + "\nshown.wait()", str(tmp_path), walls], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    with process, process.stdout:
        started = [int(line) for line in process.stdout.read().split()]
    assert len(started) == 3
    assert sleeping() == 0


PROGRAM = f"""
import json, os, sys, threading
from pathlib import Path
from agentmem.pages.workspace import Workspace
from agentmem.menu.menu import default_menu
from agentmem.menu.toolbox import ToolContext, call
from agentmem.menu.permissions import Reach
from agentmem.types import ToolCall

root, made, shown = Path(sys.argv[1]), threading.Event(), threading.Event()
COMMAND = {LINGERING!r} + "wait"

def main():
    context = ToolContext(Workspace(root), "main", reach=Reach(walls=sys.argv[2]))
    os.mkfifo(root / "pipe")
    made.set()
    command = "(" + COMMAND + ") > pipe"
    call(default_menu(shell=True), ToolCall("c1", "run", json.dumps({{"command": command}})), context)

def show():
    made.wait()
    with (root / "pipe").open() as pipe:
        for _ in range(3):
            print(pipe.readline(), end="", flush=True)
        shown.set()
        pipe.read()

def watch(then):
    threading.Thread(target=show, daemon=True).start()
    try:
        then()
    except KeyboardInterrupt:
        print("interrupted", flush=True)

watch(main)
"""


def test_a_stop_before_the_start_is_heard(context: ToolContext) -> None:
    """A command whose time is up before it began ends at once."""
    context.stop.set()
    assert "Killed by signal 9" in run(f"sleep {FOREVER}", context)


def test_commands_can_run_side_by_side(context: ToolContext) -> None:
    """The end of one does not end another."""
    fifo = context.workspace.root / "fifo"
    os.mkfifo(fifo)
    texts: list[str] = []
    waiting = threading.Thread(target=lambda: texts.append(run("cat fifo; echo read", context)))
    waiting.start()
    assert run("true", context) == "Exit code 0.\n\n(It printed nothing.)"
    fifo.write_text("hello\n")
    waiting.join()
    assert texts == ["Exit code 0.\n\nhello\nread"]
