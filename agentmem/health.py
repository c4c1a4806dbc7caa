"""Answers whether a server is up, at ``/-/health``, for load balancers and containers. Nothing else is told."""

import json
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any

PATH = "/-/health"

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]


def with_health(app: App, state: Callable[[], Mapping[str, Any]] = dict) -> App:
    """An ASGI application that answers ``GET /-/health`` itself, with what ``state`` gives, and leaves the rest."""

    async def served(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] != PATH or scope["method"] not in ("GET", "HEAD"):
            await app(scope, receive, send)
            return
        body = json.dumps({"status": "ok", **state()}).encode()
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body if scope["method"] == "GET" else b""})

    return served
