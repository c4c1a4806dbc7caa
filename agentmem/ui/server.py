"""Serves the page on 127.0.0.1 until it is closed.

with PageServer([Path("~/.claude/projects").expanduser()]) as server:
    print(server.address)  # with the token: open it in a browser
"""

import secrets
from collections.abc import Callable, Sequence
from pathlib import Path

from agentmem.closing import Closing
from agentmem.loopback import LoopbackServer, check_installed, listening
from agentmem.report.page import live_page
from agentmem.ui.app import PageRoutes, app
from agentmem.ui.gate import Gate
from agentmem.ui.shelf import Answers, SessionShelf
from agentmem.ui.watching import Watcher


class PageServer(Closing):
    """The page on what is in ``paths``, files and folders, on loopback. ``port`` 0 takes a free one.

    ``index`` and ``jobs`` are those of `LogIndex`, ``answers`` gives the statistics of an answer cache by its
    workspace, and ``home`` is left out of the names of projects. Raises ConfigError if the port is taken, or without
    the extra.
    """

    def __init__(
        self,
        paths: Sequence[Path],
        *,
        port: int = 0,
        index: Path | None = None,
        jobs: int = 1,
        answers: Answers = lambda folder: None,
        home: Path | None = None,
        failed: Callable[[str], None] = lambda reason: None,
    ) -> None:
        check_installed("ui", "the page", "starlette")
        text, policy = live_page()
        at = listening(port)
        self.port = int(at.getsockname()[1])
        self.token = secrets.token_urlsafe(24)
        self.shelf = SessionShelf(paths, index, jobs=jobs, home=home, answers=answers)
        self._watcher = Watcher(self.shelf, failed)
        pages = PageRoutes(self.shelf, self._watcher, text)
        gate = Gate(app(pages), self.token, self.port, policy)
        self._server = LoopbackServer(at, gate, "ui", ending=pages.ends.set)

    @property
    def url(self) -> str:
        """The address without the token."""
        return f"{self._server.url}/"

    @property
    def address(self) -> str:
        """The address with the token, behind a #: a browser never sends that part to anybody."""
        return f"{self.url}#token={self.token}"

    def ready(self, timeout: float | None = None) -> bool:
        """Wait until all files were read once; whether they were in that time, in seconds."""
        return self._watcher.ready.wait(timeout)

    def close(self) -> None:
        """Stop serving. May be called twice."""
        self._server.close()
        self._watcher.close()
        self.shelf.close()
