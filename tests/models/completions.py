"""A stand-in on loopback for an OpenAI-compatible server that streams what a test writes, and can break off."""

import json
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Chunk = dict[str, Any]


def said(text: str) -> Chunk:
    return {"delta": {"role": "assistant", "content": text}, "finish_reason": None}


def called(name: str, arguments: str) -> Chunk:
    call = {"index": 0, "id": "call_1", "type": "function", "function": {"name": name, "arguments": arguments}}
    return {"delta": {"role": "assistant", "content": None, "tool_calls": [call]}, "finish_reason": None}


def ended(reason: str) -> Chunk:
    return {"delta": {}, "finish_reason": reason}


@contextmanager
def completions(*replies: Sequence[Chunk]) -> Iterator[tuple[str, list[Any]]]:
    """A server's base URL, and the bodies that it gets. Each reply is streamed once; the stream ends after it."""
    waiting, bodies = list(replies), list[Any]()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            bodies.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
            self.send_response(200)
            self.send_header("content-type", "text/event-stream")
            self.end_headers()
            for choice in waiting.pop(0):
                base = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "gpt-5.5"}
                whole = {**base, "choices": [{"index": 0, **choice}]}
                self.wfile.write(b"data: " + json.dumps(whole).encode() + b"\n\n")
            self.wfile.write(b"data: [DONE]\n\n")

        def log_message(self, *_args: object) -> None:
            """Nothing is logged."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/v1", bodies
        finally:
            server.shutdown()
            thread.join()
