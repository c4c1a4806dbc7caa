"""Serves an offer over the Model Context Protocol: on standard input and output, or over HTTP with bearer tokens."""

import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address
from threading import Event
from typing import TYPE_CHECKING, Any

from agentmem.closing import Closing
from agentmem.distribution import install
from agentmem.errors import ConfigError
from agentmem.health import with_health
from agentmem.kvcache.frames import canonical
from agentmem.mcp.offered import Offer
from agentmem.mcp.tenants import OWNER, Tenant, Tokens
from agentmem.menu.tool import Tool
from agentmem.types import Image, ToolCall, ToolResult

if TYPE_CHECKING:
    from mcp.server.lowlevel import Server
    from mcp.types import CallToolResult
    from mcp.types import Tool as ServedTool

PATH = "/mcp"
AT_ONCE = 32
"""Calls that are worked on at the same time; further ones wait."""

KEPT_OPEN = 120
"""Seconds that an idle connection stays open: a client that sends on one at the moment it is closed gets an error."""

INSTRUCTIONS = (
    "A workspace of pages that people and agents share. Find pages by words, list a folder or a page's outline, and "
    "read pages or their sections by address (page.md#Heading). What earlier runs have seen is found with recall."
)
_LOOPBACK_NAMES = ("localhost",)


def is_loopback(host: str) -> bool:
    """True for an address that only this machine reaches."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host in _LOOPBACK_NAMES


def server_of(offer: Offer, who: Callable[[], Tenant | None]) -> "Server[Any]":
    """The SDK's server for an offer. ``who`` tells, inside a request, whose it is; None is refused."""
    import anyio
    from anyio.to_thread import run_sync
    from mcp.server.lowlevel import Server
    from mcp.types import CallToolRequestParams, ListToolsResult

    from agentmem import __version__

    limits: dict[str, anyio.CapacityLimiter] = {}

    async def listed(_context: Any, _params: Any) -> ListToolsResult:
        return ListToolsResult(tools=[_served(one) for one in offer.menu(_known(who())).tools])

    async def called(_context: Any, params: CallToolRequestParams) -> "CallToolResult":
        tenant = _known(who())
        limit = limits.setdefault("calls", anyio.CapacityLimiter(AT_ONCE))
        request = ToolCall("mcp", params.name, canonical(params.arguments or {}).decode())
        return _answered(await run_sync(offer.call, tenant, request, limiter=limit))

    return Server("agentmem", version=__version__, instructions=INSTRUCTIONS, on_list_tools=listed, on_call_tool=called)


def _known(tenant: Tenant | None) -> Tenant:
    if tenant is None:
        raise PermissionError("this request has no tenant")
    return tenant


def _served(one: Tool) -> "ServedTool":
    from mcp.types import Tool as ServedTool
    from mcp.types import ToolAnnotations

    reads = one.effect == "read"
    hints = ToolAnnotations(read_only_hint=reads, destructive_hint=not reads, open_world_hint=False)
    return ServedTool(name=one.name, description=one.description, input_schema=dict(one.schema), annotations=hints)


def _answered(result: ToolResult) -> "CallToolResult":
    from mcp.types import CallToolResult, ImageContent, TextContent

    content: list[Any] = [
        ImageContent(type="image", data=one.data, mime_type=one.media_type)
        if isinstance(one, Image)
        else TextContent(type="text", text=getattr(one, "text", ""))
        for one in result.content
    ]
    return CallToolResult(content=content, is_error=result.is_error)


def serve_stdio(offer: Offer) -> None:
    """Serve the owner on standard input and output until the input ends. Raises ConfigError without the SDK."""
    _check_installed()
    import anyio
    from mcp.server.stdio import stdio_server

    server = server_of(offer, lambda: OWNER)

    async def serve() -> None:
        async with stdio_server() as (incoming, outgoing):
            await server.run(incoming, outgoing, server.create_initialization_options())

    anyio.run(serve)


@dataclass(eq=False)
class McpServer(Closing):
    """A workspace served over streamable HTTP.

        server = McpServer(Offer("notes"), tokens)
        print(server.url)
        server.run()

    Every request needs a bearer token of ``tokens``, a Host that is this server's, and no Origin but those in
    ``origins``, so that a web page in a browser cannot reach it. ``hosts`` are further names of this machine, behind a
    proxy. ``port`` 0 takes a free one. Raises ConfigError if the port is taken or a package is missing.
    """

    offer: Offer
    tokens: Tokens
    host: str = "127.0.0.1"
    port: int = 0
    hosts: Sequence[str] = ()
    origins: Sequence[str] = ()
    _socket: socket.socket = field(init=False, repr=False)
    _runs: Event = field(default_factory=Event, init=False, repr=False)

    def __post_init__(self) -> None:
        _check_installed()
        import uvicorn

        self._socket = _bound(self.host, self.port)
        self.port = self._socket.getsockname()[1]
        config = uvicorn.Config(
            with_health(self._app()),
            log_level="warning",
            ws="none",
            lifespan="on",
            access_log=False,
            timeout_keep_alive=KEPT_OPEN,
        )
        self._uvicorn = uvicorn.Server(config)

    @property
    def url(self) -> str:
        """The address for clients."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}{PATH}"

    def run(self) -> None:
        """Serve until `close` or, in a program's main thread, Ctrl-C."""
        self._runs.set()
        try:
            if not self._uvicorn.should_exit:
                self._uvicorn.run(sockets=[self._socket])
        finally:
            self._socket.close()

    def close(self) -> None:
        """Ends `run`, which may be in another thread. May be called twice."""
        self._uvicorn.should_exit = True
        if not self._runs.is_set():
            self._socket.close()

    def _app(self) -> Any:
        from mcp.server.auth.middleware.auth_context import get_access_token
        from mcp.server.auth.settings import AuthSettings
        from mcp.server.transport_security import TransportSecuritySettings

        tenants = {str(number): tenant for number, (_, tenant) in enumerate(self.tokens.tenants)}

        def who() -> Tenant | None:
            token = get_access_token()
            return tenants.get(token.client_id) if token else None

        names = [self.host, *self.hosts, *(("localhost", "127.0.0.1", "[::1]") if is_loopback(self.host) else ())]
        allowed = [*names, *(f"{name}:*" for name in names)]
        security = TransportSecuritySettings(allowed_hosts=allowed, allowed_origins=list(self.origins))
        issuer: Any = f"http://{self.host}:{self.port}"
        return server_of(self.offer, who).streamable_http_app(
            streamable_http_path=PATH,
            json_response=True,
            stateless_http=True,
            transport_security=security,
            host=self.host,
            auth=AuthSettings(issuer_url=issuer, resource_server_url=None),
            token_verifier=_Verifier(self.tokens),
        )


@dataclass(frozen=True, slots=True)
class _Verifier:
    """Tells the SDK whose a token is, by the number of its tenant."""

    tokens: Tokens

    async def verify_token(self, token: str) -> Any:
        from mcp.server.auth.provider import AccessToken

        tenant = self.tokens.find(token)
        if tenant is None:
            return None
        number = next(at for at, (_, one) in enumerate(self.tokens.tenants) if one is tenant)
        return AccessToken(token="", client_id=str(number), scopes=[])


def _bound(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    made = socket.socket(family, socket.SOCK_STREAM)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind((host, port))
        made.listen()
    except OSError as error:
        made.close()
        raise ConfigError(
            f"{host}:{port} cannot be used here ({error.strerror}): choose another --port, or 0"
        ) from error
    return made


def _check_installed() -> None:
    try:
        import mcp  # noqa: F401
        import uvicorn  # noqa: F401
    except ImportError as error:
        raise ConfigError(f"serving MCP needs more packages ({error}): {install('mcp')}") from None
