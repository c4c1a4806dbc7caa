"""Private requests of every kind on servers that stand for a cloud and an edge: what of them reaches the cloud.

Each private text carries a mark, which every reply of the edge repeats, so that whatever is made of it carries the mark
too: summaries, delegates' tasks, forks. The edge fails now and then, so that retries and fallbacks happen.
"""

import random
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from agentmem.errors import ModelError
from agentmem.kvcache.simulated.events import ServerAnswer
from agentmem.kvcache.simulated.faults import HttpError
from agentmem.kvcache.simulated.faults import Reply as Served
from agentmem.meter.ledger import rows
from agentmem.models.batches import BatchModel
from agentmem.routing.labels import labelled
from agentmem.routing.routes import Privacy, Routes
from agentmem.routing.rules import RouteRule
from agentmem.routing.targets import RouteTarget
from agentmem.runtime.agent import Agent
from agentmem.types import Json
from tests.runtime.places import Places

MARK = "file-7431-kappa"
PRIVACY = Privacy(threads=("client-*",), words=(r"\bpatient\b",))
RULES = (
    RouteRule("kept", ("house",), {"privacy": ("private",)}),
    RouteRule("what can wait", ("later",), {"urgency": ("batch",)}),
    RouteRule("sub-tasks", ("small",), {"size": ("small",)}),
    RouteRule("long", ("small",), {"context": ("long",)}, now=True),
)


@dataclass(slots=True)
class Kept:
    """What came of it: private requests that were to be sent, by kind; those of them that reached the cloud; requests
    that a fault at the edge let fail; and open requests, which the cloud did get.
    """

    private: dict[str, int] = field(default_factory=dict)
    leaked: int = 0
    failed: int = 0
    open: int = 0

    @property
    def total(self) -> int:
        return sum(self.private.values())


class PrivateDay:
    """An agent with routes, fallbacks, a batch and an edge that fails in a share of its requests."""

    def __init__(self, folder: Path, seed: int, faults: float = 0.2) -> None:
        self.random, self.faults, self.kept = random.Random(seed), faults, Kept()
        self.on = Places(folder, self._cloud, self._cloud, self._edge)
        later = BatchModel(self.on.model(1), folder / "batches", poll=0.001)
        targets = [
            RouteTarget("small", self.on.model(1)),
            RouteTarget("house", self.on.model(2, max_retries=1, retry_delay=0.001), "edge"),
            RouteTarget("later", later, "batch"),
        ]
        routes = Routes(targets, RULES, privacy=PRIVACY)
        self.agent = Agent(
            self.on.model(0),
            folder,
            fallbacks=[self.on.model(1)],
            routes=routes,
            tools=["read"],
            system="Be brief.",
            budget=8_000,
            clock=lambda: self.on.now,
        )
        (folder / "notes.md").write_text(f"# Notes\n\nThe patient of {MARK} is well.\n")

    def _cloud(self, body: Json) -> Served:
        text = str(body)
        self.kept.leaked += MARK in text
        asks = "patient" not in text and "notes" in str(body["messages"][-1]) and "tool_result" not in text
        call = {"type": "tool_use", "id": f"toolu_{self.random.getrandbits(40)}", "name": "read"}
        return ServerAnswer([{**call, "input": {"page": "notes.md"}}] if asks else [_said("Open.")])

    def _edge(self, body: Json) -> Served:
        if self.random.random() < self.faults:
            return self.random.choice([HttpError(529, "overloaded_error"), HttpError(500, "api_error")])
        return ServerAnswer([_said(f"## Goal\n- {MARK} is well.\n\n## Facts\n- {MARK}.\n" + "Seen and noted. " * 60)])

    def work(self, requests: int) -> Kept:
        """Works until so many private requests were to be sent."""
        ways = self._ways()
        while self.kept.total < requests:
            kind, way, thread = next(ways)
            self.on.now += 40
            with suppress(ModelError):
                way()
            self._count(kind, thread)
        self.kept.open = self.on.asked[0] + self.on.asked[1] - self.kept.leaked
        return self.kept

    def close(self) -> None:
        self.agent.close()
        self.on.close()

    def _count(self, kind: str, thread: str) -> None:
        """Counts the rows of a private piece of work; what has no row was not sent."""
        for name in (thread, *self.agent.delegates(thread)):
            made = [row for row in rows(self.agent.journal, name) if row.route and row.route.tier == "edge"]
            self.kept.failed += sum(row.error is not None for row in made)
            self.kept.private[kind] = self.kept.private.get(kind, 0) + len(made)

    def _ways(self) -> Iterator[tuple[str, Callable[[], object], str]]:
        agent, number = self.agent, 0
        while True:
            number += 1
            for kind, letter, way in (
                ("by a word", "w", partial(agent.run, f"The patient of {MARK} asks.")),
                ("by a name", "client-n", self._talk),
                ("by a page", "p", partial(agent.run, "Read notes.")),
                ("in a batch", "client-b", self._later),
                ("delegates", "client-d", self._delegating),
                ("summaries", "s", self._long),
            ):
                thread = f"{letter}{number}"
                yield kind, partial(way, thread=thread), thread
            agent.run("What is new?", thread=f"open{number}")

    def _talk(self, thread: str) -> None:
        for _ in range(3):
            self.agent.run(f"What of {MARK}?", thread=thread)

    def _later(self, thread: str) -> None:
        with labelled(urgency="batch", purpose="audit"):
            self.agent.run(f"Check {MARK}.", thread=thread)

    def _delegating(self, thread: str) -> None:
        self.agent.run(f"What of {MARK}?", thread=thread)
        self.agent.delegate(f"Check {MARK}.", thread=thread)
        self.agent.delegate(f"Check {MARK}.", thread=thread, fresh=True)

    def _long(self, thread: str) -> None:
        self.agent.run("What is new?", thread=thread)
        for _ in range(4):
            with suppress(ModelError):
                self.agent.run(f"The patient of {MARK} asks again. " * 60, thread=thread)
        self.agent.compact(thread)
        self.agent.run("And now?", thread=thread)


def _said(text: str) -> Json:
    return {"type": "text", "text": text}
