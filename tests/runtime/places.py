"""Servers that stand for the places of a router: a large model, a small one and one at the edge, over HTTP."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self

from agentmem.closing import Closing
from agentmem.kvcache.simulated.events import ServerAnswer
from agentmem.kvcache.simulated.faults import Reply as Served
from agentmem.kvcache.simulated.server import MessagesServer
from agentmem.meter.ledger import Row, rows
from agentmem.models.anthropic import AnthropicModel
from agentmem.models.anthropic_request import check_body
from agentmem.routing.routes import Privacy, Routes
from agentmem.routing.rules import RouteRule
from agentmem.routing.targets import RouteTarget
from agentmem.runtime.agent import Agent
from agentmem.types import Json, ModelProfile
from tests.runtime.agents import NOON

NONE = Privacy()
SYSTEM = "Be exact and brief. " * 500
LARGE, SMALL = ("anthropic", "claude-opus-4-5"), ("anthropic", "claude-haiku-4-5")
EDGE = ("vllm", "house-model")


def hello(body: Json) -> Served:
    return ServerAnswer.text("Hello.")


class Places(Closing):
    """The servers, and agents on them that share a database. ``now`` is the clock."""

    def __init__(self, folder: Path, *replies: Callable[[Json], Served] | Sequence[Served]) -> None:
        self.folder, self.now = folder, NOON
        self._opened = ExitStack()
        given = [*replies, *[hello] * (3 - len(replies))]
        self.servers = [
            self._opened.enter_context(MessagesServer(one if callable(one) else list(one), validate=check_body))
            for one in given
        ]
        self.large, self.small, self.edge = self.servers

    def __enter__(self) -> Self:
        return self

    def model(self, place: int, **settings: Any) -> AnthropicModel:
        provider, name = (LARGE, SMALL, EDGE)[place]
        url = self.servers[place].url
        profile = ModelProfile(provider, name, "cloud")
        given = {"api_key": "none", "max_retries": 0, "stream_retries": 0, "model_profile": profile, **settings}
        return self._opened.enter_context(AnthropicModel(name, base_url=url, **given))

    def targets(self, **settings: Any) -> list[RouteTarget]:
        small = RouteTarget("small", self.model(1), **settings)
        return [small, RouteTarget("house", self.model(2), "edge", price_as="anthropic:claude-haiku-4-5")]

    def agent(
        self, rules: Sequence[RouteRule] = (), *, privacy: Privacy = NONE, routed: bool = True, **settings: Any
    ) -> Agent:
        """An agent whose own model is the large one."""
        how = settings.pop("how", {})
        routes = Routes(self.targets(**how), rules, privacy=privacy, **settings.pop("routes", {})) if routed else None
        given = {"tools": [], "system": SYSTEM, "clock": lambda: self.now, **settings}
        return self._opened.enter_context(Agent(self.model(0), self.folder, routes=routes, **given))

    @property
    def asked(self) -> list[int]:
        """The number of requests that each server got."""
        return [len(one.bodies) for one in self.servers]

    def close(self) -> None:
        self._opened.close()


def placed(agent: Agent, thread: str) -> list[str]:
    """The targets of a thread's requests, in order."""
    return [one.route.target if one.route else "" for one in rows(agent.journal, thread)]


def last(agent: Agent, thread: str) -> Row:
    return list(rows(agent.journal, thread))[-1]
