"""What a turn costs on a long thread: tokens sent, our own time and memory, at 200k, 1M and 5M tokens of history.

The agent reads records for as long as it takes, under one budget, with a scripted model whose summaries cost nothing to
make. What is measured are the last 200 turns before each mark, those with a compaction included, and what it takes to
open the thread there in a new process. What leaves is archived behind; its embedding is left out.
"""

import argparse
import gc
import json
import random
import statistics
import subprocess
import sys
import tempfile
import time
import tracemalloc
from dataclasses import dataclass
from pathlib import Path

from agentmem.menu.menu import tool
from agentmem.models.scripted import ScriptedModel, Turn, place
from agentmem.recall.archive import LanceArchive
from agentmem.runtime.agent import Agent
from agentmem.runtime.stops import Limits
from agentmem.tokens import count
from agentmem.transcript import transcript
from agentmem.types import Reply, Request, Text, ToolCall, ToolResult
from tests.benchmarks.heading import heading, record_figures

MARKS = (200_000, 1_000_000, 5_000_000)
LAST, FLAT, SEED, BUDGET = 200, 1.3, 7, 120_000
WORDS = (
    "pump",
    "valve",
    "tank",
    "meter",
    "pipe",
    "gauge",
    "filter",
    "motor",
    "shaft",
    "seal",
    "crane",
    "hoist",
    "winch",
    "ladder",
    "bolt",
    "flange",
)


def look(record: str) -> str:
    """Looks a record up.

    Args:
        record: its name
    """
    return record


LOOK = tool(look, effect="read")


def result(number: int) -> str:
    """About a thousand tokens about record ``number``, the same in every run."""
    chance = random.Random(SEED * 1_000_003 + number)
    lines = (f"{chance.choice(WORDS)}_{chance.randrange(10**6):06d}: {chance.choice(WORDS)} ok" for _ in range(60))
    return f"record_{number:06d} next record_{number + 1:06d}\n" + "\n".join(lines)


def script(request: Request) -> Turn:
    turn = place(request)
    return ToolCall(f"call_{turn}_1", "look", json.dumps({"record": f"record_{turn:06d}"}))


def summary(request: Request) -> Turn:
    """What a model would say of it, more or less: the newest records by name."""
    text = "\n".join(str(frame.value) for turn in request.turns[-12:] for frame in turn.frames)
    names = sorted({word for word in text.replace('"', " ").split() if word.startswith("record_")})[-40:]
    return "## Goal\n- Look every record up.\n\n## Facts\n" + "\n".join(f"- {name} was looked up." for name in names)


def agent(folder: Path) -> Agent:
    model = ScriptedModel(script, by_purpose={"summary": summary})
    limits = Limits(max_turns=None)
    made = Agent(model, folder, tools=[LOOK], system="Be brief.", budget=BUDGET, limits=limits)
    archive_of(made).shelf.embedder = None
    return made


def archive_of(one: Agent) -> LanceArchive:
    assert isinstance(one.archive, LanceArchive)
    return one.archive


@dataclass(slots=True)
class Point:
    """What was measured at one mark; times in seconds, sizes in bytes."""

    history: int
    turns: int
    sent: float
    own: float
    longest: float
    memory: int
    opening: float = 0.0


def turn(one: Agent) -> tuple[int, int, float]:
    """One turn. Gives the tokens sent, those that came in, and the seconds that were our own."""
    session, steps, model = one.sessions["t"], one.steps, one.model
    began, asked = time.perf_counter(), len(model.requests)  # type: ignore[attr-defined]
    for _ in steps.compacted(session):
        pass
    request = steps.prepare(session)
    own = time.perf_counter() - began
    reply = list(model.stream(request))[-1]
    assert isinstance(reply, Reply)
    call = reply.message.calls[0]
    answer = ToolResult(call.id, (Text(result(place(request))),))
    began = time.perf_counter()
    steps.commit(session, request, reply, steps.clock())
    session.append(transcript.tool_result(answer))
    own += time.perf_counter() - began
    sent = sum(each.estimate for each in model.requests[asked:])  # type: ignore[attr-defined]
    model.requests.clear()  # type: ignore[attr-defined]
    return sent, sum(frame.tokens for frame in session.view.turns[-1].frames), own


def grow(folder: Path, marks: tuple[int, ...]) -> list[Point]:
    """The thread up to each mark, and what its last turns were like there."""
    points, history, turns = [], 0, list[tuple[int, float]]()
    with agent(folder) as one:
        one.steps.receive(one.sessions["t"], "r", (Text("Look every record up, one after the other."),))
        for mark in marks:
            cuts = 0
            while history < mark or one.sessions["t"].view.cuts == cuts:  # each mark is met just after a compaction
                cuts = one.sessions["t"].view.cuts
                sent, new, own = turn(one)
                history += new
                turns.append((sent, own))
            last = turns[-LAST:]
            times = [own for _, own in last]
            mean = statistics.mean(sent for sent, _ in last)
            points.append(Point(history, len(turns), mean, statistics.mean(times), max(times), held(one)))
            points[-1].opening = opened(folder)
            print(f"  {shown(points[-1])}", flush=True)
    return points


def held(one: Agent) -> int:
    """Bytes that the thread's session holds in memory: what folding it afresh allocates."""
    archive_of(one).settle()
    one.sessions.drop("t")
    gc.collect()
    tracemalloc.start()
    one.sessions["t"].refresh()
    size = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    return size


def opened(folder: Path) -> float:
    """Seconds that opening the thread takes in a new process: the least of five, each with its own."""
    command = [sys.executable, "-m", "tests.benchmarks.flat_cost", "--open", str(folder)]
    return min(float(subprocess.run(command, capture_output=True, text=True, check=True).stdout) for _ in range(5))


def open_once(folder: Path) -> None:
    """Open the thread and print how long it took."""
    with agent(folder) as one:
        one.sessions["empty"].refresh()
        count("the encoding is loaded before")
        began = time.perf_counter()
        one.sessions["t"].refresh()
        print(time.perf_counter() - began)


def shown(point: Point) -> str:
    return (
        f"{point.history:>10,} tokens of history, {point.turns:,} turns: {point.sent:,.0f} tokens sent a turn, "
        f"{point.own * 1000:.2f} ms of our own (at most {point.longest * 1000:.0f} with a compaction), "
        f"{point.memory / 1e6:.1f} MB held; opening it: {point.opening * 1000:.1f} ms"
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", help="not needed: the thread is made here")
    parser.add_argument("--open", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--marks", type=int, nargs="+", default=list(MARKS), help="tokens of history to measure at")
    given = parser.parse_args()
    if given.open:
        open_once(given.open)
        return 0
    heading("flat cost", "made here", seed=SEED, budget=f"{BUDGET:,} tokens", last_turns=LAST, target=f"{FLAT} x")
    with tempfile.TemporaryDirectory() as folder:
        points = grow(Path(folder), tuple(given.marks))
    first, last = points[0], points[-1]
    ratios = {name: getattr(last, name) / getattr(first, name) for name in ("sent", "own", "memory", "opening")}
    for name, ratio in ratios.items():
        print(f"  {name} at {last.history:,} over {first.history:,}: {ratio:.2f} x (target {FLAT})")
    longest = max(point.longest for point in points) * 1000
    print(f"  the longest turn with a compaction: {longest:.0f} ms (target 150)")
    record_figures(history=last.history, over=first.history, longest_ms=longest, **ratios)
    return int(any(ratio > FLAT for ratio in ratios.values()) or longest > 150)


if __name__ == "__main__":
    sys.exit(main())
