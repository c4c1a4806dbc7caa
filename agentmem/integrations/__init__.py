"""Gives agents that people already have what agentmem has, and records and checks their requests.

from agentmem.integrations import ContextMiddleware

agent = create_agent(model, tools, middleware=[ContextMiddleware(budget=120_000)])
"""

from typing import TYPE_CHECKING

from agentmem.lazy import on_first_use

if TYPE_CHECKING:
    from agentmem.integrations.anthropic_memory import MemoryTool as MemoryTool
    from agentmem.integrations.deepagents_backend import WorkspaceBackend as WorkspaceBackend
    from agentmem.integrations.guards import CacheMeter as CacheMeter
    from agentmem.integrations.langchain import ContextMiddleware as ContextMiddleware
    from agentmem.integrations.langchain_watch import watched as watched
    from agentmem.integrations.pydantic_ai import ContextCapability as ContextCapability

_HOMES = {
    "CacheMeter": "guards",
    "ContextCapability": "pydantic_ai",
    "ContextMiddleware": "langchain",
    "MemoryTool": "anthropic_memory",
    "WorkspaceBackend": "deepagents_backend",
    "watched": "langchain_watch",
}

__all__ = list(_HOMES)


__getattr__ = on_first_use(__name__, {name: f"{__name__}.{home}" for name, home in _HOMES.items()})
