"""The places of deepagents' own middlewares that `ContextMiddleware` takes: deepagents replaces them by name."""

from collections.abc import Mapping, Sequence
from typing import Any, TypedDict

from langchain.agents.middleware.types import AgentMiddleware

from agentmem.checking import LIST, shown
from agentmem.errors import ConfigError

SUMMARISING = "SummarizationMiddleware"
CACHING = "AnthropicPromptCachingMiddleware"
"""The names of deepagents' summariser and of its caching. The second stands nearer to the model, so it is ours: what
skills and other middlewares add to a request is seen there."""


class DeepAgentsArguments(TypedDict):
    """Arguments of `create_deep_agent`."""

    middleware: list[AgentMiddleware[Any, Any, Any]]
    subagents: list[Any]


class Vacant(AgentMiddleware[Any, Any, Any]):
    """Takes the place of another middleware, by its name, and does nothing."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self._name = name

    @property
    def name(self) -> str:
        """The name of the middleware whose place it takes."""
        return self._name


def arguments(
    ours: Sequence[AgentMiddleware[Any, Any, Any]],
    others: Sequence[AgentMiddleware[Any, Any, Any]],
    subagents: Sequence[Any],
) -> DeepAgentsArguments:
    """The arguments with ``ours`` in place of deepagents' own, in the agent and in the specs of its sub-agents.

    Raises ConfigError if a middleware of the user's has the same name, since deepagents would drop one of them.
    """
    if not LIST.fits(others) or not LIST.fits(subagents):
        raise ConfigError("subagents and middleware of for_deepagents are lists, such as [helper]")
    names = {one.name for one in ours}
    for one in others:
        if not isinstance(one, AgentMiddleware):
            raise ConfigError(f"middleware of for_deepagents takes LangChain's middlewares, and {shown(one)} is none")
        if one.name in names:
            raise ConfigError(f"{one.name} is one of the places that ContextMiddleware takes: leave it out")
    return {"middleware": [*others, *ours], "subagents": [_spec(one, ours) for one in subagents]}


def _spec(spec: Any, ours: Sequence[AgentMiddleware[Any, Any, Any]]) -> Any:
    """A sub-agent's spec with ours. A compiled or a remote one has no list of middlewares."""
    if not isinstance(spec, Mapping) or "runnable" in spec or "graph_id" in spec:
        return spec
    own = list(spec.get("middleware") or ())
    names = {one.name for one in own}
    return {**spec, "middleware": [*own, *(one for one in ours if one.name not in names)]}
