"""Writes a wire log: the requests and replies of a model provider's client, one JSON object a line.

    with record(anthropic.Anthropic(), "run.jsonl"):
        ...

A hook on the HTTP client does it. This works for any client of Anthropic's or OpenAI's APIs over httpx or httpx2, sync
or async: the SDKs, LangChain models that hold one, or a bare HTTP client. A line is {"at", "path", "request",
"response", "status", "seconds", "first_byte_after", "complete", "basis"}. Times are in seconds, ``at`` since the epoch;
``response`` is one object, also for a stream. Headers are never written, and secrets in texts are masked. The log never
breaks a call: its own errors are kept in `Recording.errors`.
"""

import json
import logging
import os
import stat
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from agentmem.checking import CALLABLE, PATH, Wanted, check_settings
from agentmem.closing import Closing
from agentmem.errors import ConfigError
from agentmem.integrations.masking import Mask
from agentmem.integrations.replies import parse_reply
from agentmem.integrations.tee import tee
from agentmem.kvcache.shared_blocks import LineWriter
from agentmem.types import Clock

Line = dict[str, Any]
Sink = Callable[[Line], None]

_log = logging.getLogger(__name__)

PATHS = ("/messages", "/chat/completions", "/responses")
"""The endings of the paths whose requests are recorded. Other endpoints (counting tokens, batches) are not."""

_HOLDERS = ("_client", "_async_client", "root_client", "root_async_client", "client", "async_client", "bound")
"""The attributes under which SDKs and LangChain's models keep their HTTP client."""
BASIS_HEADER = "x-agentmem-basis"
_BEGAN = "agentmem_began"


EACH_ALONE = 64 * 1024 * 1024
"""Bytes after which a log begins anew to say everything: what is lost by a damaged line ends there."""


class LogFile:
    """Appends lines to a file that only its owner may read. The first line creates it. Safe for threads.

    Each line is one write, so that processes may share a file. ``shortened``: what a request shares with earlier ones
    is not written again (see `agentmem.kvcache.shared_blocks`). A line that could not be written whole, as on a full
    disk, is lost, and neither the lines before it nor those after.
    """

    def __init__(self, path: str | Path, *, shortened: bool = False) -> None:
        self.path = Path(path)
        self._mask = Mask()
        self._lock = threading.Lock()
        self._writer = LineWriter() if shortened else None
        self._file: tuple[int, int] | None = None
        self._end = self._since = 0

    def __call__(self, line: Line) -> None:
        with self._lock:
            masked = {**line, **{part: self._mask.value(line[part]) for part in ("request", "response")}}
            self.path.parent.mkdir(parents=True, exist_ok=True)
            file = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
            try:
                self._look_at(file)
                self._append(file, masked)
            finally:
                os.close(file)

    def _look_at(self, file: int) -> None:
        """Whether what this wrote is still there: somebody may have emptied or replaced the file."""
        found = os.fstat(file)
        here = found.st_dev, found.st_ino
        if self._writer and (here != self._file or found.st_size < self._end or self._since > EACH_ALONE):
            self._writer.forget()
            self._since = 0
        self._file = here

    def _append(self, file: int, line: Line) -> None:
        data = as_json(self._writer.shortened(line) if self._writer else line) + b"\n"
        size = os.fstat(file).st_size
        regular = stat.S_ISREG(os.fstat(file).st_mode)
        torn = regular and bool(size) and os.pread(file, 1, size - 1) != b"\n"
        _write(file, b"\n" + data if torn else data)
        self._end = size + torn + len(data)
        self._since += len(data)
        if self._writer:
            self._writer.kept()


def as_json(line: Line) -> bytes:
    """A line's bytes, without its end."""
    return json.dumps(line, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "backslashreplace")


def _write(file: int, data: bytes) -> None:
    while data:
        data = data[os.write(file, data) :]


def record(client: object, to: str | Path | Sink, *, clock: Clock = time.time) -> "Recording":
    """Record every model request of ``client`` from now on.

        client = anthropic.Anthropic()
        with record(client, "run.jsonl"):
            client.messages.create(model="claude-sonnet-5-5", max_tokens=100, messages=messages)
        # then: agentmem why run.jsonl

    ``to`` is a file to append to, or a function that gets each line as a dict; a function gets them unmasked. ``clock``
    gives the time in seconds since the epoch. Returns the recording, to be closed or used with ``with``. Raises
    ConfigError if ``client`` holds no client of httpx or httpx2, and for a folder in place of a file. The first line
    that cannot be written is a warning in the log of "agentmem"; `Recording.errors` has all.
    """
    found = list(dict.fromkeys(_http_clients(client, 3)))
    if not found:
        raise ConfigError(
            f"{type(client).__name__} holds no httpx or httpx2 client that could be recorded: pass the SDK's client "
            "(anthropic.Anthropic(), openai.OpenAI()), a LangChain model that has one, or the HTTP client itself. "
            "A fake or scripted model sends nothing over HTTP, so there is nothing to record: give a real one the "
            "address of agentmem.testing.MessagesServer(reply), which answers as you script it"
        )
    check_settings("record", {"to": to, "clock": clock}, {"to": _SINK, "clock": CALLABLE})
    return Recording(found, to if callable(to) else LogFile(to), clock)


_SINK = CALLABLE | Wanted(
    "a path of a file, not of a folder", lambda given: PATH.fits(given) and given != "" and not Path(given).is_dir()
)


def _http_clients(client: object, depth: int) -> Iterator[Any]:
    if hasattr(client, "event_hooks") and hasattr(client, "build_request"):
        yield client
    elif depth:
        for held in (getattr(client, name, None) for name in _HOLDERS):
            if held is not None:
                yield from _http_clients(held, depth - 1)


class Recording(Closing):
    """Hooks on HTTP clients until it is closed. ``errors`` lists what could not be recorded, and why."""

    def __init__(self, clients: list[Any], sink: Sink, clock: Clock) -> None:
        self.errors: list[str] = []
        self._sink, self._clock = sink, clock
        self._closers = [self._attach(client) for client in clients]

    def close(self) -> None:
        """Removes the hooks. Responses that are under way are still recorded. May be called twice."""
        while self._closers:
            self._closers.pop()()

    def _attach(self, client: Any) -> Callable[[], None]:
        async def begin(request: Any) -> None:
            self._begin(request)

        async def watch(response: Any) -> None:
            self._watch(response)

        asynchronous = hasattr(client, "aclose")
        mine = {"request": begin if asynchronous else self._begin, "response": watch if asynchronous else self._watch}
        client.event_hooks = {event: [*client.event_hooks.get(event, ()), hook] for event, hook in mine.items()}

        def detach() -> None:
            hooks = client.event_hooks
            client.event_hooks = {event: [one for one in hooks[event] if one != mine.get(event)] for event in hooks}

        return detach

    def _begin(self, request: Any) -> None:
        request.extensions[_BEGAN] = self._clock()

    def _watch(self, response: Any) -> None:
        """Puts a tee on the response's body."""
        request, first = response.request, self._clock()
        if request.method != "POST" or not request.url.path.rstrip("/").endswith(PATHS):
            return
        with self._unharmed():
            response.stream = tee(response.stream, lambda body, whole: self._end(response, first, body, whole))

    def _end(self, response: Any, first: float, body: bytes, whole: bool) -> None:
        with self._unharmed():
            self._sink(self._line(response, first, body, whole))

    @contextmanager
    def _unharmed(self) -> Iterator[None]:
        """Keeps any error of a client, a response or the disk away from the call that is recorded."""
        try:
            yield
        except Exception as error:
            if not self.errors:
                _log.warning("a request could not be recorded, and others may not be either: %s", error)
            self.errors.append(f"{type(error).__name__}: {error}")

    def _line(self, response: Any, first: float, body: bytes, whole: bool) -> Line:
        request = response.request
        began = request.extensions[_BEGAN]
        # A second response from the same bytes decompresses them as the client does.
        decoded = type(response)(response.status_code, headers=response.headers, content=body).content
        line: Line = {
            "at": began,
            "path": request.url.path,
            "request": json.loads(request.content),
            "response": parse_reply(decoded),
            "status": response.status_code,
            "seconds": round(self._clock() - began, 6),
            "first_byte_after": round(first - began, 6),
            "complete": whole,
        }
        basis = response.headers.get(BASIS_HEADER)
        return {**line, "basis": basis} if basis else line
