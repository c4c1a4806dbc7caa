"""An agent that reads a workshop's pages, answers from them and edits them: the demo as a program of your own.

If the local engine is installed (`agentmem local install`), each request also goes through its KV cache, and the
numbers are the engine's. Otherwise they are simulated, and say so. `--quick` always simulates.
"""

import sys
import tempfile
from pathlib import Path

from agentmem import Agent, Done, Metered, TextDelta, ToolCalled, demo

with tempfile.TemporaryDirectory() as name:
    folder = Path(name)
    demo.prepare(folder)
    planner = demo.planner(demo.simulated() if "--quick" in sys.argv else demo.meter())
    with Agent(planner, folder, pinned=demo.PINNED) as agent:
        for event in agent.stream(demo.TASK):
            match event:
                case TextDelta(text):
                    print(text, end="")
                case ToolCalled(call):
                    print(f"\n  -> {call.name} {call.arguments[:90]}")
                case Metered(row):
                    used = row.usage
                    cached = f"{used.cache_read_tokens:,} of {used.input_tokens:,} input tokens from the cache"
                    print(f"\n  [{cached}, {used.basis}]")
                case Done(result):
                    print(f"\n\n{result.status} after {result.turns} requests")
    planner.close()
    print((folder / "customers" / "okafor.md").read_text(encoding="utf-8"))
