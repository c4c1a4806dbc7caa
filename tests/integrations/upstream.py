"""A provider on loopback that answers with given bytes, keeps what it received, and can wait or break off."""

import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Self

from agentmem.closing import Closing

Serve = Callable[[socket.socket], None]


@dataclass
class RawServer(Closing):
    """Accepts connections at ``url``; each request is kept as its bytes, and ``serve`` answers on the socket."""

    serve: Serve
    received: list[bytes] = field(default_factory=list)
    url: str = ""

    def __enter__(self) -> Self:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self._threads: list[threading.Thread] = []
        self._open: list[socket.socket] = []
        self._accepting = threading.Thread(target=self._accept)
        self._accepting.start()
        return self

    def close(self) -> None:
        """End all connections."""
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._accepting.join()
        for connection in self._open:
            connection.close()
        for thread in self._threads:
            thread.join()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            self._open.append(connection)
            thread = threading.Thread(target=self._one, args=(connection,))
            self._threads.append(thread)
            thread.start()

    def _one(self, connection: socket.socket) -> None:
        try:
            self.received.append(read_request(connection))
            self.serve(connection)
        except OSError:
            pass  # the other side went away
        finally:
            connection.close()


def read_request(connection: socket.socket) -> bytes:
    """A request's bytes, by its content-length."""
    data = b""
    while b"\r\n\r\n" not in data:
        data += _more(connection)
    head, _, body = data.partition(b"\r\n\r\n")
    names = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:])
    while len(body) < int(names.get(b"content-length", b"0")):
        body += _more(connection)
    return head + b"\r\n\r\n" + body


def _more(connection: socket.socket) -> bytes:
    data = connection.recv(65536)
    if not data:
        raise ConnectionResetError
    return data


def asked(url: str, request: bytes) -> bytes:
    """All bytes that come back for these bytes, until the connection ends."""
    host, _, port = url.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), timeout=20) as connection:
        connection.sendall(request)
        data = b""
        while piece := connection.recv(65536):
            data += piece
        return data
