"""A run that is killed with SIGKILL goes on in another process: nothing lost, nothing doubled, no effect repeated."""

import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from agentmem.context.window import window
from agentmem.models.scripted import ScriptedModel
from agentmem.runtime.agent import Agent
from agentmem.transcript.journal import open_journal

TURNS = 8

CHILD = """
import os, signal, sys
from pathlib import Path
from agentmem import Agent, ScriptedModel, ToolCall, tool

folder, dies = Path(sys.argv[1]), sys.argv[2]
begun = 0

def die(where):
    if dies == where:
        os.kill(os.getpid(), signal.SIGKILL)

def stamp(number: int) -> str:
    '''Stamps a number, for good.

    Args:
        number: what to stamp
    '''
    with (folder / "stamps").open("a") as stamps:
        stamps.write(f"{number}\\n")
    die(f"tool {number}")
    return f"stamped {number}"

def script(request):
    global begun
    turn = sum(one.role == "assistant" for one in request.turns)
    die(f"model {turn}")
    print(turn, flush=True)
    begun += 1
    if dies == f"after {begun}":
        sys.stdin.read()  # until it is killed
    return ToolCall(f"call_{turn}_0", "stamp", '{"number": %d}' % turn) if turn < TURNS else "All stamped."

with Agent(ScriptedModel(script), folder / "pages", tools=[tool(stamp, effect="write")]) as agent:
    print(agent.run("Stamp them.", thread="t").text, flush=True)
""".replace("TURNS", str(TURNS))


def start(folder: Path, dies: str = "") -> subprocess.Popen[str]:
    command = [sys.executable, "-c", CHILD, str(folder), dies]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def check(folder: Path, killed: int) -> None:
    """The transcript is whole, every call was made once, and its effect happened once at most."""
    with Agent(ScriptedModel([]), folder / "pages") as agent:
        entries = list(agent.journal.entries("t"))
    view = window(entries)
    assert not view.open
    kinds = [entry.kind for entry in entries]
    assert kinds.count("opening") == kinds.count("user") == 1
    assert kinds.count("assistant") == kinds.count("usage") == TURNS + 1
    assert kinds.count("tool_started") == kinds.count("tool_result") == TURNS
    interrupted = sum("was cut off" in entry.data.decode() for entry in entries if entry.kind == "tool_result")
    stamps = [int(line) for line in (folder / "stamps").read_text().split()]
    assert len(stamps) == len(set(stamps))
    assert len(stamps) >= TURNS - interrupted
    assert interrupted <= killed


@pytest.mark.parametrize("where", ["model 0", "model 3", "tool 0", "tool 5", f"model {TURNS}"])
def test_a_kill_at_a_known_point(tmp_path: Path, where: str) -> None:
    """Killed while the model answers or while a tool runs, the next process finishes the task."""
    with start(tmp_path, where) as doomed:
        assert doomed.wait() == -signal.SIGKILL
    with start(tmp_path) as heir:
        said, _ = heir.communicate()
    assert said.endswith("All stamped.\n")
    check(tmp_path, killed=1)


def test_kills_at_random_points(tmp_path: Path) -> None:
    """Killed again and again after a few turns each, it still ends with the same transcript."""
    chance, kills = random.Random(7), 0
    while not finished(tmp_path):
        turns = chance.randint(0, 3)
        with start(tmp_path, f"after {turns + 1}") as process:
            assert process.stdout is not None
            for _ in range(turns):
                process.stdout.readline()
            os.kill(process.pid, signal.SIGKILL)
            kills += 1
    assert kills > 2
    check(tmp_path, killed=kills)


def finished(folder: Path) -> bool:
    """True once the model has given its last answer."""
    with open_journal(folder / "pages" / ".agentmem" / "agentmem.db") as journal:
        return sum(entry.kind == "assistant" for entry in journal.entries("t")) > TURNS
