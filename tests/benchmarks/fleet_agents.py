"""The agents of the fleet's benchmark: scripted replies of a given length, a real prefix, and a cache in each worker.

What they need is in the task, so that workers on Ray know it: ``replies``, ``seconds`` for each, ``folder`` for what is
counted. With ``effects`` every reply but the last writes a page and appends a line to a file outside.
"""

import os
import threading
import time
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

from agentmem import Agent
from agentmem.fleet.settings import FleetSeat
from agentmem.kvcache.rules import rules_for
from agentmem.kvcache.simulated.simulator import Simulator
from agentmem.models.meters import Simulated
from agentmem.models.scripted import ScriptedModel, place
from agentmem.types import Delta, Message, ModelProfile, Request, Usage

MODEL = "claude-sonnet-5-5"
SYSTEM = "You check orders of a workshop, one after the other, and write down what you find. " + " ".join(
    f"Rule {number}: an order of kind {number} needs the page of its customer and the list of parts {number * 7}."
    for number in range(120)
)


class WorkerMeter:
    """A simulated cache that a process's agents share. A request that reads nothing of it is noted as cold."""

    def __init__(self) -> None:
        self._simulated = Simulated(Simulator(rules_for("anthropic", MODEL)))
        self._lock = threading.Lock()
        self.folder = Path()

    def usage(self, request: Request, reply: Message) -> Usage:
        with self._lock:
            usage = self._simulated.usage(request, reply)
        if not usage.cache_read_tokens:
            _line(self.folder / "cold", f"{os.getpid()} {request.model}")
        return usage

    def close(self) -> None:
        """The other agents use it too."""


@lru_cache
def meter() -> WorkerMeter:
    return WorkerMeter()


class Paced(ScriptedModel):
    """A scripted model that takes its time before each reply."""

    seconds = 0.0

    def stream(self, request: Request) -> Iterator[Delta]:
        time.sleep(self.seconds)
        return super().stream(request)


def make_agent(seat: FleetSeat) -> Agent:
    """The agent of one run."""
    more = seat.more
    folder, replies, key = Path(more["folder"]), int(more["replies"]), seat.key
    meter().folder = folder

    def effect(step: int) -> str:
        """Order a part.

        Args:
            step: which step of the order this is.
        """
        _line(folder / "effects", f"{key} {step}")
        return f"ordered {step}"

    def look(step: int) -> str:
        """Look at a page of the catalogue.

        Args:
            step: which page.
        """
        words = (f"part {step * 1000 + number} of shelf {hash((key, number)) % 9973};" for number in range(900))
        return " ".join(words)[: int(more["result"])]

    def turn(request: Request) -> Any:
        at = place(request)
        if at + 1 >= replies:
            return f"Order {key} is checked."
        if more.get("result"):
            return {"text": f"Step {at}.", "calls": [{"look": {"step": at}}]}
        if not more.get("effects"):
            return {"text": f"Step {at}.", "calls": [{"read": {"page": "order.md"}}]}
        if at % 2:
            return {"text": f"Step {at}.", "calls": [{"effect": {"step": at}}]}
        text = "".join(f"# Step {one}\n\nDone for {key}.\n\n" for one in range(0, at + 1, 2))
        return {"text": f"Step {at}.", "calls": [{"write": {"page": f"step-{at}.md", "text": text}}]}

    model = Paced(turn, meter=meter(), profile=ModelProfile("anthropic", MODEL, "cloud"))
    model.seconds = float(more["seconds"])
    workspace = _place(seat)
    order = workspace / "order.md"
    if not order.exists():
        workspace.mkdir(parents=True, exist_ok=True)
        order.write_text(f"# Order {key}\n\nTwelve shelves.\n")
    tools: list[Any] = ["read", "write", *([effect] if more.get("effects") else [look] if more.get("result") else [])]
    return Agent(model, workspace, database=seat.database, tools=tools, system=SYSTEM, archive=None)


def _place(seat: FleetSeat) -> Path:
    """The run's folder: apart for each host of a cluster, where two of them are on one machine."""
    if not seat.more.get("apart"):
        return seat.workspace
    import ray

    return seat.workspace.parent / ray.get_runtime_context().get_node_id()[:8] / seat.workspace.name


def _line(path: Path, text: str) -> None:
    """Append a line in one write, which other processes' lines do not part."""
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(descriptor, f"{text}\n".encode())
    finally:
        os.close(descriptor)
