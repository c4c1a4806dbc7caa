"""The HTTP client for a server's address: own headers, and an end for an answer that is too long."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from agentmem.mcp.faults import Flow


@asynccontextmanager
async def connected(url: str, headers: Mapping[str, str], flow: Flow) -> AsyncIterator[tuple[Any, Any]]:
    """The streams of the SDK's transport for streamable HTTP, inside the block."""
    import httpx2
    from mcp.client.streamable_http import streamable_http_client
    from mcp.shared._httpx_utils import MCP_DEFAULT_SSE_READ_TIMEOUT, MCP_DEFAULT_TIMEOUT

    timeout = httpx2.Timeout(MCP_DEFAULT_TIMEOUT, read=MCP_DEFAULT_SSE_READ_TIMEOUT)
    client = httpx2.AsyncClient(headers=dict(headers), timeout=timeout, transport=_counting(flow), trust_env=False)
    async with client, streamable_http_client(url, http_client=client, max_sse_event_size=flow.most) as streams:
        yield streams


def _counting(flow: Flow) -> Any:
    """A transport whose answers to requests end above the flow's limit. A stream of news may stay open for days."""
    import httpx2

    class Counted(httpx2.AsyncByteStream):
        def __init__(self, inner: Any) -> None:
            self._inner, self._size = inner, 0

        async def __aiter__(self) -> AsyncIterator[bytes]:
            async for chunk in self._inner:
                self._size += len(chunk)
                if self._size > flow.most:
                    flow.flooded = True
                    raise httpx2.ReadError(f"the answer is longer than {flow.most:,} bytes")
                yield chunk

        async def aclose(self) -> None:
            await self._inner.aclose()

    class Counting(httpx2.AsyncHTTPTransport):
        async def handle_async_request(self, request: Any) -> Any:
            response = await super().handle_async_request(request)
            if request.method == "POST":
                response.stream = Counted(response.stream)
            return response

    return Counting()
