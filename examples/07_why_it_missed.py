"""Three agents that miss their cache, and why: each recorded by one hook on its client, then asked `agentmem why`.

No key: the provider is agentmem's loopback server, and what its cache would have done is simulated.
"""

import random
import subprocess
import sys
import tempfile
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import anthropic

from agentmem import record
from agentmem.testing import MessagesServer

RULES = "\n".join(f"{number}. Be brief, name your source, and never guess a number." for number in range(150))
NAMES = ("orders", "invoices", "parcels", "customers")
TOOLS: list[Any] = [{"name": f"find_{name}", "input_schema": {"type": "object"}} for name in NAMES]
EPHEMERAL: Any = {"type": "ephemeral"}
Request = dict[str, Any]


def tells_the_time(request: Request) -> Request:
    """Every request begins with another second."""
    request["system"][0]["text"] = f"It is {datetime.now():%H:%M:%S.%f}.\n{RULES}"
    return request


def tools_from_a_set(request: Request) -> Request:
    """The tools come in whatever order a set has."""
    return {**request, "tools": random.sample(TOOLS, k=len(TOOLS))}


def forgets_the_oldest(request: Request) -> Request:
    """Only the last seven messages are sent."""
    return {**request, "messages": request["messages"][-7:]}


def chat(client: anthropic.Anthropic, careless: Callable[[Request], Request]) -> None:
    """Six questions in one conversation."""
    messages: list[Any] = []
    for number in range(6):
        messages.append(
            {"role": "user", "content": f"Question {number}: " + "where is the parcel of my last order? " * 40}
        )
        system = [{"type": "text", "text": RULES, "cache_control": EPHEMERAL}]
        request = {"system": system, "tools": TOOLS, "messages": list(messages)}
        reply = client.messages.create(
            model="claude-sonnet-5", max_tokens=200, cache_control=EPHEMERAL, **careless(request)
        )
        messages.append({"role": "assistant", "content": [block.model_dump() for block in reply.content]})


random.seed(7)
with tempfile.TemporaryDirectory() as folder:
    for careless in (tells_the_time, tools_from_a_set, forgets_the_oldest):
        log = Path(folder) / f"{careless.__name__}.jsonl"
        with MessagesServer() as server, anthropic.Anthropic(api_key="none", base_url=server.url) as client:
            recording = record(client, log)
            chat(client, careless)
            recording.close()
        print(f"$ agentmem why {log.name}", flush=True)
        subprocess.run([sys.executable, "-m", "agentmem", "why", str(log)], check=True)
