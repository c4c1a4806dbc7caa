"""agentmem.loopback."""

import asyncio
import urllib.request
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from agentmem.errors import ConfigError
from agentmem.health import Receive, Scope, Send
from agentmem.loopback import LoopbackServer, check_installed, listening


async def hello(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers every request."""
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"hi"})


def test_it_serves_until_it_is_closed() -> None:
    """What is around the application is entered before the first request, and left after the last; on one loop."""
    said: list[object] = []

    @asynccontextmanager
    async def around() -> AsyncIterator[None]:
        said.append(asyncio.get_running_loop())
        yield
        said.append(asyncio.get_running_loop())

    with LoopbackServer(listening(0), hello, "test", around=around) as server:
        assert urllib.request.urlopen(server.url).read() == b"hi"
        assert len(said) == 1
    server.close()
    assert said[0] is said[1]


def test_a_stream_without_end_does_not_hold_it() -> None:
    """It is told that the server closes, and ends itself."""
    ended: list[bool] = []

    async def endless(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"one", "more_body": True})
        await over.wait()
        ended.append(True)

    over = asyncio.Event()
    with LoopbackServer(listening(0), endless, "test", ending=over.set) as server:
        answer = urllib.request.urlopen(server.url)
        assert answer.read(3) == b"one"
        server.close()
        answer.close()
    assert ended == [True]


def test_closing_at_once_is_no_hang() -> None:
    """Before the first request, and before it serves at all."""
    for _ in range(20):
        LoopbackServer(listening(0), hello, "test").close()


def test_a_port_that_is_taken_is_said() -> None:
    """With what to do."""
    with listening(0) as taken, pytest.raises(ConfigError, match="choose another --port"):
        listening(taken.getsockname()[1])


def test_what_is_missing_is_named_with_its_command() -> None:
    """Each package that is not here."""
    check_installed("ui", "the page", "starlette")
    with pytest.raises(ConfigError, match=r"the page needs no_such_package.*pip install .*\[ui\]"):
        check_installed("ui", "the page", "no_such_package")
