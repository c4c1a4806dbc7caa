"""Hints to inference servers: by the names that each documents, on the wire, and off unless a target asks for them."""

from pathlib import Path

import pytest

from agentmem.errors import ConfigError
from agentmem.models.hints import EngineHints, EngineName, fields
from agentmem.models.scripted import ScriptedModel
from agentmem.routing.routes import Routes
from agentmem.routing.rules import RouteRule
from agentmem.routing.targets import RouteTarget
from agentmem.runtime.agent import Agent
from tests.models.completions import completions, ended, said
from tests.models.test_completions import connect
from tests.runtime.agents import clock


@pytest.mark.parametrize(
    ("engine", "waited_for", "background"),
    [
        ("vllm", {"priority": 0}, {"priority": 10}),
        ("sglang", {"priority": 10}, {"priority": 0}),
        (
            "dynamo",
            {"nvext": {"agent_hints": {"priority": 10, "osl": 300}}},
            {"nvext": {"agent_hints": {"priority": 0, "osl": 300}}},
        ),
    ],
)
def test_each_server_gets_its_own_fields(engine: EngineName, waited_for: object, background: object) -> None:
    """What somebody waits for goes first, whichever way a server counts."""
    assert fields(engine, EngineHints(300)) == waited_for
    assert fields(engine, EngineHints(300, background=True)) == background


def test_they_reach_an_openai_compatible_server(tmp_path: Path) -> None:
    """On the wire: a conversation and a delegate have their priorities; without hints there are none."""
    reply = [said("Hello."), ended("stop")]
    with completions(reply, reply, reply) as (url, bodies), ScriptedModel([]) as model:
        served = connect(url)
        rules = [RouteRule("all", ("house",))]
        for hints in ("dynamo", None):
            routes = Routes([RouteTarget("house", served, "edge", hints=hints)], rules)
            with Agent(model, tmp_path, tools=[], routes=routes, clock=clock) as agent:
                agent.run("Hello", thread=f"t {hints}")
                if hints:
                    agent.delegate("Check section 3.")
    told = [body.get("nvext", {}).get("agent_hints", {}).get("priority") for body in bodies]
    assert told == [10, 0, None]


def test_a_kind_of_server_that_is_not_known() -> None:
    """With those that are."""
    with pytest.raises(ConfigError, match="hints of the target 'house'"):
        RouteTarget("house", "openai:m", hints="other")  # type: ignore[arg-type]
