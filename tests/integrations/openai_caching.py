"""A stand-in on loopback for OpenAI's models from 5.6: they cache at explicit breakpoints and at the request's end."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from tests.integrations.json_server import json_server

Body = dict[str, Any]
Call = dict[str, Any]
Answer = Callable[[str], tuple[str, list[Call]]]
"""Gives text and calls for the last text of a request."""
MARK, MOST, BYTES = "prompt_cache_breakpoint", 4, 4
"""The key of a mark, the marks that a request writes at most with the one at its end, and the bytes of a token here."""


class Caching:
    """What arrived, what each request used, and what is cached for each key."""

    def __init__(self, answer: Answer) -> None:
        self.bodies: list[Body] = []
        self.usage: list[tuple[int, int]] = []
        self.refused: list[str] = []
        self.url = ""
        self._answer = answer
        self._cached: set[tuple[str | None, str]] = set()

    def reply(self, path: str, body: Body) -> tuple[int, Body]:
        """The status and the response to a request."""
        self.bodies.append(body)
        if marks(body) > MOST - 1:
            self.refused.append(f"{marks(body)} breakpoints and one at the end")
            return 400, {"error": {"message": self.refused[-1], "type": "invalid_request_error"}}
        text, calls = self._answer(_last(body))
        read, whole = self._used(body)
        self.usage.append((read, whole))
        made = _response if path.endswith("/responses") else _completion
        return 200, {**made(text, calls, read, whole), "id": f"answer-{len(self.bodies)}"}

    def _used(self, body: Body) -> tuple[int, int]:
        said, read, ends = "", 0, []
        key = body.get("prompt_cache_key")
        for one in blocks(body):
            said += json.dumps({name: value for name, value in one.items() if name != MARK})
            read = len(said) if (key, said) in self._cached else read
            ends += [said] if MARK in one else []
        self._cached |= {(key, end) for end in (*ends, said)}
        return read // BYTES, len(said) // BYTES


def blocks(body: Body) -> list[Body]:
    """A request's blocks in the provider's order: tools, then what was said."""
    made: list[Body] = list(body.get("tools") or ())
    for message in body.get("messages") or body["input"]:
        content = message.get("content") or message.get("output") or ""
        rest = {name: value for name, value in message.items() if name not in ("content", "output")}
        parts = [{"text": content}] if isinstance(content, str) else content
        made += [rest, *parts]
    return made


def marks(body: Body) -> int:
    """The number of explicit breakpoints in a request."""
    return sum(MARK in one for one in blocks(body))


def _last(body: Body) -> str:
    return str(blocks(body)[-1].get("text", ""))


def _completion(text: str, calls: list[Call], read: int, whole: int) -> Body:
    made = [
        {"id": one["id"], "type": "function", "function": {"name": one["name"], "arguments": json.dumps(one["args"])}}
        for one in calls
    ]
    message = {"role": "assistant", "content": text, **({"tool_calls": made} if made else {})}
    return {
        "object": "chat.completion",
        "created": 1,
        "model": "gpt-5.6",
        "choices": [{"index": 0, "message": message, "finish_reason": "tool_calls" if made else "stop"}],
        "usage": {
            "prompt_tokens": whole,
            "completion_tokens": 20,
            "total_tokens": whole + 20,
            "prompt_tokens_details": {"cached_tokens": read},
        },
    }


def _response(text: str, calls: list[Call], read: int, whole: int) -> Body:
    said = {"type": "output_text", "text": text, "annotations": []}
    message = {"type": "message", "id": f"msg_{whole}", "status": "completed", "role": "assistant", "content": [said]}
    made = [
        {
            "type": "function_call",
            "id": f"fc_{one['id']}",
            "call_id": one["id"],
            "name": one["name"],
            "arguments": json.dumps(one["args"]),
        }
        for one in calls
    ]
    return {
        "object": "response",
        "created_at": 1,
        "model": "gpt-5.6",
        "status": "completed",
        "output": [message, *made],
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
        "usage": {
            "input_tokens": whole,
            "input_tokens_details": {"cached_tokens": read},
            "output_tokens": 20,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": whole + 20,
        },
    }


@contextmanager
def caching_server(answer: Answer) -> Iterator[Caching]:
    """Serves until left. No request may have been refused."""
    served = Caching(answer)
    with json_server(served.reply) as address:
        served.url = f"{address}/v1"
        yield served
        assert served.refused == []
