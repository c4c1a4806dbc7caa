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


_LOOKS: tuple[tuple[str, Look], ...] = (
    ("a log of Gemini CLI", _has("sessionId", "messageId", "type", "message")),
    ("a request of Gemini's API", lambda one: isinstance(one.get("contents"), list)),
    ("an export of ChatGPT", _has("mapping", "current_node")),
    ("an export of claude.ai", _has("chat_messages")),
)
_MAGICS: tuple[tuple[bytes, str], ...] = ((b"\x28\xb5\x2f\xfd", "packed by zstd: unpack it first"),)
"""In order: the first that fits names the tool."""
