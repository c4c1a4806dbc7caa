"""The SDK's own client on our server, over HTTP and on standard input and output."""

import sys
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import httpx2
from mcp import Client, StdioServerParameters
from mcp.client.streamable_http import streamable_http_client

from agentmem.mcp.offered import Offer
from agentmem.mcp.serving import McpServer
from agentmem.mcp.tenants import Tokens


@contextmanager
def served(offer: Offer, tokens: Tokens, **settings: Any) -> Iterator[McpServer]:
    """The offer on a free port of this machine, until the end of the block."""
    server = McpServer(offer, tokens, **settings)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        yield server
    finally:
        server.close()
        thread.join()
        offer.close()


@asynccontextmanager
async def client(server: McpServer, token: str) -> AsyncIterator[Client]:
    """A client with a token."""
    async with (
        httpx2.AsyncClient(headers={"Authorization": f"Bearer {token}"}, timeout=120.0) as http,
        Client(streamable_http_client(server.url, http_client=http)) as one,
    ):
        yield one


def on_stdio(root: Path, *options: str) -> Client:
    """A client that starts `agentmem serve --mcp` for a workspace."""
    arguments = ["-m", "agentmem", "serve", "--mcp", "--workspace", str(root), *options]
    return Client(StdioServerParameters(command=sys.executable, args=arguments))


async def said(one: Client, tool: str, **given: Any) -> tuple[str, bool]:
    """The text of a call's result, and whether it is an error."""
    result = await one.call_tool(tool, given)
    return "\n".join(getattr(block, "text", "") for block in result.content), result.is_error
