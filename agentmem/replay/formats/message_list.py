"""Trajectories as lists of messages in the form of OpenAI's Chat Completions: tau-bench's results, and files like them.

They have neither times nor usage: requests are taken to be PACE seconds apart.
"""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from agentmem.kvcache.frames import frame
from agentmem.replay.lines import document, lines, parsed
from agentmem.replay.session import Exchange, Session, Skipped
from agentmem.replay.source import Source, Spool
from agentmem.types import Frame

PACE = 10.0
"""Seconds between requests, where none are recorded."""

_LISTS = ("traj", "messages")


class MessageList:
    """Reads a JSON document that is a list of trajectories, or a file with one trajectory a line."""

    name = "message-list"

    def accepts(self, first: Any) -> bool:
        """A list of trajectories, a trajectory, or a list of messages with roles."""
        if isinstance(first, list) and first:
            return self.accepts(first[0]) or _is_message(first[0])
        return isinstance(first, dict) and any(_is_messages(first.get(key)) for key in _LISTS)

    def sources(self, path: Path, spool: Spool) -> Iterator[Source | Skipped]:
        """One source for each trajectory."""
        for number, value in self._trajectories(path):
            if isinstance(value, Skipped):
                yield value
                continue
            messages = value if isinstance(value, list) else next((value[key] for key in _LISTS if key in value), None)
            if not _is_messages(messages):
                yield Skipped(str(path), number, "a list of messages with roles was expected")
                continue
            name = str(value.get("task_id", number)) if isinstance(value, dict) else str(number)
            data = json.dumps({"messages": messages}).encode()
            yield spool.source(self.name, path, number, data, f"{path.name.partition('.')[0]}/{name}")

    def sessions(self, source: Source) -> Iterator[Session | Skipped]:
        """The session of one trajectory."""
        value = parsed(source.data())
        try:
            if isinstance(value, dict):
                head, exchanges = _exchanges(value["messages"])
                if exchanges:
                    yield Session(source.name, source.path, tuple(exchanges), head=head)
        except (KeyError, TypeError, ValueError) as error:
            yield Skipped(source.path, source.line, f"a message lacks what it should have: {error!r}")

    def _trajectories(self, path: Path) -> Iterator[tuple[int, Any]]:
        if ".jsonl" in path.suffixes:
            for line in lines(path):
                yield (line.line, line) if isinstance(line, Skipped) else (line.number, line.value)
            return
        try:
            value = document(path)
        except ValueError as error:
            yield 1, Skipped(str(path), 1, f"no JSON: {error}")
            return
        whole = isinstance(value, dict) or _is_messages(value)
        yield from enumerate([value] if whole else value, start=1)


def _is_message(value: Any) -> bool:
    return isinstance(value, dict) and value.get("role") in ("system", "developer", "user", "assistant", "tool")


def _is_messages(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and _is_message(value[0])


def _exchanges(messages: Sequence[dict[str, Any]]) -> tuple[tuple[Frame, ...], list[Exchange]]:
    head: list[Frame] = []
    arrived: list[Frame] = []
    exchanges: list[Exchange] = []
    for message in messages:
        if message["role"] in ("system", "developer"):
            head.append(frame("system", {"type": "text", "text": _text(message["content"])}))
        elif message["role"] == "assistant":
            at = PACE * len(exchanges)
            exchanges.append(Exchange(at, at, str(message.get("model", "")), tuple(arrived), tuple(_reply(message))))
            arrived = []
        else:
            arrived.append(_input(message))
    return tuple(head), exchanges


def _input(message: dict[str, Any]) -> Frame:
    text = _text(message["content"])
    if message["role"] == "tool":
        identity = str(message.get("tool_call_id") or message.get("name") or "")
        return frame("message", {"type": "tool_result", "tool_use_id": identity, "content": text}, "user")
    return frame("message", {"type": "text", "text": text}, "user")


def _reply(message: dict[str, Any]) -> Iterator[Frame]:
    text = _text(message.get("content"))
    if text:
        yield frame("message", {"type": "text", "text": text}, "assistant")
    for call in message.get("tool_calls") or ():
        function = call["function"]
        value = {"type": "tool_use", "id": call.get("id", ""), "name": function["name"]}
        yield frame("message", {**value, "input": _arguments(function["arguments"])}, "assistant")


def _arguments(text: Any) -> Any:
    """A call's arguments as an object; as they are where they are none."""
    try:
        value = json.loads(text)
    except (TypeError, ValueError):
        return {"arguments": text}
    return value if isinstance(value, dict) else {"arguments": value}


def _text(content: Any) -> str:
    if content is None or isinstance(content, str):
        return content or ""
    return "\n".join(str(part.get("text", "")) for part in content)
