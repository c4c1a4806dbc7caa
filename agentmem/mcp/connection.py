"""One connection to a server: a thread of its own holds it, starts it when it is needed and again when it has ended.

The SDK is asynchronous and the tools of an agent are not, so calls come from any thread and wait for the loop of this
one. Every fault of a server becomes a ServerFault, whose sentence the model is told.
"""

import asyncio
import logging
import threading
import time
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import CancelledError, Future
from contextlib import AbstractAsyncContextManager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from agentmem.closing import Closing
from agentmem.mcp.faults import MOST, Flow, ServerFault
from agentmem.menu.tool import Stop
from agentmem.scrub import scrub

if TYPE_CHECKING:
    from mcp import Client

T = TypeVar("T")
Opened = Callable[[Flow], AbstractAsyncContextManager[tuple[Any, Any]]]
"""Opens the streams of a transport: a command's pipes, or HTTP."""

PROBE = 2.0
"""Seconds that a server which did not answer a call has to answer a plain question, before it is started again."""
WAITS = (0.0, 0.0, 1.0, 5.0, 15.0, 60.0)
"""Seconds between attempts to start a server, by the number of failed ones in a row."""

_PAGES = 200  # of a server's list of tools or resources
_MARGIN = 5.0  # seconds beyond a time-out in which the loop must have told it
_SAID = 300  # characters of a server's last words
_log = logging.getLogger(__name__)


@dataclass(eq=False)
class ServerConnection(Closing):
    """A server that calls are sent to. ``starting`` is the most seconds until it is ready.

    ``last_words`` gives what the server has said on its standard error. ``started`` is called in the loop after each
    start, with the client, before any call.
    """

    server: str
    opened: Opened
    starting: float = 30.0
    most: int = MOST
    last_words: Callable[[], Sequence[str]] = tuple
    started: Callable[["Client"], Awaitable[None]] | None = None
    news: Callable[[str], None] = lambda method: None
    starts: int = 0
    _loop: asyncio.AbstractEventLoop | None = field(default=None, init=False, repr=False)
    _thread: threading.Thread | None = field(default=None, init=False, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False)
    _held: "_Held | None" = field(default=None, init=False, repr=False)
    _failures: int = field(default=0, init=False, repr=False)
    _failed_at: float = field(default=0.0, init=False, repr=False)
    _why: str = field(default="", init=False, repr=False)

    def call(self, tool: str, work: "Callable[[Client], Awaitable[T]]", seconds: float, stop: Stop | None = None) -> T:
        """The result of ``work`` with the client, for the tool of this name. Raises ServerFault and what ``work`` does.

        ``stop`` ends the wait.
        """
        future: Future[T] = asyncio.run_coroutine_threadsafe(self._called(tool, work, seconds), self._running())
        with (stop or Stop()).calling(future.cancel):
            try:
                return future.result(self.starting + seconds + PROBE + _MARGIN)
            except (TimeoutError, CancelledError) as error:
                future.cancel()
                raise ServerFault("stalled", server=self.server, tool=tool, seconds=seconds) from error

    def close(self) -> None:
        """End the server and the thread. A later call starts both again."""
        with self._lock:
            loop, thread, self._loop, self._thread = self._loop, self._thread, None, None
        if loop is None or thread is None:
            return
        asyncio.run_coroutine_threadsafe(self._drop(), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()

    def _running(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                self._thread = threading.Thread(
                    target=_serve, args=(self._loop,), name=f"agentmem-mcp-{self.server}", daemon=True
                )
                self._thread.start()
                self._starting = asyncio.Lock()
            return self._loop

    async def _called(self, tool: str, work: "Callable[[Client], Awaitable[T]]", seconds: float) -> T:
        held = await self._ready(tool)
        facts = {"server": self.server, "tool": tool}
        working = asyncio.ensure_future(work(held.client))
        ending = asyncio.ensure_future(held.over.wait())
        try:
            await asyncio.wait((working, ending), timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
            broke = held.over.is_set() or held.flow.flooded  # then the call's own error says less than the cause
            if working.done() and not (broke and working.exception()):
                return working.result()
            if held.flow.flooded:
                raise ServerFault("flooded", most=self.most, **facts)
            if held.over.is_set():
                raise ServerFault("died", said=self._said(), **facts)
            held.doubtful = True
            raise ServerFault("stalled", seconds=seconds, **facts)
        except Exception:
            if held.flow.flooded or held.over.is_set():
                await self._drop()
            raise
        finally:
            for task in (working, ending):
                task.cancel()
            await asyncio.gather(working, ending, return_exceptions=True)

    async def _ready(self, tool: str) -> "_Held":
        """The connection as it can be used now; a new one if it has ended or does not answer."""
        async with self._starting:
            if self._held and self._held.doubtful:
                self._held.doubtful = not await self._answers(self._held)
            if self._held and (self._held.doubtful or self._held.over.is_set()):
                await self._drop()
            if self._held is None:
                self._held = await self._start(tool)
            return self._held

    async def _answers(self, held: "_Held") -> bool:
        try:
            async with asyncio.timeout(PROBE):
                await held.client.list_tools(cache_mode="refresh")
            return True
        except Exception:  # whatever it answers instead, it is started again
            return False

    async def _start(self, tool: str) -> "_Held":
        wait = WAITS[min(self._failures, len(WAITS) - 1)] - (time.monotonic() - self._failed_at)
        facts = {"server": self.server, "tool": tool}
        if self._failures and wait > 0:
            onward = f"It is tried again in {wait:.0f} seconds or later."
            raise ServerFault("absent", why=self._why, said="", onward=onward, **facts)
        held = _Held(Flow(self.most))
        try:
            await held.begin(self.opened, self.starting, self.news)
            self.starts += 1
            if self.started:
                await self.started(held.client)
        except Exception as error:
            await held.end()
            self._failures, self._failed_at = self._failures + 1, time.monotonic()
            self._why = _reason(error, self.starting)
            _log.warning("the MCP server %s cannot be reached: %s", self.server, self._why)
            onward = "Do what you can without it, and say what you could not do."
            raise ServerFault("absent", why=self._why, said=self._said(), onward=onward, **facts) from error
        self._failures = 0
        return held

    async def _drop(self) -> None:
        held, self._held = self._held, None
        if held:
            if held.doubtful or held.flow.flooded:
                held.flow.patience = 0.0  # it does not listen: no time is lost on it
            await held.end()

    def _said(self) -> str:
        said = scrub(" ".join(" ".join(self.last_words()).split()))
        return f" It said: {said[-_SAID:].rstrip('.')}." if said else ""


class _Held:
    """A client inside its context, which one task enters and leaves, as the SDK demands."""

    def __init__(self, flow: Flow) -> None:
        self.flow, self.doubtful = flow, False
        self.over = asyncio.Event()
        flow.ended = self.over.set
        self._leave = asyncio.Event()
        self._ready: asyncio.Future[Client] = asyncio.get_running_loop().create_future()
        self._task: asyncio.Task[None] | None = None

    async def begin(self, opened: Opened, seconds: float, news: Callable[[str], None]) -> None:
        self._task = asyncio.ensure_future(self._hold(opened, news))
        async with asyncio.timeout(seconds):
            self.client = await asyncio.shield(self._ready)

    async def _hold(self, opened: Opened, news: Callable[[str], None]) -> None:
        from mcp import Client

        async def heard(message: object) -> None:
            news(getattr(message, "method", ""))

        try:
            async with Client(opened(self.flow), cache=None, message_handler=heard) as client:
                self._ready.set_result(client)
                await self._leave.wait()
        except BaseException as error:
            if not self._ready.done():
                self._ready.set_exception(error if isinstance(error, Exception) else ConnectionError("it ended"))
            elif not isinstance(error, Exception | asyncio.CancelledError):
                raise
        finally:
            self.over.set()

    async def end(self) -> None:
        self._leave.set()
        if self._task is None:
            return
        _, pending = await asyncio.wait((self._task,), timeout=self.flow.patience + _MARGIN)
        if pending:
            self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        if self._ready.done() and not self._ready.cancelled():
            self._ready.exception()  # read, so that it is not reported as forgotten


def _serve(loop: asyncio.AbstractEventLoop) -> None:
    asyncio.set_event_loop(loop)
    try:
        loop.run_forever()
    finally:
        with suppress(RuntimeError):
            loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()


def _reason(error: BaseException, seconds: float) -> str:
    """Why a server could not be started, in a few words."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    if isinstance(error, TimeoutError):
        return f"it was not ready within {seconds:g} seconds"
    return scrub(" ".join(f"{error}".split())[:_SAID]) or type(error).__name__


async def everything(page: Callable[[str | None], Awaitable[Any]], name: str) -> list[Any]:
    """All items of a list that a server gives in pages: the attribute ``name`` of each page."""
    found: list[Any] = []
    cursor: str | None = None
    for _ in range(_PAGES):
        one = await page(cursor)
        found.extend(getattr(one, name))
        cursor = one.next_cursor
        if not cursor:
            break
    return found
