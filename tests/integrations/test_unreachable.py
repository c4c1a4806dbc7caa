"""agentmem.integrations.unreachable: each way of not reaching a provider, by real connections where that takes none."""

import json
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from agentmem.integrations.forwarding import Upstreams
from agentmem.integrations.proxy import Proxy
from agentmem.integrations.unreachable import unreachable
from tests.integrations.upstream import RawServer


@pytest.fixture
def closed() -> Iterator[str]:
    """An address on loopback at which nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
    yield address


def refused(upstream: str, folder: Path) -> str:
    """What a client reads that asks by way of the proxy."""
    with Proxy(folder / "log.jsonl", Upstreams(upstream)) as proxy:
        came = httpx.post(f"{proxy.url}/v1/messages", content=json.dumps({"model": "m", "messages": []}))
    assert came.status_code == 502
    told: str = came.json()["error"]["message"]
    assert told.startswith(f"agentmem could not reach {upstream}: ")
    return told


def test_a_closed_port_says_to_start_the_server(closed: str, tmp_path: Path) -> None:
    """Or to mend the address, and where that comes from."""
    told = refused(f"http://{closed}", tmp_path)
    assert "nothing listens" in told and "Start the server" in told and "--upstream" in told


def test_a_name_that_nobody_has_says_to_check_it(tmp_path: Path) -> None:
    """The name without the port; `.invalid` is kept free for this (RFC 2606)."""
    told = refused("http://no-such-host.invalid:1234", tmp_path)
    assert "no machine of the name no-such-host.invalid is known" in told and "Check the spelling" in told


def test_a_server_without_encryption_says_which_address_to_give(tmp_path: Path) -> None:
    """https:// to a server that speaks plain HTTP."""

    def answer() -> None:
        connection, _ = plain.accept()
        with connection:
            connection.recv(65536)
            connection.sendall(b"HTTP/1.1 400 no\r\ncontent-length: 0\r\n\r\n")

    with socket.create_server(("127.0.0.1", 0)) as plain:
        answering = threading.Thread(target=answer)
        answering.start()
        told = refused(f"https://127.0.0.1:{plain.getsockname()[1]}", tmp_path)
        answering.join()
    assert "http:// in place of https://" in told


def test_a_server_that_hangs_up_says_so(tmp_path: Path) -> None:
    """The connection came about, and no answer."""
    with RawServer(lambda one: None) as server:
        told = refused(server.url, tmp_path)
    assert "without an answer" in told and "again" in told


@pytest.mark.parametrize(
    ("error", "said", "advice"),
    [
        (httpx.ConnectTimeout(""), "within 30 seconds", "HTTPS_PROXY"),
        (ssl.SSLCertVerificationError("self-signed certificate"), "self-signed certificate", "SSL_CERT_FILE"),
        (httpx.InvalidURL("Invalid port: 'x'"), "no address", "--upstream"),
        (httpx.ConnectError("All attempts failed"), "All attempts failed", ""),
        (OSError(), "OSError", ""),
    ],
)
def test_other_errors_are_told_with_what_helps(error: Exception, said: str, advice: str) -> None:
    """One that nobody knows is told as it is."""
    told = unreachable("https://gateway.example", error, 30.0)
    assert said in told and advice in told and told.startswith("agentmem could not reach https://gateway.example: ")


def test_the_cause_behind_an_error_tells() -> None:
    """HTTP libraries wrap what the system said, also in groups."""
    wrapped = httpx.ConnectError("All connection attempts failed")
    wrapped.__cause__ = ExceptionGroup("several", [OSError("no route"), ConnectionRefusedError("refused")])
    assert "nothing listens" in unreachable("http://x", wrapped, 30.0)
