"""A stand-in on loopback for OpenAI's API: fixed replies in its shapes, plain, streamed or compressed."""

import gzip
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

USAGE = {
    "prompt_tokens": 40,
    "completion_tokens": 5,
    "total_tokens": 45,
    "prompt_tokens_details": {"cached_tokens": 32},
}
CALL = {"id": "call_1", "type": "function", "function": {"name": "look", "arguments": '{"at": "map"}'}}
COMPLETION: dict[str, Any] = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "created": 1,
    "model": "gpt-5",
    "choices": [
        {
            "index": 0,
            "message": {"role": "assistant", "content": "Looking.", "tool_calls": [CALL]},
            "finish_reason": "tool_calls",
        }
    ],
    "usage": USAGE,
}
RESPONSE: dict[str, Any] = {
    "id": "resp_1",
    "object": "response",
    "created_at": 1,
    "model": "gpt-5",
    "status": "completed",
    "output": [
        {
            "type": "message",
            "id": "msg_1",
            "status": "completed",
            "role": "assistant",
            "content": [{"type": "output_text", "text": "Looking.", "annotations": []}],
        }
    ],
    "parallel_tool_calls": True,
    "tool_choice": "auto",
    "tools": [],
    "usage": {
        "input_tokens": 40,
        "input_tokens_details": {"cached_tokens": 32},
        "output_tokens": 5,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": 45,
    },
}


def _chunks() -> Iterator[Mapping[str, Any]]:
    head = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "gpt-5"}
    function = {"name": "look", "arguments": '{"at": '}
    deltas: list[dict[str, Any]] = [
        {"role": "assistant", "content": "Look"},
        {"content": "ing."},
        {"tool_calls": [{"index": 0, "id": "call_1", "type": "function", "function": function}]},
        {"tool_calls": [{"index": 0, "function": {"arguments": '"map"}'}}]},
    ]
    for delta in deltas:
        yield {**head, "choices": [{"index": 0, "delta": delta, "finish_reason": None}]}
    yield {**head, "choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls"}]}
    yield {**head, "choices": [], "usage": USAGE}


def _events(path: str) -> Iterator[bytes]:
    if path.endswith("/responses"):
        for number, kind in enumerate(("response.created", "response.completed")):
            event = {"type": kind, "sequence_number": number, "response": RESPONSE}
            yield f"event: {kind}\ndata: {json.dumps(event)}\n\n".encode()
    else:
        yield from (f"data: {json.dumps(chunk)}\n\n".encode() for chunk in _chunks())
        yield b"data: [DONE]\n\n"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        if body.get("stream"):
            data, kind = b"".join(_events(self.path)), "text/event-stream"
        else:
            whole = RESPONSE if self.path.endswith("/responses") else COMPLETION
            data, kind = json.dumps(whole).encode(), "application/json"
        packed = gzip.compress(data)
        self.send_response(200)
        for name, value in (("content-type", kind), ("content-encoding", "gzip"), ("content-length", str(len(packed)))):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(packed)

    def log_message(self, *_args: object) -> None:
        """Nothing is logged."""


@contextmanager
def openai_server() -> Iterator[str]:
    """Serves until left; gives the base URL for a client. Every body is compressed, as the real one's are."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
