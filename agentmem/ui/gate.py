"""Lets nobody in but the page that this server served to who holds the token: Host, Origin, token, and the headers.

A page of another site cannot reach a server on loopback through this: its Origin is another, a name that it had resolve
to 127.0.0.1 is no Host of ours, and it does not know the token.
"""

import hmac
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from typing import Any

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

API = "/api/"
NAMES = ("127.0.0.1", "localhost")
_SITES = ("same-origin", "none")


@dataclass(frozen=True, slots=True)
class Gate:
    """An ASGI application in front of ``app``. ``policy`` is the content security policy of all that it sends."""

    app: App
    token: str
    port: int
    policy: str

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        refused = self._refusal(scope["method"], scope["path"], headers)
        answer = self._guarded(send)
        if refused is None:
            await self.app(scope, receive, answer)
            return
        status, reason = refused
        await answer({"type": "http.response.start", "status": status, "headers": [(b"content-type", b"text/plain")]})
        await answer({"type": "http.response.body", "body": reason.encode()})

    def _refusal(self, method: str, path: str, headers: dict[str, str]) -> tuple[int, str] | None:
        """Status and reason where a request is not let in."""
        hosts = [f"{name}:{self.port}" for name in NAMES]
        if headers.get("host") not in hosts:
            return 421, "This server answers to its own address alone."
        if "origin" in headers and headers["origin"] not in [f"http://{host}" for host in hosts]:
            return 403, "Another site's page has no access."
        if headers.get("sec-fetch-site", "none") not in _SITES:
            return 403, "Another site's page has no access."
        if method != "GET":
            return 405, "Nothing here can be changed."
        if path.startswith(API) and not self._knows(headers.get("authorization", "")):
            return 401, "Open the address that `agentmem ui` printed: it has the token."
        return None

    def _knows(self, given: str) -> bool:
        return hmac.compare_digest(given.encode(), f"Bearer {self.token}".encode())

    def _guarded(self, send: Send) -> Send:
        added = [(name, value.encode()) for name, value in (*_HEADERS, (b"content-security-policy", self.policy))]

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", []), *added]
            await send(message)

        return sending


_HEADERS = (
    (b"x-content-type-options", "nosniff"),
    (b"x-frame-options", "DENY"),
    (b"referrer-policy", "no-referrer"),
    (b"cache-control", "no-store"),
    (b"cross-origin-opener-policy", "same-origin"),
    (b"cross-origin-resource-policy", "same-origin"),
)
