"""A meter on loopback for any client of Anthropic's or OpenAI's APIs: it forwards, and writes a wire log.

    with Proxy("run.jsonl") as proxy:
        subprocess.run(["claude", "-p", "hello"], env={**os.environ, **proxy.variables})
    # then: agentmem report run.jsonl

What passed is read and written by a thread beside, so that forwarding waits for nothing. If the log cannot be written,
traffic goes on, and `Proxy.lost` counts what is missing.
"""

import json
import queue
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from agentmem.closing import Closing
from agentmem.health import with_health
from agentmem.integrations.forwarding import Forwarder, Passed, Receive, Scope, Send, Upstreams
from agentmem.integrations.replies import has_ended, parse_reply
from agentmem.integrations.session_names import session_name
from agentmem.integrations.wirelog import BASIS_HEADER, PATHS, Line, LogFile, Sink
from agentmem.loopback import LoopbackServer, check_installed, listening

MOST_WAITING = 64 * 1024 * 1024
"""Bytes that may wait to be written. Beyond, exchanges go by unrecorded, so that memory stays flat."""


@dataclass(frozen=True, slots=True)
class Losses:
    """What the log is missing: how many exchanges, and the last reason."""

    exchanges: int = 0
    reason: str = ""


class LogWriter(Closing):
    """Turns what passed into lines of a wire log, on a thread of its own. ``warned`` is called at the first loss."""

    def __init__(self, sink: Sink, warned: Callable[[str], None]) -> None:
        self.lost = Losses()
        self.written = 0
        self._sink, self._warned = sink, warned
        self._waiting: queue.SimpleQueue[Passed | threading.Event | None] = queue.SimpleQueue()
        self._bytes = 0
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="wire-log")
        self._thread.start()

    def __call__(self, passed: Passed) -> None:
        """Take an exchange. Returns at once."""
        if passed.method != "POST" or not passed.path.rstrip("/").endswith(PATHS):
            return
        with self._lock:
            full = self._bytes and self._bytes + _size(passed) > MOST_WAITING
            self._bytes += 0 if full else _size(passed)
        if full:
            self._lose("more passed by than the disk takes")
        else:
            self._waiting.put(passed)

    def settle(self, timeout: float) -> None:
        """Wait until what came so far is written, at most so many seconds."""
        written = threading.Event()
        self._waiting.put(written)
        written.wait(timeout)

    def close(self) -> None:
        """Write what waits, and end. May be called twice."""
        if self._thread.is_alive():
            self._waiting.put(None)
            self._thread.join()

    def _run(self) -> None:
        while (passed := self._waiting.get()) is not None:
            if isinstance(passed, threading.Event):
                passed.set()
                continue
            try:
                if (line := wire_line(passed)) is not None:
                    self._sink(line)
                    self.written += 1
            except Exception as error:  # whatever a client sent or a disk does, traffic goes on
                self._lose(str(error) or type(error).__name__)
            finally:
                with self._lock:
                    self._bytes -= _size(passed)

    def _lose(self, reason: str) -> None:
        first = not self.lost.exchanges
        self.lost = Losses(self.lost.exchanges + 1, reason)
        if first:
            self._warned(reason)


def _size(passed: Passed) -> int:
    return len(passed.request) + len(passed.response)


def wire_line(passed: Passed) -> Line | None:
    """The line of a wire log for an exchange: never a header; the session that its client names. None without JSON."""
    import httpx

    try:
        body = json.loads(passed.request)
    except ValueError:
        return None
    if not isinstance(body, dict):
        return None
    names = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in passed.request_headers}
    headers = list(passed.response_headers)
    # A second response from the same bytes decompresses them as a client does.
    decoded = httpx.Response(passed.status or 502, headers=headers, content=passed.response).content
    line: Line = {
        "at": passed.at,
        "path": passed.path,
        "request": body,
        "response": parse_reply(decoded),
        "status": passed.status or 499,
        "seconds": round(passed.ended - passed.at, 6),
        "first_byte_after": round(passed.first - passed.at, 6),
        "complete": passed.whole or has_ended(decoded),
    }
    basis = httpx.Headers(headers).get(BASIS_HEADER)
    session = session_name(names, body)
    return {**line, **({"basis": basis} if basis else {}), **({"session": session} if session else {})}


class Proxy(Closing):
    """A forwarding server on 127.0.0.1, until it is closed. ``port`` 0 takes a free one.

    ``log`` is the file that the wire log is appended to, in which what requests share stands once, or a function that
    gets each line whole. ``warned`` is called with
    the reason when the log begins to miss something. Raises ConfigError if the port is taken, or without the extra.
    """

    def __init__(
        self,
        log: str | Path | Sink,
        upstreams: Upstreams | None = None,
        *,
        port: int = 0,
        warned: Callable[[str], None] = lambda reason: None,
    ) -> None:
        check_installed("watch", "the proxy")
        at = listening(port)
        self._writer = LogWriter(log if callable(log) else LogFile(log, shortened=True), warned)
        self._upstreams = upstreams or Upstreams()
        self._forwarder: Forwarder | None = None
        served = with_health(self._served, lambda: {"written": self.written, "lost": self.lost.exchanges})
        self._server = LoopbackServer(at, served, "proxy", around=self._forwarding)

    @property
    def url(self) -> str:
        """The address to give a client as its base URL."""
        return self._server.url

    @property
    def variables(self) -> dict[str, str]:
        """The variables that point clients of both APIs here."""
        return {"ANTHROPIC_BASE_URL": self.url, "OPENAI_BASE_URL": f"{self.url}/v1"}

    @property
    def lost(self) -> Losses:
        """What the log is missing so far."""
        return self._writer.lost

    @property
    def written(self) -> int:
        """The lines written so far."""
        return self._writer.written

    def settle(self, timeout: float = 5.0) -> None:
        """Wait until what passed is in the log, at most so many seconds for each: a client may end before that."""
        if self._forwarder is not None:
            with suppress(TimeoutError):
                self._server.run(self._forwarder.idle(), timeout)
        self._writer.settle(timeout)

    def close(self) -> None:
        """Stop serving, and write what waits. May be called twice."""
        self._server.close()
        self._writer.close()

    @asynccontextmanager
    async def _forwarding(self) -> AsyncIterator[None]:
        self._forwarder = Forwarder(self._upstreams, self._writer)
        try:
            yield
        finally:
            await self._forwarder.aclose()

    async def _served(self, scope: Scope, receive: Receive, send: Send) -> None:
        assert self._forwarder is not None
        await self._forwarder(scope, receive, send)
