"""Serves an ASGI application on 127.0.0.1, on a thread of its own, until it is closed.

    with LoopbackServer(listening(0), app, "proxy") as server:
        print(server.url)

The socket listens before the thread begins, so that nobody who has the address comes too early.
"""

import asyncio
import socket
import threading
from collections.abc import Callable, Coroutine
from contextlib import AbstractAsyncContextManager, nullcontext
from importlib.util import find_spec
from typing import Any, TypeVar

from agentmem.closing import Closing
from agentmem.distribution import install
from agentmem.errors import ConfigError
from agentmem.health import App

HOST = "127.0.0.1"
BACKLOG = 1024
"""Connections that may wait to be accepted."""

Result = TypeVar("Result")


def listening(port: int) -> socket.socket:
    """A listening socket on loopback; ``port`` 0 takes a free one. Raises ConfigError if the port cannot be used."""
    try:
        return socket.create_server((HOST, port), backlog=BACKLOG)
    except OSError as error:
        raise ConfigError(f"port {port} cannot be used here ({error.strerror}): choose another --port, or 0") from error


def check_installed(extra: str, what: str, *packages: str) -> None:
    """Raises ConfigError, with the command that helps, unless uvicorn and ``packages`` are there to serve ``what``."""
    missing = [name for name in ("uvicorn", *packages) if find_spec(name) is None]
    if missing:
        raise ConfigError(f"{what} needs {' and '.join(missing)}, not installed here: {install(extra)}")


class LoopbackServer(Closing):
    """Serves ``app`` on the socket ``at``, which it closes at the end.

    ``around`` is entered on the server's own event loop before the first request, and left after the last. ``ending``
    is called there when the server is to close: streams that would go on must end then.
    """

    def __init__(
        self,
        at: socket.socket,
        app: App,
        name: str,
        *,
        around: Callable[[], AbstractAsyncContextManager[Any]] = nullcontext,
        ending: Callable[[], None] = lambda: None,
    ) -> None:
        import uvicorn

        self.port = int(at.getsockname()[1])
        self._socket, self._around, self._ending = at, around, ending
        config = uvicorn.Config(
            app,
            interface="asgi3",
            proxy_headers=False,
            loop="asyncio",
            http="h11",
            ws="none",
            lifespan="off",
            log_level="critical",
            access_log=False,
            server_header=False,
            date_header=False,
            backlog=BACKLOG,
            timeout_graceful_shutdown=1,
        )
        self._server = uvicorn.Server(config)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._began = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), name=name)
        self._thread.start()
        self._began.wait()

    @property
    def url(self) -> str:
        """The address, without a slash at its end."""
        return f"http://{HOST}:{self.port}"

    def run(self, work: Coroutine[Any, Any, Result], timeout: float) -> Result:
        """The result of ``work`` on the server's event loop. Raises TimeoutError after so many seconds."""
        assert self._loop is not None
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout)

    def close(self) -> None:
        """Stop serving, after at most a second for requests that run. May be called twice."""
        if self._thread.is_alive() and self._loop is not None:
            self._server.should_exit = True
            self._loop.call_soon_threadsafe(self._ending)
        self._thread.join()
        self._socket.close()

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._began.set()
        async with self._around():
            await self._server.serve([self._socket])
