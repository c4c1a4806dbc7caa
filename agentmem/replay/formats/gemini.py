"""Sessions of Gemini CLI (~/.gemini/tmp/*/chats/*.json) and of Qwen Code (~/.qwen/projects/*/chats/*.jsonl).

Gemini's is one object with messages of type "user" and "gemini", whose tool calls hold their results. Qwen's has a
record a line, in parts as Gemini's API has them. Tools and system prompt are not recorded: the first usage tells their
size.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from agentmem.kvcache.reported import tokens_of
from agentmem.replay.formats.telling import Telling, counted
from agentmem.replay.session import RecordedSession, SkippedLine
from agentmem.replay.source import LogLine, RecordingSource, Spool, lines
from agentmem.types import Usage

Value = Mapping[str, Any]


class Gemini:
    """Reads a session of either."""

    name = "gemini"

    def accepts(self, first: Any) -> bool:
        """A session of Gemini's has a project's hash, a record of Qwen's parts in place of content."""
        if not isinstance(first, dict):
            return False
        return _is_session(first) or _is_record(first)

    def sources(self, path: Path, spool: Spool) -> Iterator[RecordingSource | SkippedLine]:
        """The file itself, under the session's own name."""
        first: Value = next((line.value for line in lines(path) if isinstance(line, LogLine)), {})
        name = str(first.get("sessionId") or path.name.partition(".")[0])
        yield RecordingSource(self.name, str(path), 0, str(path), name=name)

    def sessions(self, source: RecordingSource) -> Iterator[RecordedSession | SkippedLine]:
        """The conversation; what cannot be read of it is named."""
        telling = Telling()
        for line in lines(Path(source.file)):
            if isinstance(line, SkippedLine):
                yield line
                continue
            whole = _is_session(line.value)
            for record in line.value.get("messages") or () if whole else (line.value,):
                try:
                    (_message if whole else _record)(telling, record)
                except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
                    yield SkippedLine(source.path, line.number, f"a message lacks what it should have: {error!r}")
                yield from telling.named(source.path, line.number)
        session = telling.session(source.name, source.path, "google")
        yield session or SkippedLine(source.path, 0, "no request in it: nobody replied")


def _is_session(value: Value) -> bool:
    messages = value.get("messages")
    return "projectHash" in value and isinstance(messages, list) and "role" not in (messages or [{}])[0]


def _is_record(value: Value) -> bool:
    message = value.get("message")
    return isinstance(message, Mapping) and "parts" in message and "content" not in message


def _message(telling: Telling, message: Value) -> None:
    """A message of Gemini CLI's. A reply with tool calls is one request; their results join the next."""
    at = message.get("timestamp")
    if message.get("type") != "gemini":
        if message.get("type") == "user":
            telling.heard(_words(message.get("content")), at)
        return
    telling.model = str(message.get("model") or telling.model)
    calls = message.get("toolCalls") or ()
    telling.replied([*_thoughts(message.get("thoughts")), *_texts(message.get("content")), *map(_call, calls)])
    telling.metered(telling.used(_tokens, message.get("tokens")), at, identity=str(message.get("id") or ""))
    for call in calls:
        telling.heard([_result(call.get("id"), call.get("result"))], at)


def _record(telling: Telling, record: Value) -> None:
    """A record of Qwen Code's."""
    at, kind = record.get("timestamp"), record.get("type")
    parts = (record.get("message") or {}).get("parts") or ()
    if kind in ("user", "tool_result"):
        telling.heard([block for part in parts for block in _part(part)], at)
    elif kind == "assistant":
        telling.model = str(record.get("model") or telling.model)
        telling.replied([block for part in parts for block in _part(part)])
        usage = telling.used(_metadata, record.get("usageMetadata"))
        telling.metered(usage, at, identity=str(record.get("uuid") or ""))


def _part(part: Value) -> Iterator[dict[str, Any]]:
    """A part of a message as blocks."""
    if call := part.get("functionCall"):
        yield _call({"id": call.get("id"), "name": call["name"], "args": call.get("args")})
    elif result := part.get("functionResponse"):
        yield _result(result.get("id"), result.get("response"))
    elif part.get("thought"):
        yield {"type": "thinking", "thinking": str(part.get("text") or "")}
    elif "text" in part:
        yield {"type": "text", "text": str(part["text"])}
    else:
        yield {"type": "unknown", **part}


def _words(content: Any) -> Any:
    return [block for part in content for block in _part(part)] if isinstance(content, list) else content


def _texts(content: Any) -> Iterable[Any]:
    found = _words(content)
    return found if isinstance(found, list) else [found] if found else []


def _thoughts(thoughts: Any) -> Iterator[dict[str, Any]]:
    for thought in thoughts or ():
        said = ": ".join(str(thought[key]) for key in ("subject", "description") if thought.get(key))
        yield {"type": "thinking", "thinking": said}


def _call(call: Value) -> dict[str, Any]:
    return {
        "type": "tool_use",
        "id": str(call.get("id") or ""),
        "name": str(call["name"]),
        "input": call.get("args") or {},
    }


def _result(identity: Any, result: Any) -> dict[str, Any]:
    said = result if isinstance(result, str) else json.dumps(result, ensure_ascii=False)
    return {"type": "tool_result", "tool_use_id": str(identity or ""), "content": said}


def _tokens(tokens: Any) -> Usage | None:
    """Gemini's input has the cached tokens in it; thoughts are billed as output."""
    if not isinstance(tokens, Mapping):
        return None
    output = tokens_of(tokens.get("output")) + tokens_of(tokens.get("thoughts"))
    return counted(tokens.get("input"), tokens.get("cached"), output)


def _metadata(used: Any) -> Usage | None:
    if not isinstance(used, Mapping):
        return None
    output = tokens_of(used.get("candidatesTokenCount")) + tokens_of(used.get("thoughtsTokenCount"))
    return counted(used.get("promptTokenCount"), used.get("cachedContentTokenCount"), output)
