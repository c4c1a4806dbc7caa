"""Speaks the Model Context Protocol both ways: a server's tools on a menu, and a workspace as a server.

from agentmem.mcp import MCP

agent = Agent(model, "notes", tools=["read", MCP("github", command=["github-mcp-server", "stdio"], only=["search"])])
"""

from typing import TYPE_CHECKING

from agentmem.lazy import on_first_use

if TYPE_CHECKING:
    from agentmem.mcp.client import MCP as MCP
    from agentmem.mcp.offered import Offer as Offer
    from agentmem.mcp.resources import as_pages as as_pages
    from agentmem.mcp.serving import McpServer as McpServer
    from agentmem.mcp.tenants import Tenant as Tenant
    from agentmem.mcp.tenants import Tokens as Tokens

_HOMES = {
    "MCP": "client",
    "McpServer": "serving",
    "Offer": "offered",
    "Tenant": "tenants",
    "Tokens": "tenants",
    "as_pages": "resources",
}

__all__ = list(_HOMES)


__getattr__ = on_first_use(__name__, {name: f"{__name__}.{home}" for name, home in _HOMES.items()})
