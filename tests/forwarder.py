"""A loopback address in front of a Postgres server, whose link can be cut: refused, or silent as a pulled cable."""

import select
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from urllib.parse import parse_qs, quote, urlsplit


def through(server: str, host: str, port: int) -> str:
    """The server's URL, with this address in place of its socket file."""
    parts = urlsplit(server)
    rest = "&".join(f"{name}={quote(values[0])}" for name, values in parse_qs(parts.query).items() if name != "host")
    return f"postgresql://postgres@{host}:{port}{parts.path}?{rest}"


class Forwarder:
    """Forwards a port of 127.0.0.1 to the server's socket file. ``url`` leads through it."""

    def __init__(self, server: str) -> None:
        self._target = f"{parse_qs(urlsplit(server).query)['host'][0]}/.s.PGSQL.5432"
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = through(server, "127.0.0.1", self._listener.getsockname()[1])
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        self._closed = self._silent = self._refusing = False
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        """Break all connections, and refuse new ones."""
        self._refusing = True
        self._break()

    def silence(self) -> None:
        """Pass nothing on any more, and say nothing about it."""
        self._silent = True

    def mend(self) -> None:
        """The link is back. What was silent before is broken."""
        if self._silent:
            self._break()
        self._silent = self._refusing = False

    @contextmanager
    def away(self, seconds: float) -> Iterator[None]:
        """The link is cut, and mended after so many seconds, while the work inside waits for it."""
        self.cut()
        mending = threading.Timer(seconds, self.mend)
        mending.start()
        try:
            yield
        finally:
            mending.join()

    def close(self) -> None:
        """End it."""
        self._closed = True
        self._listener.close()
        self._break()

    def _break(self) -> None:
        pairs, self._pairs = self._pairs, []
        for one in (side for pair in pairs for side in pair):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def _accept(self) -> None:
        while not self._closed:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            if self._refusing:
                client.close()
                continue
            server = socket.socket(socket.AF_UNIX)
            server.connect(self._target)
            self._pairs.append((client, server))
            threading.Thread(target=self._pass_on, args=(client, server), daemon=True).start()

    def _pass_on(self, client: socket.socket, server: socket.socket) -> None:
        other = {client: server, server: client}
        with suppress(OSError, ValueError):
            while True:
                for side in select.select(list(other), [], [], 0.1)[0]:
                    if self._silent:
                        select.select([], [], [], 0.1)
                        continue
                    data = side.recv(65536)
                    if not data:
                        raise OSError
                    other[side].sendall(data)
        for side in other:
            with suppress(OSError):
                side.shutdown(socket.SHUT_RDWR)
            side.close()
