"""A stand-in on loopback for Bedrock's Converse API, which caches prefixes at cache points as it says it does.

botocore checks a request's shapes itself before it sends it. The server holds the rules beside them: four cache points
at most, none in the content of a result, and none behind results for Nova.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import unquote

from tests.integrations.json_server import json_server

Body = dict[str, Any]
Answer = Callable[[Body], list[Body]]
POINT = "cachePoint"
MOST = 4
BYTES = 4
"""The bytes of a token here."""


class Converse:
    """What arrived (``bodies``), what was refused, and what is cached."""

    def __init__(self, answer: Answer) -> None:
        self.bodies: list[Body] = []
        self.usage: list[dict[str, int]] = []
        self.refused: list[str] = []
        self.url = ""
        self._answer = answer
        self._cached: set[str] = set()

    def reply(self, model: str, body: Body) -> tuple[int, Body]:
        """The status and the response to a request."""
        self.bodies.append(body)
        if reason := _refusal(model, body):
            self.refused.append(reason)
            return 400, {"message": reason}
        content = self._answer(body)
        used = self._used(body, len(json.dumps(content)) // BYTES)
        self.usage.append(used)
        stop = "tool_use" if any("toolUse" in one for one in content) else "end_turn"
        said = {"message": {"role": "assistant", "content": content}}
        return 200, {"output": said, "stopReason": stop, "usage": used, "metrics": {"latencyMs": 1}}

    def _used(self, body: Body, output: int) -> dict[str, int]:
        """What was read is the longest prefix that a cache point of this or an earlier request ended."""
        blocks = frames(body)
        said, read, whole = "", 0, 0
        ends = []
        for one in blocks:
            if POINT in one:
                ends.append(said)
                whole = len(said)
                continue
            said += one
            read = len(said) if said in self._cached else read
        self._cached |= set(ends)
        written = max(0, whole - read)
        plain = len(said) - read - written
        return {
            "inputTokens": plain // BYTES,
            "outputTokens": output,
            "totalTokens": len(said) // BYTES + output,
            "cacheReadInputTokens": read // BYTES,
            "cacheWriteInputTokens": written // BYTES,
        }


def frames(body: Body) -> list[str]:
    """The blocks of a request in the order in which Bedrock caches them: tools, system, messages."""
    tools = [json.dumps(one) for one in (body.get("toolConfig") or {}).get("tools") or ()]
    system = [json.dumps(one) for one in body.get("system") or ()]
    return [*tools, *system, *(json.dumps(one) for message in body["messages"] for one in message["content"])]


def points(body: Body) -> int:
    """The number of cache points in a request."""
    return sum(POINT in one for one in frames(body))


def _refusal(model: str, body: Body) -> str | None:
    if points(body) > MOST:
        return f"{points(body)} cache points"
    blocks = [one for message in body["messages"] for one in message["content"]]
    if any(POINT in json.dumps(one["toolResult"]) for one in blocks if "toolResult" in one):
        return "a cache point in a result"
    behind = any(
        POINT in one and any("toolResult" in each or "toolUse" in each for each in message["content"])
        for message in body["messages"]
        for one in message["content"]
    )
    return "a cache point beside a tool's block" if behind and "nova" in model else None


@contextmanager
def converse_server(answer: Answer) -> Iterator[Converse]:
    """Serves until left; ``answer`` gives the blocks of each reply. No request may have been refused."""
    served = Converse(answer)

    def reply(path: str, body: Body) -> tuple[int, Any]:
        """Of ``/model/NAME/converse``."""
        return served.reply(unquote(path.split("/")[2]), body)

    with json_server(reply, refusing={"x-amzn-errortype": "ValidationException"}) as served.url:
        yield served
        assert served.refused == []
