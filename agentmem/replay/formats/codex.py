"""Codex's rollouts (~/.codex/sessions/YYYY/MM/DD/rollout-*.jsonl): {"timestamp", "type", "payload"}, one item a line.

Response items are what was said. A token_count event follows each reply with what it used; if the same totals come
again, no request is behind them. Tools and instructions count as not recorded: the first usage tells their size.
"""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from agentmem.kvcache.reported import tokens_of
from agentmem.replay.formats.contents import arguments
from agentmem.replay.formats.telling import Telling, counted
from agentmem.replay.session import RecordedSession, SkippedLine
from agentmem.replay.source import LogLine, RecordingSource, Spool, lines
from agentmem.types import Role, Usage

_KINDS = frozenset({"session_meta", "turn_context", "event_msg", "response_item", "compacted"})
_LOOKED_AT = 8
"""Lines in which a session's own name is looked for."""

Payload = Mapping[str, Any]


class Codex:
    """Reads a rollout."""

    name = "codex"

    def accepts(self, first: Any) -> bool:
        """A line has a known type and a payload."""
        return isinstance(first, dict) and first.get("type") in _KINDS and isinstance(first.get("payload"), dict)

    def sources(self, path: Path, spool: Spool) -> Iterator[RecordingSource | SkippedLine]:
        """The file itself, under the name that its first lines give."""
        name = path.name.partition(".")[0]
        for _, line in zip(range(_LOOKED_AT), lines(path), strict=False):
            if isinstance(line, LogLine) and line.value.get("type") == "session_meta":
                name = str((line.value.get("payload") or {}).get("id") or name)
                break
        yield RecordingSource(self.name, str(path), 0, str(path), name=name)

    def sessions(self, source: RecordingSource) -> Iterator[RecordedSession | SkippedLine]:
        """The conversation; lines that cannot be read are named."""
        reading = _Reading()
        for line in lines(Path(source.file)):
            if isinstance(line, SkippedLine):
                yield line
                continue
            try:
                reading.add(line.value)
            except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
                yield SkippedLine(source.path, line.number, f"an item lacks what it should have: {error!r}")
            yield from reading.telling.named(source.path, line.number)
        session = reading.telling.session(source.name, source.path, reading.provider)
        yield session or SkippedLine(source.path, 0, "no request in it: nobody replied")


class _Reading:
    """A rollout while it is read. ``totals`` are the last counts of the whole session."""

    def __init__(self) -> None:
        self.telling = Telling()
        self.provider = "openai"
        self.totals: Payload = {}

    def add(self, line: Payload) -> None:
        """Take the next line."""
        payload = line.get("payload") or {}
        handle = _LINES.get(str(line.get("type")))
        if handle:
            handle(self, payload, line.get("timestamp"))

    def meta(self, payload: Payload, at: Any) -> None:
        """Who answers."""
        self.provider = str(payload.get("model_provider") or self.provider)

    def context(self, payload: Payload, at: Any) -> None:
        """The model of the next replies."""
        self.telling.model = str(payload.get("model") or self.telling.model)

    def item(self, payload: Payload, at: Any) -> None:
        """Something that was said, called or returned."""
        said = _said(payload)
        if said is None:
            return
        role, content = said
        if role == "assistant":
            self.telling.replied(content)
        else:
            self.telling.heard(content, at)

    def event(self, payload: Payload, at: Any) -> None:
        """What a request used."""
        info = payload.get("info")
        if payload.get("type") != "token_count" or not isinstance(info, dict):
            return
        totals = info.get("total_token_usage") or {}
        if totals and totals == self.totals:
            return
        before, self.totals = self.totals, totals
        self.telling.model = str(info.get("model") or self.telling.model)
        usage = self.telling.used(lambda last: _usage(last or _grown(totals, before)), info.get("last_token_usage"))
        self.telling.metered(usage, at, bare=True)

    def compacted(self, payload: Payload, at: Any) -> None:
        """The context begins anew: with the items that replace it, or else with the summary."""
        items = payload.get("replacement_history")
        told = [said for one in items or () if (said := _said(one))]
        self.telling.cut("compaction", told or [("user", payload.get("message") or "")])


_LINES: Mapping[str, Callable[[_Reading, Payload, Any], None]] = {
    "session_meta": _Reading.meta,
    "turn_context": _Reading.context,
    "response_item": _Reading.item,
    "event_msg": _Reading.event,
    "compacted": _Reading.compacted,
}


def _said(item: Payload) -> tuple[Role, Any] | None:
    """Who says an item, and its blocks; None for what is not sent."""
    kind = item.get("type")
    if kind == "message" or (kind is None and "role" in item):
        return "assistant" if item.get("role") == "assistant" else "user", item.get("content")
    made = _ITEMS.get(str(kind))
    return made(item) if made else None


def _call(item: Payload) -> tuple[Role, Any]:
    given = item.get("arguments", item.get("input", item.get("action")))
    name = str(item.get("name") or item["type"])
    identity = str(item.get("call_id") or item.get("id") or "")
    return "assistant", [{"type": "tool_use", "id": identity, "name": name, "input": arguments(given)}]


def _result(item: Payload) -> tuple[Role, Any]:
    output = item.get("output")
    content = output.get("content", output) if isinstance(output, dict) else output
    return "user", [{"type": "tool_result", "tool_use_id": str(item.get("call_id") or ""), "content": content or ""}]


def _thought(item: Payload) -> tuple[Role, Any]:
    parts = [*(item.get("summary") or ()), *(item.get("content") or ())]
    texts = [str(part.get("text") or "") for part in parts if isinstance(part, dict)]
    return "assistant", [{"type": "thinking", "thinking": "\n".join(texts)}]


_ITEMS: Mapping[str, Callable[[Payload], tuple[Role, Any]]] = {
    "reasoning": _thought,
    "function_call": _call,
    "custom_tool_call": _call,
    "local_shell_call": _call,
    "web_search_call": _call,
    "function_call_output": _result,
    "custom_tool_call_output": _result,
}
"""How each kind of response item reads as blocks of a message."""


def _usage(used: Payload) -> Usage:
    """OpenAI's input has the cached tokens in it, and its output those of reasoning."""
    written = used.get("cache_write_input_tokens") or used.get("cache_creation_input_tokens")
    return counted(used.get("input_tokens"), used.get("cached_input_tokens"), used.get("output_tokens"), written)


def _grown(now: Payload, before: Payload) -> Payload:
    return {name: tokens_of(count) - tokens_of(before.get(name)) for name, count in now.items()}
