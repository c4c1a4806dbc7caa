"""A loopback HTTP server that speaks Anthropic's Messages API over the cache simulator.

Any client can be measured against it offline, such as the official SDK. It serves POST /v1/messages, plain or streamed,
/v1/messages/count_tokens, and the batches below /v1/messages/batches. It refuses what the API refuses, records
requests, and fails on request. Every response has the header ``x-agentmem-basis: simulated``, because its usage is the
simulator's and not a bill.
"""

import json
import socket
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

from agentmem.closing import Closing
from agentmem.kvcache.frames import Frames
from agentmem.kvcache.prompts import body_blocks, body_prompt
from agentmem.kvcache.rules import rules
from agentmem.kvcache.simulated import batches, events
from agentmem.kvcache.simulated.batches import SimulatedBatches
from agentmem.kvcache.simulated.checks import problem
from agentmem.kvcache.simulated.events import ServerAnswer
from agentmem.kvcache.simulated.faults import (
    BrokenStream,
    Expired,
    Garbage,
    HttpError,
    Reply,
    StalledStream,
    answer_of,
    lines,
)
from agentmem.kvcache.simulated.simulator import CacheOutcome, Simulator
from agentmem.types import Json

BASIS_HEADER = "x-agentmem-basis"
LARGEST = 32 * 1024 * 1024
"""Bytes of a request, as the API documents."""
COUNT = "/v1/messages/count_tokens"


Replies = Iterable[Reply] | Callable[[Json], Reply]
Told = Callable[[str, int, Json], None]
"""A function called with each response: the request's path, the status, and the whole body, also of a stream."""


@dataclass(frozen=True, slots=True)
class Received:
    """A request as it arrived."""

    path: str
    headers: Mapping[str, str]
    body: Any
    size: int = 0


def echo(body: Json) -> ServerAnswer:
    """Replies with the last text of the request."""
    texts = [block["text"] for block in body_blocks(body) if block.get("type") == "text"]
    return ServerAnswer.text(f"You said: {texts[-1]}" if texts else "You said nothing.")


@dataclass
class MessagesServer(Closing):
    """A server on 127.0.0.1 that starts with ``with`` and stops at its end.

        with MessagesServer([ServerAnswer.text("Hello.")]) as server:
            client = anthropic.Anthropic(api_key="none", base_url=server.url)

    ``replies`` is a list with a reply or a fault for each request, or a function of the request's body; the default
    echoes the last text. ``validate`` raises ValueError for a body that does not fit the provider's types. If ``key``
    is given, requests must carry it. ``port`` 0 takes a free one. ``told`` is called with each response, one at a time,
    before it is sent. ``requests`` lists the requests received, also refused ones; ``frames`` are their blocks, each
    counted once; ``batches`` are those that it was sent.
    """

    replies: Replies = echo
    validate: Callable[[Json], object] | None = None
    simulator: Simulator = field(default_factory=lambda: Simulator(rules))
    key: str | None = None
    port: int = 0
    told: Told | None = None
    requests: list[Received] = field(default_factory=list)
    frames: Frames = field(default_factory=Frames, repr=False)
    batches: SimulatedBatches = field(default_factory=SimulatedBatches)

    def __enter__(self) -> Self:
        self.lock = threading.Lock()
        self.closing = threading.Event()
        self._script = None if callable(self.replies) else iter(self.replies)
        self._http = _Http(("127.0.0.1", self.port), self)
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.02,), name="messages-server")
        self._thread.start()
        return self

    @property
    def port_in_use(self) -> int:
        """The port it listens on: ``port``, or a free one if that is 0."""
        return self._http.server_port

    @property
    def url(self) -> str:
        """The base URL to give a client."""
        return f"http://127.0.0.1:{self.port_in_use}"

    @property
    def bodies(self) -> list[Any]:
        """The bodies of the requests for messages, in the order of arrival."""
        return [one.body for one in self.requests if one.path == "/v1/messages"]

    def close(self) -> None:
        """Stop: cut off running responses, end all threads and close all sockets. May be called twice."""
        if not self.closing.is_set():
            self.closing.set()
            self._http.shutdown()
            self._http.drop_connections()
            self._http.server_close()
            self._thread.join()

    def next_reply(self, body: Json) -> Reply:
        """The reply to ``body``: the script's next one, or the function's."""
        if callable(self.replies):
            return self.replies(body)
        assert self._script is not None
        ended = HttpError(400, "invalid_request_error", "the server's script has no reply left")
        with self.lock:
            return next(self._script, ended)

    def refusal(self, received: Received) -> HttpError | None:
        """The error with which the API would refuse this request; None if it would serve it."""
        secret = received.headers.get("x-api-key") or received.headers.get("authorization", "").removeprefix("Bearer ")
        if self.key is not None and secret != self.key:
            return HttpError(401, "authentication_error", "invalid x-api-key")
        if received.size > LARGEST:
            return HttpError(413, "request_too_large", "Request exceeds the maximum size")
        if not isinstance(received.body, dict):
            return HttpError(400, "invalid_request_error", "The request body is not valid JSON")
        # Counting tokens takes the same body, without the length of a reply.
        body = {"max_tokens": 1, **received.body} if received.path == COUNT else received.body
        found: str | None = None
        try:
            for one in [each["params"] for each in body["requests"]] if received.path == batches.PATH else [body]:
                if self.validate:
                    self.validate(one)
                if found := problem(one):
                    break
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            found = f"malformed request: {error}"
        return HttpError(400, "invalid_request_error", found) if found else None


class _Http(ThreadingHTTPServer):
    daemon_threads = False
    block_on_close = True

    def __init__(self, address: tuple[str, int], owner: MessagesServer) -> None:
        self.owner = owner
        self.connections: set[socket.socket] = set()
        super().__init__(address, _Handler)

    def drop_connections(self) -> None:
        """Wake the threads that wait for a client's next request."""
        with self.owner.lock:
            connections = list(self.connections)
        for connection in connections:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue  # closed by the client meanwhile

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore a client that went away. The base class shows other errors."""
        if not self.owner.closing.is_set():
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Http

    def setup(self) -> None:
        super().setup()
        with self.server.owner.lock:
            self.server.connections.add(self.connection)

    def finish(self) -> None:
        with self.server.owner.lock:
            self.server.connections.discard(self.connection)
        super().finish()

    def handle(self) -> None:
        try:
            super().handle()
        except (ConnectionError, TimeoutError):
            self.close_connection = True  # the client hung up, which is no error

    def do_POST(self) -> None:
        path = self.path.partition("?")[0]
        headers = {name.lower(): value for name, value in self.headers.items()}
        received = Received(path, headers, self._body(), int(headers.get("content-length") or 0))
        with self.server.owner.lock:
            self.server.owner.requests.append(received)
        route = _ROUTES.get(path)
        refused = self.server.owner.refusal(received) if route else HttpError(404, "not_found_error", "Not found")
        if refused or not route:
            self._error(refused or HttpError(404, "not_found_error", "Not found"))
        else:
            route(self, received.body)

    def do_GET(self) -> None:
        path, owner = self.path.partition("?")[0], self.server.owner
        with owner.lock:
            owner.requests.append(Received(path, {name.lower(): value for name, value in self.headers.items()}, None))
            found = owner.batches.read(path, owner.url) if path.startswith(batches.PATH) else None
        if found is None:
            self._error(HttpError(404, "not_found_error", "Not found"))
        elif isinstance(found, bytes):
            self._send(200, found)
        else:
            self._json(found)

    def batch(self, body: Json) -> None:
        """POST /v1/messages/batches"""
        made = self.server.owner.batches.create(body["requests"], self._worked)
        self._json(made.told(self.server.owner.url))

    def _worked(self, body: Json) -> Json | HttpError | Expired:
        """The message for one request of a batch, or why there is none."""
        owner, reply = self.server.owner, self.server.owner.next_reply(body)
        if isinstance(reply, HttpError | Expired):
            return reply
        prompt = body_prompt(body, owner.frames)
        with owner.lock:
            outcome = owner.simulator.begin(prompt)
            owner.simulator.respond(outcome)
        answer = events.completed(answer_of(reply), body["max_tokens"])
        whole = events.message(body["model"], answer, outcome, prompt.diagnose)
        return {**whole, "usage": {**whole["usage"], "service_tier": "batch"}}

    def count(self, body: Json) -> None:
        """POST /v1/messages/count_tokens"""
        self._json({"input_tokens": sum(frame.tokens for frame in body_prompt(body, self.server.owner.frames).frames)})

    def message(self, body: Json) -> None:
        """POST /v1/messages"""
        reply = self.server.owner.next_reply(body)
        if isinstance(reply, HttpError):
            return self._error(reply)
        prompt = body_prompt(body, self.server.owner.frames)
        with self.server.owner.lock:
            outcome = self.server.owner.simulator.begin(prompt)
        answer = events.completed(answer_of(reply), body["max_tokens"])
        whole = events.message(body["model"], answer, outcome, prompt.diagnose)
        if body.get("stream"):
            self._tell(200, whole)
            return self._stream(whole, reply, outcome)
        self._begun(outcome)
        return self._send(200, b"not json") if isinstance(reply, Garbage) else self._json(whole)

    def _stream(self, whole: Json, reply: Reply, outcome: CacheOutcome) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header(BASIS_HEADER, "simulated")
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        for number, line in enumerate(lines(whole, reply)):
            if number == 0:
                self._begun(outcome)
            self._chunk(line)
        if isinstance(reply, StalledStream):
            self.server.owner.closing.wait()
        if isinstance(reply, StalledStream) or (isinstance(reply, BrokenStream) and not reply.clean):
            self.close_connection = True
        else:
            self._chunk(b"")

    def _begun(self, outcome: CacheOutcome) -> None:
        with self.server.owner.lock:
            self.server.owner.simulator.respond(outcome)

    def _chunk(self, data: bytes) -> None:
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
        self.wfile.flush()

    def _error(self, error: HttpError) -> None:
        body = {"type": "error", "error": {"type": error.kind, "message": error.message}}
        self._tell(error.status, body)
        extra = {} if error.retry_after is None else {"retry-after-ms": str(error.retry_after * 1000)}
        self._send(error.status, json.dumps(body).encode(), extra)

    def _json(self, value: Json) -> None:
        self._tell(200, value)
        self._send(200, json.dumps(value, ensure_ascii=False).encode())

    def _tell(self, status: int, value: Json) -> None:
        owner = self.server.owner
        if owner.told:
            with owner.lock:
                owner.told(self.path.partition("?")[0], status, value)

    def _send(self, status: int, data: bytes, extra: Mapping[str, str] | None = None) -> None:
        self.send_response(status)
        headers = {"content-type": "application/json", "content-length": str(len(data)), BASIS_HEADER: "simulated"}
        for name, value in {**headers, **(extra or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def _body(self) -> Any:
        try:
            return json.loads(self.rfile.read(int(self.headers.get("content-length") or 0)))
        except ValueError:
            return None

    def log_message(self, *_args: object) -> None:
        """Log nothing: bodies are in `requests`."""


_ROUTES: Mapping[str, Callable[[_Handler, Json], None]] = {
    "/v1/messages": _Handler.message,
    COUNT: _Handler.count,
    batches.PATH: _Handler.batch,
}
