"""MCP servers on a menu: three of 200 tools cost three, and 1,000 calls of a server that dies, stalls, floods, changes.

python -m tests.benchmarks.mcp_faults [--calls 1000] [--seed 7] [--json FILE]
"""

import argparse
import json
import logging
import random
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from agentmem.mcp.client import MCP
from agentmem.menu.menu import make_menu
from agentmem.menu.tool import Menu
from agentmem.models.scripted import ScriptedModel
from agentmem.runtime.agent import Agent
from agentmem.runtime.stops import Limits
from agentmem.tokens import count
from agentmem.transcript.transcript import readable
from tests.benchmarks.heading import heading, record_figures
from tests.mcp import server
from tests.mcp.servers import gone

TOOLS = 200
PER_RUN = 10
FAULTS = {"die": 5, "stall": 1, "flood": 2, "chatter": 2, "garbage": 3, "change": 3}
"""How often each fault comes among a hundred calls; the others are searches."""
SENTENCES = ("ended while it worked", "did not answer", "sent more than", "cannot be reached", "search ", "fault ")
TARGET = "three of 200 tools cost the tokens of three; of 1,000 calls no run is lost and each is a result or a sentence"


def connection(folder: Path, *only: str) -> MCP:
    command = [sys.executable, server.__file__, str(TOOLS), str(folder / "changed")]
    return MCP("tests", command=command, only=only, timeout=3.0, most_bytes=200_000)


def tokens(menu: Menu) -> int:
    return sum(count(json.dumps(one)) for one in menu.definitions())


def three_cost_three(folder: Path) -> dict[str, Any]:
    """The tokens of a menu with three of the tools, of each of them alone, and of all of them."""
    names = ("search", "more_7", "more_150")
    alone = 0
    for name in names:
        with connection(folder, name) as one:
            alone += tokens(make_menu([one]))
    with connection(folder, *names) as one:
        together = tokens(make_menu([one]))
        whole = sum(
            count(
                json.dumps(
                    one._definition(each)
                    if each.tool in one.only
                    else {"name": each.tool, "description": each.description, "input_schema": each.schema}
                )
            )
            for each in one._listed.values()
        )
    return {"three_tokens": together, "each_alone_tokens": alone, "all_tokens": whole}


def calls(folder: Path, many: int, seed: int) -> dict[str, Any]:
    """Runs of ten calls each; a share of the calls makes the server fail."""
    chance, drawn = random.Random(seed), Counter[str]()
    kinds = [kind for kind, share in FAULTS.items() for _ in range(share)]
    kinds += ["search"] * (100 - len(kinds))
    script: list[Any] = []
    runs = many // PER_RUN
    for run in range(runs):
        for _ in range(PER_RUN):
            kind = chance.choice(kinds)
            drawn[kind] += 1
            given = (
                {"search": {"q": f"{run}", "query": "x", "sort": "y"}}
                if kind == "search"
                else {"fault": {"kind": kind}}
            )
            script.append({"calls": [given]})
        script.append(f"run {run} is done")
    one = connection(folder, "search", "fault", "create")
    done, odd, took = 0, list[str](), list[float]()
    results, errors, changes = 0, Counter[str](), 0
    with Agent(
        ScriptedModel(script, sequential=True),
        folder / "notes",
        tools=["read", one],
        limits=Limits(max_turns=PER_RUN + 5),
        compaction=None,
        archive=None,
    ) as agent:
        for run in range(runs):
            began = time.monotonic()
            result = agent.run(f"Do the work {run}.", thread=f"r{run}")
            took.append(time.monotonic() - began)
            done += result.status == "done" and result.text == f"run {run} is done"
            for entry in agent.journal.entries(f"r{run}"):
                if entry.kind == "tool_result":
                    text = readable(entry)
                    results += 1
                    said = next((start for start in SENTENCES if start in text), "")
                    errors[said] += 1
                    odd += [] if said else [text[:200]]
                changes += entry.kind == "note" and "no longer as described" in readable(entry)
            if (folder / "changed").exists() and run % 5 == 4:
                (folder / "changed").unlink()
        starts = one.starts
    return {
        "runs": runs,
        "runs_done": done,
        "calls": results,
        "drawn": dict(drawn),
        "answers": dict(errors),
        "odd": odd[:5],
        "server_starts": starts,
        "changes_told": changes,
        "longest_run_seconds": max(took),
        "processes_left": not gone(folder),
    }


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", help="not needed")
    parser.add_argument("--calls", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    logging.disable(logging.WARNING)
    heading(TARGET, "a server made here", tools=TOOLS, calls=given.calls, seed=given.seed, faults_in_100=FAULTS)
    with tempfile.TemporaryDirectory() as place:
        (Path(place) / "notes").mkdir()
        began = time.monotonic()
        found = three_cost_three(Path(place)) | calls(Path(place), given.calls, given.seed)
        found["seconds"] = time.monotonic() - began
    for key, value in found.items():
        print(f"  {key}: {value}")
    record_figures(**found)
    if given.json:
        given.json.write_text(json.dumps(found, indent=1))
    met = (
        found["three_tokens"] <= found["each_alone_tokens"] < found["all_tokens"] / 20
        and found["runs_done"] == found["runs"]
        and found["calls"] == given.calls
        and not found["odd"]
        and not found["processes_left"]
        and found["changes_told"] > 0
    )
    print("met" if met else "MISSED")
    return int(not met)


if __name__ == "__main__":
    sys.exit(main())
