"""Other tools' recordings that are known by sight and not read, so that a folder of them gets a word that helps."""

from collections.abc import Callable, Mapping
from typing import Any

Look = Callable[[Mapping[str, Any]], bool]


def foreign(first: Any) -> str:
    """What wrote a file with an object such as ``first``, in words; "" where that is not known."""
    if isinstance(first, bytes):
        return next((name for magic, name in _MAGICS if first.startswith(magic)), "")
    if isinstance(first, list):
        return foreign(first[0]) if first else ""
    if not isinstance(first, Mapping):
        return ""
    return next((name for name, look in _LOOKS if look(first)), "")


def _has(*keys: str) -> Look:
    return lambda one: all(key in one for key in keys)


def _parts(one: Mapping[str, Any]) -> bool:
    """Gemini's shape of a message: parts instead of content."""
    message = one.get("message")
    return isinstance(message, Mapping) and "parts" in message and "content" not in message


def _gemini(one: Mapping[str, Any]) -> bool:
    messages = one.get("messages")
    first = messages[0] if isinstance(messages, list) and messages else None
    return "projectHash" in one and isinstance(first, Mapping) and "role" not in first


_LOOKS: tuple[tuple[str, Look], ...] = (
    ("a session of Qwen Code", _parts),
    ("a session of Gemini CLI", _gemini),
    ("a log of Gemini CLI", _has("sessionId", "messageId", "type", "message")),
    ("a request of Gemini's API", lambda one: isinstance(one.get("contents"), list)),
    ("a message of opencode", lambda one: "sessionID" in one and ("modelID" in one or "parts" in one)),
    ("a log of Inspect", lambda one: isinstance(one.get("eval"), Mapping) and "plan" in one),
    ("Cline's list for its window; its api_conversation_history.json can be read", _has("ts", "type", "say")),
    ("Cline's list for its window; its api_conversation_history.json can be read", _has("ts", "type", "ask")),
    ("events of OpenHands", lambda one: "source" in one and ("observation" in one or "action" in one)),
    ("runs of LangSmith", _has("run_type", "inputs")),
    ("spans of OpenTelemetry", lambda one: "resourceSpans" in one or {"traceId", "spanId"} <= one.keys()),
    ("an export of ChatGPT", _has("mapping", "current_node")),
    ("an export of claude.ai", _has("chat_messages")),
)
_MAGICS: tuple[tuple[bytes, str], ...] = (
    (b"PK\x03\x04", "a zip archive, such as an .eval log of Inspect: unpack it first"),
    (b"\x28\xb5\x2f\xfd", "packed by zstd: unpack it first"),
)
"""In order: the first that fits names the tool."""
