"""Asks a page server as a client does, with any headers."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPResponse
from typing import Any

from agentmem.ui.server import PageServer

PATIENCE = 60.0


@contextmanager
def answered(
    server: PageServer, path: str, headers: Mapping[str, str] | None = None, method: str = "GET"
) -> Iterator[HTTPResponse]:
    """The answer to one request; the token is sent unless headers are given."""
    connection = HTTPConnection("127.0.0.1", server.port, timeout=PATIENCE)
    try:
        given = {"Authorization": f"Bearer {server.token}"} if headers is None else dict(headers)
        connection.request(method, path, headers=given)
        yield connection.getresponse()
    finally:
        connection.close()


def status(server: PageServer, path: str, headers: Mapping[str, str] | None = None, method: str = "GET") -> int:
    """The status alone."""
    with answered(server, path, headers, method) as answer:
        return answer.status


def value(server: PageServer, path: str) -> Any:
    """The JSON that is answered."""
    with answered(server, path) as answer:
        assert answer.status == 200, answer.read()
        return json.loads(answer.read())


def told(answer: HTTPResponse) -> Iterator[dict[str, Any]]:
    """The objects of a stream of events, as they come."""
    while line := answer.readline():
        if line.startswith(b"data: "):
            yield json.loads(line[6:])
