"""agentmem.integrations.forwarding and proxy: every byte goes on as it came."""

import asyncio
import gzip
import json
import socket
import threading
from collections.abc import MutableMapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import anthropic
import httpx
import openai
import pytest

from agentmem.errors import ConfigError
from agentmem.integrations.forwarding import ANTHROPIC, EACH, OPENAI, ClientPools, Forwarder, Passed, Upstreams
from agentmem.integrations.proxy import Proxy
from agentmem.integrations.replies import has_ended
from agentmem.integrations.wirelog import Line
from agentmem.kvcache.simulated.server import MessagesServer
from agentmem.report.loading import load_paths, split
from tests.integrations.openai_server import openai_server
from tests.integrations.upstream import RawServer, asked

BODY = json.dumps(
    {"model": "claude-opus-5", "max_tokens": 9, "messages": [{"role": "user", "content": "häh\u2028?"}]}
).encode()
KEY = "sk-ant-api03-" + "K" * 40


def request(path: bytes, body: bytes = BODY, *headers: bytes) -> bytes:
    """A whole request, after which the connection ends."""
    lines = (
        b"POST " + path + b" HTTP/1.1",
        b"host: here",
        b"connection: close",
        b"content-length: %d" % len(body),
        *headers,
    )
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


def answer(body: bytes, *headers: bytes, status: bytes = b"200 OK") -> bytes:
    """A whole response."""
    return b"\r\n".join((b"HTTP/1.1 " + status, b"content-length: %d" % len(body), *headers)) + b"\r\n\r\n" + body


def test_requests_and_responses_pass_byte_by_byte(tmp_path: Path) -> None:
    """Path, query, headers and body, in both directions; the same header twice; an error as it came."""
    packed = gzip.compress(b'{"type": "error", "error": {"type": "overloaded_error", "message": "x"}}')
    back = answer(
        packed, b"content-encoding: gzip", b"retry-after: 7", b"set-cookie: a=1", b"set-cookie: b=2", status=b"529 Site"
    )
    with (
        RawServer(lambda one: one.sendall(back)) as server,
        Proxy(tmp_path / "log.jsonl", Upstreams(server.url)) as proxy,
    ):
        came = asked(
            proxy.url,
            request(b"/v1/messages/%7Ea%2Fb'(c)?beta=true&q=%20x%2f", BODY, b"x-api-key: " + KEY.encode(), b"X-Odd: 1"),
        )
    [seen] = server.received
    head, _, body = seen.partition(b"\r\n\r\n")
    lines = head.split(b"\r\n")
    assert lines[0] == b"POST /v1/messages/%7Ea%2Fb'(c)?beta=true&q=%20x%2f HTTP/1.1"
    assert body == BODY
    sent = {
        b"host: " + server.url.removeprefix("http://").encode(),
        b"content-length: %d" % len(BODY),
        b"x-api-key: " + KEY.encode(),
        b"x-odd: 1",
    }
    assert {line.split(b": ")[0].lower() + b": " + line.split(b": ")[1] for line in lines[1:]} == sent
    got, _, rest = came.partition(b"\r\n\r\n")
    assert got.split(b"\r\n")[0].startswith(b"HTTP/1.1 529")
    assert rest == packed
    passed = [
        b"content-length: %d" % len(packed),
        b"content-encoding: gzip",
        b"retry-after: 7",
        b"set-cookie: a=1",
        b"set-cookie: b=2",
    ]
    assert [line for line in got.split(b"\r\n")[1:] if line.lower() != b"connection: close"] == passed


def test_a_stream_is_not_held_back(tmp_path: Path) -> None:
    """The first piece is at the client before the provider has sent the second."""
    had_first = threading.Event()

    def serve(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n")
        connection.sendall(b"5\r\nfirst\r\n")
        assert had_first.wait(20)
        connection.sendall(b"6\r\nsecond\r\n0\r\n\r\n")

    with (
        RawServer(serve) as server,
        Proxy(tmp_path / "log.jsonl", Upstreams(server.url)) as proxy,
        ExitStack() as stack,
    ):
        response = stack.enter_context(httpx.stream("POST", f"{proxy.url}/v1/messages", content=BODY))
        pieces = response.iter_raw()
        assert next(pieces) == b"first"
        had_first.set()
        assert b"".join(pieces) == b"second"


def test_a_client_that_goes_away_ends_the_request(tmp_path: Path) -> None:
    """The provider's connection is closed, so that nobody pays for a reply that nobody reads; the log says so."""
    lines: list[Line] = []
    gone = threading.Event()

    def serve(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nfirst\r\n")
        connection.settimeout(20)
        if not connection.recv(1):
            gone.set()

    with RawServer(serve) as server, Proxy(lines.append, Upstreams(server.url)) as proxy:
        with httpx.stream("POST", f"{proxy.url}/v1/messages", content=BODY) as response:
            assert next(response.iter_raw()) == b"first"
        assert gone.wait(20)
    assert [line["complete"] for line in lines] == [False]


def test_a_provider_that_breaks_off_breaks_off_at_the_client(tmp_path: Path) -> None:
    """A cut response is never made to look whole."""
    cut = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nfirst\r\n"
    with (
        RawServer(lambda one: one.sendall(cut)) as server,
        Proxy(tmp_path / "log.jsonl", Upstreams(server.url)) as proxy,
        pytest.raises(httpx.RemoteProtocolError),
    ):
        httpx.post(f"{proxy.url}/v1/messages", content=BODY)


def test_a_provider_that_cannot_be_reached_is_named(tmp_path: Path) -> None:
    """502, in the words of an API's error."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        closed = f"http://127.0.0.1:{taken.getsockname()[1]}"
    with Proxy(tmp_path / "log.jsonl", Upstreams(closed)) as proxy:
        came = httpx.post(f"{proxy.url}/v1/messages", content=BODY)
    assert came.status_code == 502
    assert closed in came.json()["error"]["message"]
    line = json.loads((tmp_path / "log.jsonl").read_text(encoding="utf-8"))
    assert (line["status"], line["complete"]) == (502, True)


def test_a_full_disk_does_not_stop_traffic(tmp_path: Path) -> None:
    """What cannot be written is counted and told once; every request is answered."""
    told: list[str] = []

    def full(line: Line) -> None:
        raise OSError(28, "No space left on device")

    with (
        RawServer(lambda one: one.sendall(answer(b"{}"))) as server,
        Proxy(full, Upstreams(server.url), warned=told.append) as proxy,
    ):
        assert [httpx.post(f"{proxy.url}/v1/messages", content=BODY).status_code for _ in range(3)] == [200, 200, 200]
    assert proxy.lost.exchanges == 3
    assert told == ["[Errno 28] No space left on device"]


def test_no_key_is_written(tmp_path: Path) -> None:
    """Headers are not in the log, and a key in a text is masked."""
    body = BODY.replace(b"?", KEY.encode())
    with (
        RawServer(lambda one: one.sendall(answer(b"{}"))) as server,
        Proxy(tmp_path / "log.jsonl", Upstreams(server.url)) as proxy,
    ):
        httpx.post(
            f"{proxy.url}/v1/messages", content=body, headers={"x-api-key": KEY, "authorization": f"Bearer {KEY}"}
        )
    assert KEY.encode() in server.received[0]
    written = (tmp_path / "log.jsonl").read_text()
    assert KEY not in written
    assert "REDACTED" in written.upper()
    assert (tmp_path / "log.jsonl").stat().st_mode & 0o077 == 0


def test_anthropics_sdk_is_metered(tmp_path: Path) -> None:
    """Whole and streamed replies of the official client, with the usage that the server reported."""
    log = tmp_path / "log.jsonl"
    with MessagesServer() as server, Proxy(log, Upstreams(server.url)) as proxy:
        client = anthropic.Anthropic(api_key="none", base_url=proxy.url)
        said: list[anthropic.types.MessageParam] = [{"role": "user", "content": "How many A12 are left? " * 200}]
        first = client.messages.create(model="claude-opus-5", max_tokens=50, messages=said)
        said += [{"role": "assistant", "content": "Seven."}, {"role": "user", "content": "And B7?"}]
        with client.messages.stream(model="claude-opus-5", max_tokens=50, messages=said) as stream:
            second = stream.get_final_message()
    [seen] = split(load_paths([log]))[0]
    assert [turn.row.usage.output_tokens for turn in seen.turns] == [
        first.usage.output_tokens,
        second.usage.output_tokens,
    ]
    assert [turn.row.usage.input_tokens for turn in seen.turns] == [first.usage.input_tokens, second.usage.input_tokens]
    assert {turn.row.usage.basis for turn in seen.turns} == {"simulated"}


def test_openais_sdk_is_metered(tmp_path: Path) -> None:
    """Chat completions and responses of the official client."""
    log = tmp_path / "log.jsonl"
    with openai_server() as url, Proxy(log, Upstreams(url)) as proxy:
        client = openai.OpenAI(api_key="none", base_url=proxy.variables["OPENAI_BASE_URL"])
        client.chat.completions.create(model="gpt-5.5", messages=[{"role": "user", "content": "Hello"}])
        client.responses.create(model="gpt-5.5", input="Hello")
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert [line["path"] for line in lines] == ["/v1/chat/completions", "/v1/responses"]
    assert all(line["complete"] for line in lines)


def test_a_request_goes_where_it_belongs() -> None:
    """By the endpoint and the headers; a gateway gets all; a /v1 stands in an address once."""
    usual = Upstreams()
    assert usual.url("/v1/messages", ()) == f"{ANTHROPIC}/v1/messages"
    assert usual.url("/v1/models", ((b"anthropic-version", b"2023-06-01"),)) == f"{ANTHROPIC}/v1/models"
    assert usual.url("/v1/responses", ((b"authorization", b"Bearer x"),)) == f"{OPENAI}/v1/responses"
    gateway = Upstreams("https://openrouter.ai/api/v1/")
    assert gateway.url("/v1/chat/completions", ()) == "https://openrouter.ai/api/v1/chat/completions"
    assert Upstreams("http://localhost:11434").url("/api/chat", ()) == "http://localhost:11434/api/chat"


def test_a_taken_port_is_a_clear_error(tmp_path: Path) -> None:
    """The message says what to do."""
    with Proxy(tmp_path / "log.jsonl") as proxy, pytest.raises(ConfigError, match="another --port"):
        Proxy(tmp_path / "log.jsonl", port=int(proxy.url.rpartition(":")[2]))


def test_what_passed_is_in_the_log_after_settling(tmp_path: Path) -> None:
    """Also while the disk is slow: a report that follows a command at once has its last request."""
    lines: list[Line] = []
    gate, settled = threading.Event(), threading.Event()

    def slow(line: Line) -> None:
        gate.wait(30)
        lines.append(line)

    with MessagesServer() as server, Proxy(slow, Upstreams(server.url)) as proxy:
        proxy.settle()
        httpx.post(f"{proxy.url}/v1/messages", content=BODY, headers={"x-api-key": "none"}, timeout=30)

        def settle() -> None:
            proxy.settle(30)
            settled.set()

        waiting = threading.Thread(target=settle)
        waiting.start()
        assert not lines and not settled.is_set()
        gate.set()
        waiting.join()
        assert len(lines) == 1 and settled.is_set()


class LeavingClient:
    """A client of an ASGI application that goes away as soon as it has read ``enough`` bytes of its answer."""

    def __init__(self, enough: int) -> None:
        self._enough, self._asked, self._gone = enough, False, asyncio.Event()

    async def receive(self) -> dict[str, Any]:
        """The request, then that it is gone."""
        if self._asked:
            await self._gone.wait()
            return {"type": "http.disconnect"}
        self._asked = True
        return {"type": "http.request", "body": BODY}

    async def send(self, message: MutableMapping[str, Any]) -> None:
        """Take a piece of the answer."""
        self._enough -= len(message.get("body", b""))
        if self._enough <= 0:
            self._gone.set()
            await asyncio.sleep(0)
            await asyncio.sleep(0)


@pytest.mark.parametrize(("enough", "whole"), [(30, True), (29, False)])
def test_who_has_read_all_may_go(enough: int, whole: bool) -> None:
    """A client that ends with the last byte, as a command's last request does, got the whole answer."""
    told: list[Passed] = []

    def back(one: socket.socket) -> None:
        head, body = answer(b"x" * 30).split(b"\r\n\r\n")
        one.sendall(head + b"\r\n\r\n" + body[:29])
        if whole:
            one.sendall(body[29:])
        else:
            one.recv(1)  # until nobody waits for the rest

    async def passed(url: str) -> None:
        forwarder, client = Forwarder(Upstreams(url), told.append), LeavingClient(enough)
        scope = {"type": "http", "method": "POST", "path": "/v1/messages", "raw_path": b"/v1/messages"}
        await forwarder({**scope, "query_string": b"", "headers": []}, client.receive, client.send)
        await forwarder.aclose()

    with RawServer(back) as server:
        asyncio.run(passed(server.url))
    assert [one.whole for one in told] == [whole]


def test_a_stream_that_said_its_last_is_whole() -> None:
    """Whatever comes after: its client knows that it is the end. The same words within a text are no end."""
    for last in ("event: message_stop\ndata: {}", "data: [DONE]", "event: response.completed\r\ndata: {}"):
        assert has_ended(f"event: x\ndata: 1\n\n{last}\n\n".encode())
    for text in (
        b'data: {"text": "event: message_stop"}\n\n',
        b"event: message_stopped\n",
        b'{"a": "data: [DONE]"}',
        b"",
    ):
        assert not has_ended(text)


def test_many_requests_at_once_share_few_pools() -> None:
    """A pool serves so many at once; one alone always gets the first, whose connections are open already."""

    async def used() -> tuple[int, int]:
        pools = ClientPools()
        with ExitStack() as stack:
            many = [stack.enter_context(pools.one()) for _ in range(3 * EACH)]
        with pools.one() as alone:
            assert alone is many[0]
        await pools.aclose()
        return len(set(map(id, many))), max(many.count(one) for one in many)

    assert asyncio.run(used()) == (3, EACH)
