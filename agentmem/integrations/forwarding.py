"""Forwards HTTP requests to a model provider byte by byte, and tells what passed, without touching it.

Nothing is rewritten: method, path, query, headers and body go on as they came, and so do the status, headers and body
of the response, each piece as soon as it is there. Only what belongs to one connection (its host, its length of life,
how a body is cut into chunks) is made anew, as HTTP asks of every proxy (RFC 9110, section 7.6.1).
"""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Iterator, MutableMapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import anyio
import httpx

from agentmem.integrations.unreachable import unreachable
from agentmem.types import Clock

Headers = Sequence[tuple[bytes, bytes]]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

ANTHROPIC, OPENAI = "https://api.anthropic.com", "https://api.openai.com"

OF_CONNECTION = frozenset(
    {b"connection", b"keep-alive", b"proxy-connection", b"te", b"trailer", b"transfer-encoding", b"upgrade"}
)
"""Headers that belong to one connection and never pass a proxy."""

_CONNECT = 30.0
"""Seconds that a connection to the provider may take. Reading has no limit: how long to wait is the client's choice."""


@dataclass(frozen=True, slots=True)
class Passed:
    """One exchange that went by: times in seconds since the epoch, bodies as the bytes that they were on the wire.

    ``whole`` is false if the response broke off or its client went away.
    """

    method: str
    path: str
    request_headers: Headers
    request: bytes
    status: int
    response_headers: Headers
    response: bytes
    at: float
    first: float
    ended: float
    whole: bool


@dataclass(frozen=True, slots=True)
class Upstreams:
    """Where requests go: ``every`` if it is given, else ``anthropic`` or ``openai`` by the request itself."""

    every: str = ""
    anthropic: str = ANTHROPIC
    openai: str = OPENAI

    def url(self, path: str, headers: Headers) -> str:
        """The address that a request for ``path`` goes to. A ``/v1`` that both have stands there once."""
        base = self.base(path, headers)
        return base.removesuffix("/v1") + path if path.startswith("/v1/") else base + path

    def base(self, path: str, headers: Headers) -> str:
        """The provider's own address, without the request's path."""
        return (self.every or (self.anthropic if _speaks_anthropic(path, headers) else self.openai)).rstrip("/")


def _speaks_anthropic(path: str, headers: Headers) -> bool:
    return path.startswith("/v1/messages") or any(name in (b"anthropic-version", b"x-api-key") for name, _ in headers)


EACH = 8
"""Requests that share a pool of connections. A pool looks at each of its connections for each of its connections
(httpcore 1.0), whenever a request begins or ends: with hundreds in one pool that takes longer than all the rest."""


class ClientPools:
    """HTTP clients, as many as there are requests at once; the first serve whenever they have room."""

    def __init__(self) -> None:
        self._secured = httpx.create_ssl_context()
        self._clients: list[httpx.AsyncClient] = []
        self._busy: list[int] = []

    @contextmanager
    def one(self) -> Iterator[httpx.AsyncClient]:
        """A client for one request."""
        at = next((at for at, busy in enumerate(self._busy) if busy < EACH), len(self._busy))
        if at == len(self._busy):
            self._busy.append(0)
            self._clients.append(self._made())
        self._busy[at] += 1
        try:
            yield self._clients[at]
        finally:
            self._busy[at] -= 1

    async def aclose(self) -> None:
        """Close all connections."""
        for client in self._clients:
            await client.aclose()

    def _made(self) -> httpx.AsyncClient:
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=EACH, keepalive_expiry=60.0)
        return httpx.AsyncClient(verify=self._secured, timeout=httpx.Timeout(None, connect=_CONNECT), limits=limits)


class Forwarder:
    """An ASGI application that forwards every request; ``told`` gets each exchange after its last byte, or its end.

    ``told`` must return at once, and must not raise.
    """

    def __init__(self, upstreams: Upstreams, told: Callable[[Passed], None], clock: Clock = time.time) -> None:
        self.upstreams, self.clock, self._told = upstreams, clock, told
        self.clients = ClientPools()
        self._passing, self._idle = 0, asyncio.Event()
        self._idle.set()

    async def idle(self) -> None:
        """Wait until no request is on its way."""
        await self._idle.wait()

    async def aclose(self) -> None:
        """Close the connections to providers."""
        await self.clients.aclose()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            raise RuntimeError(f"only HTTP is forwarded, not {scope['type']}")
        body = await _body(receive)
        if body is None:
            return
        self._passing += 1
        self._idle.clear()
        try:
            await self._forward(_Passing(self, scope, body, send), receive)
        finally:
            self._passing -= 1
            if not self._passing:
                self._idle.set()

    async def _forward(self, passing: "_Passing", receive: Receive) -> None:
        async with anyio.create_task_group() as group:
            group.start_soon(_until_gone, receive, group.cancel_scope)
            try:
                await passing.run()
            finally:
                group.cancel_scope.cancel()
                self._told(passing.told())

    def request(self, scope: Scope, body: bytes) -> httpx.Request:
        """The request as it goes on."""
        headers: Headers = scope["headers"]
        query = b"?" + scope["query_string"] if scope["query_string"] else b""
        url = httpx.URL(self.upstreams.url(scope["raw_path"].decode("ascii"), headers))
        kept = [(name, value) for name, value in headers if name not in OF_CONNECTION and name != b"host"]
        return httpx.Request(
            scope["method"],
            url,
            headers=[(b"host", url.netloc), *kept],
            content=body or None,
            extensions={"target": url.raw_path + query},  # as it came: a URL's own form may escape other characters
        )


class _Passing:
    """One request on its way: what came back so far, and how it ended."""

    def __init__(self, forwarder: Forwarder, scope: Scope, body: bytes, send: Send) -> None:
        self._forwarder, self._scope, self._body, self._send = forwarder, scope, body, send
        self._began = forwarder.clock()
        self._first, self._status, self._whole = 0.0, 0, False
        self._headers: Headers = ()
        self._pieces: list[bytes] = []

    async def run(self) -> None:
        """Send the request on, and what comes back to the client. An answer of ours is a provider's that failed."""
        with self._forwarder.clients.one() as client:
            try:
                request = self._forwarder.request(self._scope, self._body)
                response = await client.send(request, stream=True)
            except (httpx.HTTPError, httpx.InvalidURL, UnicodeDecodeError) as error:
                await self._refuse(error)
                return
            try:
                await self._pass(response)
            finally:
                with anyio.CancelScope(shield=True):
                    await response.aclose()
        await self._send({"type": "http.response.body", "body": b""})

    async def _pass(self, response: httpx.Response) -> None:
        """Each piece as it comes. The last one is known by the length that was said, where one was."""
        await self._begin(response.status_code, response.headers.raw)
        left = response.headers.get("content-length", "")
        missing = int(left) if left.isdigit() else -1
        async for piece in response.aiter_raw():
            self._pieces.append(piece)
            missing -= len(piece)
            self._whole = self._whole or not missing  # its client may be gone before the end is seen here
            await self._send({"type": "http.response.body", "body": piece, "more_body": True})
        self._whole = True

    async def _begin(self, status: int, headers: Headers) -> None:
        self._first, self._status, self._headers = self._forwarder.clock(), status, headers
        kept = [(name.lower(), value) for name, value in headers if name.lower() not in OF_CONNECTION]
        await self._send({"type": "http.response.start", "status": status, "headers": kept})

    async def _refuse(self, error: Exception) -> None:
        """502, in a form that clients of both APIs read."""
        upstream = self._forwarder.upstreams.base(self._scope["path"], self._scope["headers"])
        told = unreachable(upstream, error, _CONNECT)
        value = {"type": "error", "error": {"type": "api_error", "message": told}}
        body = json.dumps(value).encode()
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        await self._begin(502, headers)
        self._pieces.append(body)
        self._whole = True
        await self._send({"type": "http.response.body", "body": body})

    def told(self) -> Passed:
        """What passed."""
        ended = self._forwarder.clock()
        return Passed(
            method=self._scope["method"],
            path=self._scope["path"],
            request_headers=self._scope["headers"],
            request=self._body,
            status=self._status,
            response_headers=self._headers,
            response=b"".join(self._pieces),
            at=self._began,
            first=self._first or ended,
            ended=ended,
            whole=self._whole,
        )


async def _body(receive: Receive) -> bytes | None:
    """The whole body; None if the client went away before its end."""
    pieces: list[bytes] = []
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        pieces.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(pieces)


async def _until_gone(receive: Receive, scope: anyio.CancelScope) -> None:
    """Ends a request whose client went away: nobody pays for a reply that nobody reads."""
    while (await receive())["type"] != "http.disconnect":
        pass
    scope.cancel()
