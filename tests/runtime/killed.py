"""An agent that compacts often, in a process of its own that may be killed at any moment."""

import os
import random
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from agentmem.context.cut import read_cut
from agentmem.context.window import View, extend, window
from agentmem.models.scripted import ScriptedModel
from agentmem.runtime.agent import Agent
from agentmem.runtime.session import Session
from agentmem.transcript.transcript import readable

TURNS = 40
STAMP = 60  # lines that a stamp prints

CHILD = f"""
import sys
from pathlib import Path
from agentmem import Agent, ScriptedModel, ToolCall, tool
from agentmem.models.scripted import place

folder = Path(sys.argv[1])
TURNS, STAMP = {TURNS}, {STAMP}

def stamp(number: int) -> str:
    '''Stamps a number, for good.

    Args:
        number: what to stamp
    '''
    with (folder / "stamps").open("a") as stamps:
        stamps.write(f"{{number}}\\n")
    return f"stamp_{{number:04d}} set\\n" + f"stamp_{{number:04d}} leaves a mark\\n" * STAMP

def script(request):
    turn = place(request)
    print(turn, flush=True)
    return ToolCall(f"call_{{turn}}_1", "stamp", '{{"number": %d}}' % turn) if turn < TURNS else "All stamped."

def summary(request):
    print("summary", flush=True)
    return "## Goal\\n- Stamp them all.\\n\\n## Facts\\n- stamp_0000 set was the first.\\n"

model = ScriptedModel(script, by_purpose={{"summary": summary}})
tools = [tool(stamp, effect="write", cap=100_000)]
with Agent(model, folder / "pages", tools=tools, system="Be brief.", budget=8_000, archive=None) as agent:
    said = any(entry.kind == "user" for entry in agent.journal.entries("t"))
    for event in agent.stream(None if said else "Stamp them.", thread="t"):
        pass
print("done", flush=True)
"""


def start(folder: Path) -> "subprocess.Popen[str]":
    return subprocess.Popen([sys.executable, "-c", CHILD, str(folder)], stdout=subprocess.PIPE, text=True)


def kill_after(process: "subprocess.Popen[str]", lines: int, wait: Callable[[], None]) -> bool:
    """Kills a process once it has printed so many lines, after a ``wait``. False when it was done before."""
    assert process.stdout is not None
    with process:
        for _ in range(lines):
            if process.stdout.readline() in ("done\n", ""):
                return False
        wait()
        os.kill(process.pid, signal.SIGKILL)
        return True


def play(folder: Path, chance: random.Random, kills: int, wait: Callable[[], None] = lambda: None) -> int:
    """Starts the agent again and again and kills it at random points, until it is done. Gives the number of kills."""
    done = 0
    while done < kills and kill_after(start(folder), chance.randint(0, 8), wait):
        done += 1
    with start(folder) as heir:
        said, _ = heir.communicate()
    assert said.endswith("done\n")
    return done


def check(folder: Path, kills: int) -> int:
    """All that must hold after a run with kills. Gives the number of compactions."""
    with Agent(ScriptedModel([]), folder / "pages") as agent:
        entries = list(agent.journal.entries("t"))
        opened = Session(agent.journal, "t").refresh()
        originals = [agent.journal.entry(entry.reference) for entry in entries]
    assert originals == entries
    assert opened.view == window(entries)
    view = View()
    for entry in entries:
        view = extend(view, entry)
        _pairs(view)
    kinds = [entry.kind for entry in entries]
    assert kinds.count("opening") == kinds.count("user") == 1
    assert kinds.count("assistant") == TURNS + 1
    assert kinds.count("tool_started") == kinds.count("tool_result") == TURNS
    _effects(folder, [readable(entry) for entry in entries if entry.kind == "tool_result"], kills)
    cuts = [read_cut(entry) for entry in entries if entry.kind == "compaction"]
    assert [cut.last for cut in cuts] == sorted({cut.last for cut in cuts})
    return len(cuts)


def _effects(folder: Path, results: list[str], kills: int) -> None:
    """Every tool ran once at most, and what was not cut off gave just what it gives without a kill."""
    stamps = [int(line) for line in (folder / "stamps").read_text().split()]
    assert len(stamps) == len(set(stamps))
    cut_off = 0
    for number, said in enumerate(results):
        if "was cut off" in said:
            cut_off += 1
        else:
            assert said == f"stamp_{number:04d} set\n" + f"stamp_{number:04d} leaves a mark\n" * STAMP
            assert number in stamps
    assert cut_off <= kills


def _pairs(view: View) -> None:
    """No call is without its result, no result without its call, but for calls that are still open."""
    calls = [one.value["id"] for turn in view.turns for one in turn.frames if one.value["type"] == "tool_use"]
    results = [one.value["tool_use_id"] for turn in view.turns for one in turn.frames if "tool_use_id" in one.value]
    assert results == calls[: len(results)]
    assert list(view.open) == calls[len(results) :]
