"""Trajectories as lists of messages, in the form of OpenAI's APIs or of Anthropic's: tau-bench's results, SWE-agent's
histories, and files like them.

Mostly they have neither times nor usage: requests are then taken to be PACE seconds apart.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from agentmem.kvcache.frames import frame
from agentmem.kvcache.reported import read_usage
from agentmem.replay.formats.contents import PACE, arguments, moment_of, sent, usage_or_odd, worded
from agentmem.replay.session import Exchange, RecordedCut, RecordedSession, SkippedLine
from agentmem.replay.source import LogLine, RecordingSource, Spool, parsed, values
from agentmem.types import Frame, Usage

_LISTS = ("traj", "messages", "history")
_ROLES = frozenset({"system", "developer", "user", "assistant", "tool", "function"})
_ITEMS = frozenset({"function_call", "function_call_output"})
_REPLIED = frozenset({"content", "tool_calls", "function_call", "call_id", "usage"})
"""What a reply has at least one of, empty or not."""
_NAMES = ("task_id", "instance_id", "session_id", "id")
_BEFORE = ("system", "tools", "model")
"""What may stand beside a list and belongs to every request."""


class MessageList:
    """Reads a JSON document that is a trajectory or a list of them, or a file with one trajectory or message a line."""

    name = "message-list"

    def accepts(self, first: Any) -> bool:
        """A list of trajectories, a trajectory, or a list of messages with roles, or one of them."""
        if isinstance(first, list):
            return bool(first) and self.accepts(first[0])
        return _is_message(first) or _listed(first) is not None

    def sources(self, path: Path, spool: Spool) -> Iterator[RecordingSource | SkippedLine]:
        """One source for each trajectory."""
        stem = path.name.partition(".")[0]
        for number, value in enumerate(_trajectories(path), start=1):
            if isinstance(value, SkippedLine):
                yield value
                continue
            line, made = value
            if made is None:
                yield SkippedLine(str(path), line, "a list of messages with roles was expected")
                continue
            name = next((str(made[key]) for key in _NAMES if isinstance(made.get(key), str | int)), str(number))
            yield spool.source(self.name, path, line, json.dumps(made).encode(), f"{stem}/{name}")

    def sessions(self, source: RecordingSource) -> Iterator[RecordedSession | SkippedLine]:
        """The session of one trajectory, and the messages that are none."""
        value = parsed(source.data())
        reading = _Reading(str(value.get("model") or ""))
        for system in sent(value.get("system")):
            reading.system.append(frame("system", system))
        reading.tools += [frame("tool", tool) for tool in value.get("tools") or () if isinstance(tool, dict)]
        for number, message in enumerate(value["messages"], start=1):
            try:
                reading.add(message)
            except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
                reason = f"message {number} of {source.name} lacks what it should have: {error!r}"
                yield SkippedLine(source.path, source.line, reason)
        told = (f"{source.name}: {one}" for one in reading.odd)
        yield from (SkippedLine(source.path, source.line, one) for one in told)
        if reading.exchanges:
            yield reading.session(source)
        else:
            yield SkippedLine(source.path, source.line, f"{source.name}: no request in it, for nobody replied")


def _trajectories(path: Path) -> Iterator[tuple[int, dict[str, Any] | None] | SkippedLine]:
    """Each trajectory of a file and its line; None where there should be one."""
    loose: list[Any] = []
    at = 0
    for one in values(path):
        if isinstance(one, SkippedLine):
            yield one
        elif _is_message(one.value):
            at = at or one.number
            loose.append(one.value)
        else:
            yield from _of(one)
    if loose:
        yield at, {"messages": loose}


def _of(one: LogLine) -> Iterator[tuple[int, dict[str, Any] | None]]:
    whole = isinstance(one.value, list) and not _is_messages(one.value)
    for at, value in enumerate(one.value if whole else [one.value]):
        listed = _listed(value)
        about = value if isinstance(value, dict) else {}
        kept = {key: about[key] for key in (*_BEFORE, *_NAMES) if key in about}
        yield one.number + at * whole, None if listed is None else {**kept, "messages": listed}


def _listed(value: Any) -> list[Any] | None:
    """The messages of a trajectory."""
    if _is_messages(value):
        return list(value)
    found = (value.get(key) for key in _LISTS) if isinstance(value, dict) else ()
    return next((one for one in found if _is_messages(one)), None)


def _is_message(value: Any) -> bool:
    if not isinstance(value, dict):
        return False
    role, kind = value.get("role"), value.get("type")
    spoken = isinstance(role, str) and role in _ROLES and not {"parts", "sessionID"} & value.keys()
    return spoken or (isinstance(kind, str) and kind in _ITEMS and "call_id" in value)


def _is_messages(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and _is_message(value[0])


class _Reading:
    """One trajectory while it is read."""

    def __init__(self, model: str) -> None:
        self.tools: list[Frame] = []
        self.system: list[Frame] = []
        self.exchanges: list[Exchange] = []
        self.odd: list[str] = []
        self._model, self._clock = model, -PACE
        self._arrived: list[Frame] = []

    def add(self, message: Any) -> None:
        """Take the next message, or item of a response."""
        role = message.get("role") or message["type"]
        if role in ("system", "developer"):
            self.system += [frame("system", block) for block in sent(message.get("content"))]
        elif role == "function_call" and self.exchanges and not self._arrived:
            last = self.exchanges.pop()
            call = frame("message", _called(message, message["call_id"]), "assistant")
            self.exchanges.append(Exchange(last.at, last.at, last.model, last.arrived, (*last.reply, call), last.usage))
        elif role in ("assistant", "function_call"):
            self._reply(message)
        else:
            made = RESULTS.get(role)
            blocks = [made(message)] if made else sent(worded(message.get("content")))
            self._arrived += [frame("message", block, "user") for block in blocks]

    def session(self, source: RecordingSource) -> RecordedSession:
        """All of it. What was never said of tools and system, the first usage tells, where there is one."""
        head = (*self.tools, *self.system)
        known = bool(head) or self.exchanges[0].usage is None
        return RecordedSession(source.name, source.path, tuple(self.exchanges), head=head if known else None)

    def _reply(self, message: dict[str, Any]) -> None:
        found = moment_of(message.get("timestamp") or message.get("created_at"))
        at = self._clock = self._clock + PACE if found is None else found
        if not _REPLIED & message.keys():
            raise KeyError("content")
        reply = tuple(frame("message", block, "assistant") for block in said(message))
        model, usage = str(message.get("model") or self._model), usage_or_odd(_usage, message.get("usage"), self.odd)
        identity = str(message.get("id") or "")
        self.exchanges.append(Exchange(at, at, model, tuple(self._arrived), reply, usage, identity=identity))
        self._arrived = []


def said(message: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The blocks of a reply, its calls last."""
    if message.get("type") == "function_call":
        yield _called(message, message["call_id"])
    yield from sent(worded(message.get("content")))
    for call in message.get("tool_calls") or ():
        yield _called(call["function"], call.get("id"))
    if message.get("function_call"):
        yield _called(message["function_call"], message["function_call"].get("name"))


def _called(function: Mapping[str, Any], identity: Any) -> dict[str, Any]:
    made = {"type": "tool_use", "id": str(identity or ""), "name": str(function["name"])}
    return {**made, "input": arguments(function.get("arguments"))}


def _result(identity: Any, content: Any) -> dict[str, Any]:
    return {
        "type": "tool_result",
        "tool_use_id": str(identity or ""),
        "content": content if isinstance(content, str) else list(sent(content)),
    }


RESULTS: Mapping[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "tool": lambda message: _result(message.get("tool_call_id") or message.get("name"), message.get("content")),
    "function": lambda message: _result(message.get("name"), message.get("content")),
    "function_call_output": lambda message: _result(message["call_id"], message.get("output")),
}


def _usage(value: Any) -> Usage | None:
    if not isinstance(value, dict) or not value:
        return None
    return read_usage(value)


@dataclass(slots=True)
class Growth:
    """One conversation as it grows. ``live`` is the last request and its reply; ``seen`` all frames ever sent."""

    exchanges: list[Exchange] = field(default_factory=list)
    sent: tuple[Frame, ...] = ()
    live: tuple[Frame, ...] = ()
    seen: set[Frame] = field(default_factory=set)

    def add(self, frames: Sequence[Frame], exchange: Exchange, *, declared: bool = False) -> None:
        """Take the next request, of the message ``frames``; ``exchange`` holds all else that is known of it.

        A client that sends a reply back in its own words only extends what was there: its words then stand for the
        reply.
        """
        frames = tuple(frames)
        self._echoed(frames)
        if frames[: len(self.live)] == self.live:
            arrived, cut = frames[len(self.live) :], None
        else:
            arrived = tuple(one for one in frames if one.role == "user" and one not in self.seen)
            cut = RecordedCut("edit", frames, declared=declared)
        self.exchanges.append(replace(exchange, arrived=arrived, cut=cut))
        self.sent, self.live = frames, (*frames, *exchange.reply)
        self.seen.update(frames)

    def common(self, frames: Sequence[Frame]) -> int:
        """How many frames a request shares with the last one of this conversation."""
        pairs = enumerate(zip(self.live, frames, strict=False))
        return next((at for at, (one, other) in pairs if one != other), min(len(self.live), len(frames)))

    def _echoed(self, frames: tuple[Frame, ...]) -> None:
        if not self.exchanges or frames[: len(self.sent)] != self.sent or frames[: len(self.live)] == self.live:
            return
        rest = frames[len(self.sent) :]
        echoed = next((at for at, one in enumerate(rest) if one.role != "assistant"), len(rest))
        self.exchanges[-1] = replace(self.exchanges[-1], reply=rest[:echoed])
        self.live = (*self.sent, *rest[:echoed])
