"""Events of OpenHands: of its server ({"source", "action" or "observation"}), and of its SDK ({"source", "kind"}).

A trajectory is a list of events, a line an event, an object with the list as its "history", or a folder "events" with a
file for each. Actions of one model response are one request; usage is what the response says. The system prompt is an
event; tools are not recorded.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from agentmem.kvcache.frames import frame
from agentmem.kvcache.reported import read_usage
from agentmem.replay.formats.contents import arguments, sent
from agentmem.replay.formats.telling import Telling
from agentmem.replay.session import RecordedSession, SkippedLine
from agentmem.replay.source import RecordingSource, Spool, lines

Value = Mapping[str, Any]
_EVENTS = "events"
_BARE = frozenset({"system", "null", "agent_state_changed", "change_agent_state", "recall", "condensation"})
"""What is no part of the conversation, or is read in another way."""


class OpenHands:
    """Reads a trajectory."""

    name = "openhands"

    def accepts(self, first: Any) -> bool:
        """An event has a source and says what was done, seen or said; a trajectory has a history of them."""
        if not isinstance(first, dict):
            return False
        history = first.get("history")
        return _is_event(first) or (isinstance(history, list) and bool(history) and _is_event(history[0]))

    def sources(self, path: Path, spool: Spool) -> Iterator[RecordingSource | SkippedLine]:
        """The file itself; a folder of events once, at its last one."""
        if path.parent.name != _EVENTS:
            yield RecordingSource(self.name, str(path), 0, str(path), name=path.name.partition(".")[0])
        elif path == _files(path.parent)[-1]:
            yield RecordingSource(self.name, str(path.parent), 0, str(path.parent), name=path.parent.parent.name)

    def sessions(self, source: RecordingSource) -> Iterator[RecordedSession | SkippedLine]:
        """Each trajectory; events that cannot be read are named."""
        place = Path(source.file)
        loose = _Reading()
        for file in _files(place) if place.is_dir() else [place]:
            for line in lines(file):
                if isinstance(line, SkippedLine):
                    yield line
                elif isinstance(line.value.get("history"), list):
                    whole = _Reading()
                    yield from whole.take(line.value["history"], source.path, line.number)
                    yield from whole.ended(str(line.value.get("instance_id") or source.name), source.path)
                else:
                    yield from loose.take([line.value], source.path, line.number)
        if loose.seen:
            yield from loose.ended(source.name, source.path)


def _is_event(value: Any) -> bool:
    return (
        isinstance(value, dict) and "source" in value and any(key in value for key in ("action", "observation", "kind"))
    )


def _files(folder: Path) -> list[Path]:
    """The files of events, in the order of their numbers."""
    return sorted(folder.glob("*.json"), key=lambda one: (len(one.stem), one.stem))


class _Reading:
    """A trajectory while it is read. ``response`` is the reply that its last actions are of."""

    def __init__(self) -> None:
        self.telling, self.response, self.seen = Telling(), "", 0
        self._usage: Value | None = None
        self._at: Any = None

    def take(self, events: Iterable[Any], path: str, line: int) -> Iterator[SkippedLine]:
        """Take events; gives those that cannot be read."""
        for event in events:
            self.seen += 1
            try:
                (self._new if "kind" in event else self._old)(event)
            except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
                yield SkippedLine(path, line, f"an event lacks what it should have: {error!r}")
            yield from self.telling.named(path, line)

    def ended(self, name: str, path: str) -> Iterator[RecordedSession | SkippedLine]:
        """All of it."""
        self._close()
        yield from self.telling.named(path, 0)
        session = self.telling.session(name, path, "unknown")
        yield session or SkippedLine(path, 0, f"{name}: no request in it, for nobody replied")

    def _old(self, event: Value) -> None:
        """An event of the server's."""
        kind, at = str(event.get("action") or event.get("observation")), event.get("timestamp")
        called = event.get("tool_call_metadata") or {}
        given = event.get("args") or {}
        if kind == "system":
            self.telling.system += [frame("system", block) for block in sent(given.get("content"))]
        if kind in _BARE:
            return
        if "observation" in event:
            self._result(called.get("tool_call_id"), event.get("content"), at)
        elif event.get("source") == "user":
            self._heard(given.get("content") or event.get("message"), at)
        else:
            said = [given.get("thought") or given.get("content") or event.get("message")]
            call = [_call(called.get("tool_call_id"), called.get("function_name") or kind, given)] if called else []
            self._replied([*said, *call], called.get("model_response") or {}, str(event.get("id")), at)

    def _new(self, event: Value) -> None:
        """An event of the SDK's."""
        handle, at = _KINDS.get(str(event.get("kind"))), event.get("timestamp")
        if handle:
            handle(self, event, at)

    def prompt(self, event: Value, at: Any) -> None:
        """The system prompt."""
        said = event.get("system_prompt") or {}
        self.telling.system += [frame("system", block) for block in sent([said])]

    def message(self, event: Value, at: Any) -> None:
        """What a person or the agent says."""
        told = event.get("llm_message") or {}
        if told.get("role") == "assistant":
            self._replied(told.get("content"), {"id": event.get("llm_response_id")}, str(event.get("id")), at)
        else:
            self._heard(told.get("content"), at)

    def action(self, event: Value, at: Any) -> None:
        """A call, with the thought behind it."""
        called = event.get("tool_call") or {}
        given = called.get("arguments") or (called.get("function") or {}).get("arguments")
        call = _call(event.get("tool_call_id"), event.get("tool_name"), arguments(given))
        self._replied(
            [*(event.get("thought") or ()), call], {"id": event.get("llm_response_id")}, str(event.get("id")), at
        )

    def observation(self, event: Value, at: Any) -> None:
        """A call's result, or why there is none."""
        seen = event.get("observation")
        said = (
            seen.get("content", seen)
            if isinstance(seen, Mapping)
            else event.get("error") or event.get("rejection_reason")
        )
        self._result(event.get("tool_call_id"), said, at)

    def condensed(self, event: Value, at: Any) -> None:
        """A summary stands for what was forgotten."""
        if event.get("summary"):
            self._close()
            self.telling.cut("compaction", [("user", event["summary"])])

    def _heard(self, content: Any, at: Any) -> None:
        self._close()
        self.telling.heard(content, at)

    def _result(self, identity: Any, content: Any, at: Any) -> None:
        if identity is None:
            self._heard(content if isinstance(content, str) else json.dumps(content), at)
            return
        said = content if isinstance(content, str | list) else json.dumps(content)
        self.telling.heard([{"type": "tool_result", "tool_use_id": str(identity), "content": said}], at)

    def _replied(self, content: Any, response: Value, event: str, at: Any) -> None:
        identity = str(response.get("id") or event)
        if identity != self.response:
            self._close()
        self.response, self._usage, self._at = identity, response.get("usage"), at
        self.telling.model = str(response.get("model") or self.telling.model)
        self.telling.replied(content)

    def _close(self) -> None:
        if self.response:
            usage = self.telling.used(read_usage, self._usage) if self._usage else None
            self.telling.metered(usage, self._at, identity=self.response)
        self.response, self._usage = "", None


def _call(identity: Any, name: Any, given: Value) -> dict[str, Any]:
    return {"type": "tool_use", "id": str(identity or ""), "name": str(name or "tool"), "input": dict(given)}


_KINDS: Mapping[str, Callable[[_Reading, Value, Any], None]] = {
    "SystemPromptEvent": _Reading.prompt,
    "MessageEvent": _Reading.message,
    "ActionEvent": _Reading.action,
    "ObservationEvent": _Reading.observation,
    "AgentErrorEvent": _Reading.observation,
    "UserRejectObservation": _Reading.observation,
    "Condensation": _Reading.condensed,
}
