"""A loopback server before another one, which answers the first requests with an error: an outage that passes."""

import http.client
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Outage:
    """``left`` requests are still answered with ``status``; ``met`` counts those that were."""

    def __init__(self, target: str, status: int, left: int) -> None:
        self.target, self.status, self.left, self.met = target.removeprefix("http://"), status, left, 0
        self._lock = threading.Lock()

    def meets(self) -> bool:
        """True if the request at hand is one of those."""
        with self._lock:
            hit = self.left > 0
            self.left -= hit
            self.met += hit
            return hit


class FaultyServer(ThreadingHTTPServer):
    """The server before the other one."""

    daemon_threads = True

    def __init__(self, outage: Outage) -> None:
        super().__init__(("127.0.0.1", 0), FaultyHandler)
        self.outage = outage


class FaultyHandler(BaseHTTPRequestHandler):
    """One request: an error, or the other server's answer."""

    protocol_version = "HTTP/1.1"
    server: FaultyServer

    def pass_on(self) -> None:
        outage, body = self.server.outage, self._body()
        if outage.meets():
            self._answer(outage.status, {}, b"<Error><Code>SlowDown</Code></Error>")
            return
        connection = http.client.HTTPConnection(outage.target, timeout=30)
        connection.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
        for name, value in self.headers.items():
            if name.lower() != "expect":
                connection.putheader(name, value)
        connection.endheaders(body or None)
        got = connection.getresponse()
        data = got.read()
        kept = {name: value for name, value in got.getheaders() if name.lower() not in _OWN}
        self._answer(got.status, kept, data, got.getheader("Content-Length") if self.command == "HEAD" else None)
        connection.close()

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = pass_on

    def _body(self) -> bytes:
        """The body as it came, in its chunks where it came in chunks."""
        if self.headers.get("Transfer-Encoding", "") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        made = b""
        while line := self.rfile.readline():
            size = int(line.split(b";")[0], 16)
            made += line + self.rfile.read(size + 2)
            if not size:
                break
        return made

    def _answer(self, status: int, headers: dict[str, str], data: bytes, length: str | None = None) -> None:
        self.send_response_only(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", length or str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:
        """Silent."""


@contextmanager
def faulty(outage: Outage) -> Iterator[str]:
    """The address of a server that has the outage and then passes everything on."""
    server = FaultyServer(outage)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


_OWN = {"content-length", "transfer-encoding", "connection"}
