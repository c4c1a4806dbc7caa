"""Serves the page on 127.0.0.1 until it is closed.

with PageServer([Path("~/.claude/projects").expanduser()]) as server:
    print(server.address)  # with the token: open it in a browser
"""

import asyncio
import secrets
import socket
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from agentmem.closing import Closing
from agentmem.distribution import install
from agentmem.errors import ConfigError
from agentmem.report.page import live_page
from agentmem.ui.app import PageRoutes, app
from agentmem.ui.gate import Gate
from agentmem.ui.shelf import Answers, SessionShelf
from agentmem.ui.watching import Watcher


class PageServer(Closing):
    """The page on what is in ``paths``, files and folders, on loopback. ``port`` 0 takes a free one.

    ``catalogue`` remembers what was read, ``answers`` gives the statistics of an answer cache by its workspace, and
    ``home`` is left out of the names of projects. Raises ConfigError if the port is taken, or without the extra.
    """

    def __init__(
        self,
        paths: Sequence[Path],
        *,
        port: int = 0,
        catalogue: Path | None = None,
        answers: Answers = lambda folder: None,
        home: Path | None = None,
        failed: Callable[[str], None] = lambda reason: None,
    ) -> None:
        uvicorn = _uvicorn()
        text, policy = live_page()
        self._socket = _bound(port)
        self.port = int(self._socket.getsockname()[1])
        self.token = secrets.token_urlsafe(24)
        self.shelf = SessionShelf(paths, catalogue, home=home, answers=answers)
        self._watcher = Watcher(self.shelf, failed)
        self._pages = PageRoutes(self.shelf, self._watcher, text)
        config = uvicorn.Config(
            Gate(app(self._pages), self.token, self.port, policy),
            interface="asgi3",
            proxy_headers=False,
            loop="asyncio",
            http="h11",
            ws="none",
            lifespan="off",
            log_level="critical",
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=1,
        )
        self._server = uvicorn.Server(config)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._started = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), name="ui")
        self._thread.start()
        self._started.wait()

    @property
    def url(self) -> str:
        """The address without the token."""
        return f"http://127.0.0.1:{self.port}/"

    @property
    def address(self) -> str:
        """The address with the token, behind a #: a browser never sends that part to anybody."""
        return f"{self.url}#token={self.token}"

    def ready(self, timeout: float | None = None) -> bool:
        """Wait until all files were read once; whether they were in that time, in seconds."""
        return self._watcher.ready.wait(timeout)

    def close(self) -> None:
        """Stop serving. May be called twice."""
        if self._thread.is_alive() and self._loop is not None:
            self._server.should_exit = True
            self._loop.call_soon_threadsafe(self._pages.ends.set)
        self._thread.join()
        self._watcher.close()
        self._socket.close()

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._started.set()
        await self._server.serve([self._socket])


def _uvicorn() -> Any:
    try:
        import starlette  # noqa: F401
        import uvicorn
    except ImportError as error:
        raise ConfigError(
            f"the page is served by starlette and uvicorn, which are not installed: {install('ui')}"
        ) from error
    return uvicorn


def _bound(port: int) -> socket.socket:
    """A listening socket on loopback. Raises ConfigError if the port cannot be used."""
    try:
        return socket.create_server(("127.0.0.1", port))
    except OSError as error:
        raise ConfigError(f"port {port} cannot be used here ({error.strerror}): choose another --port, or 0") from error
