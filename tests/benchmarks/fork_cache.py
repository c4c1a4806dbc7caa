"""How much of a run's context a fork of it, and a branch after going back, find in the local engine's KV cache.

An agent works through four tasks. Then its second checkpoint is forked, and gone back to. The first request of each is
put through the engine with everything else, and its counters tell how much of what stood at the checkpoint was there.
Beside it: the same request as a new conversation, told what happened in its own words.
"""

import argparse
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from agentmem.kvcache.frames import frame
from agentmem.models.engine import Engine
from agentmem.models.scripted import ScriptedModel
from agentmem.runtime.agent import Agent
from agentmem.types import Message, Request, Usage
from tests.benchmarks.engine import local_engine
from tests.benchmarks.heading import heading, record_figures
from tests.benchmarks.local_cache import Recording
from tests.benchmarks.team_prefix import count, frames, shared

TARGET = 0.99
TASKS = 4
SYSTEM = "You look after the pages of a small workshop. " + "Read before you answer, and name the page. " * 20


def work(engine: Engine, folder: Path) -> tuple[list[Usage], list[Request]]:
    """A run of four tasks, then the first request of a fork and of a branch: usages and requests, in order."""
    meter = Recording(engine, [])
    model = ScriptedModel(lambda request: "I have looked at it, and the stand is booked.", meter=meter)
    with Agent(model, folder, tools=("read",), system=SYSTEM) as agent:
        for number in range(TASKS):
            agent.run(f"Is stand {number} booked on day {number * 3}? " * 4, thread="t")
        point = agent.checkpoints("t")[2]
        agent.run("What about stand nine?", thread=agent.fork(at=point))
        agent.rollback(to=point)
        agent.run("And what about stand eight?", thread="t")
    return meter.usages, model.requests


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, help="not used: the tasks are made")
    parser.parse_args()
    with local_engine() as engine, tempfile.TemporaryDirectory() as folder:
        heading("fork_cache", "made here: four tasks", split="none", seed="none", tasks=TASKS, engine=engine.name)
        usages, requests = work(engine, Path(folder))
        stood = shared(requests[2], requests[TASKS])
        tokens, shares = count(engine, stood), []
        for name, place in (("fork", TASKS), ("branch", TASKS + 1)):
            read = usages[place].cache_read_tokens
            shares.append(min(1.0, read / tokens))  # the next block begins with the same bytes
            print(f"  first request of the {name}: {read:,} cached {usages[place].uncached_tokens:,} processed")
        print(f"  at the checkpoint stood {len(stood)} frames, {tokens:,} tokens; all: {len(frames(requests[TASKS]))}")
        front = frame("system", {"type": "text", "text": "Another conversation went before this one."})
        other = replace(requests[TASKS], tools=(front, *requests[TASKS].tools))
        contrast = engine.usage(other, Message("assistant", ())).cache_read_tokens / tokens
    record_figures(fork=shares[0], branch=shares[1], new_conversation=contrast)
    ok = min(shares) >= TARGET
    print(
        f"  read: fork {shares[0]:.1%}, branch {shares[1]:.1%}, as a new conversation {contrast:.1%}; limit 100 %, ",
        end="",
    )
    print(f"target {TARGET:.0%}: {'reached' if ok else 'MISSED'}")
    return 0 if ok else 1


if __name__ == "__main__":
    sys.exit(main())
