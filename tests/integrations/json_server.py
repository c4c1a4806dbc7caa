"""A server on loopback that answers each POST with JSON: what the stand-ins for providers have in common."""

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Reply = Callable[[str, Any], tuple[int, Any]]
"""Gives status and body for the path and the body of a request."""
NONE: Mapping[str, str] = {}


@contextmanager
def json_server(reply: Reply, *, refusing: Mapping[str, str] = NONE) -> Iterator[str]:
    """Serves until left; gives the address. ``refusing`` are headers beside a status other than 200."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(reply, refusing))
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _handler(reply: Reply, refusing: Mapping[str, str]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        """Answers every POST."""

        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            status, answer = reply(self.path, json.loads(self.rfile.read(int(self.headers["content-length"]))))
            data = json.dumps(answer).encode()
            self.send_response(status)
            headers = {"content-type": "application/json", "content-length": str(len(data))}
            for name, value in {**headers, **(refusing if status != 200 else {})}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_args: object) -> None:
            """Nothing is logged."""

    return Handler
