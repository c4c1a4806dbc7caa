"""The content of a message, in whatever shape a log has it, as the blocks that a provider would get.

A string is a text block, wherever it stands; null is nothing. Calls, results and texts have what the API asks of them.
Blocks of other types are carried as they are.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from agentmem.types import Usage

Block = dict[str, Any]


def blocks(content: Any) -> list[Block]:
    """All blocks of ``content``, empty texts too."""
    if content is None:
        return []
    return [_block(part) for part in (content if isinstance(content, list) else [content]) if part is not None]


def sent(content: Any) -> Iterator[Block]:
    """The blocks that are sent: without empty texts."""
    return (block for block in blocks(content) if block["type"] != "text" or block["text"])


def worded(content: Any) -> Any:
    """The content of a message as it is. Raises TypeError for a bare number or truth value, which nobody says."""
    if isinstance(content, bool | int | float):
        raise TypeError(f"a message of {json.dumps(content)}, where text or blocks should be")
    return content


def arguments(value: Any) -> Block:
    """A call's arguments as an object, also where they are kept as its JSON; as they are, under a name, where none."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return {"arguments": value}
    if value is None:
        return {}
    return value if isinstance(value, dict) else {"arguments": value}


def _block(part: Any) -> Block:
    if not isinstance(part, Mapping):
        return {"type": "text", "text": part if isinstance(part, str) else json.dumps(part)}
    kind = part.get("type")
    if not isinstance(kind, str):
        kind = "text" if "text" in part else "unknown"
    made = _SHAPES.get(kind)
    return {**part, "type": kind, **(made(part) if made else {})}


def _words(value: Any) -> str:
    return value if isinstance(value, str) else "" if value is None else json.dumps(value)


def _text(part: Mapping[str, Any]) -> Block:
    return {"type": "text", "text": _words(part.get("text"))}


def _thinking(part: Mapping[str, Any]) -> Block:
    return {"thinking": _words(part.get("thinking"))}


def _call(part: Mapping[str, Any]) -> Block:
    named = {"id": _words(part.get("id")), "name": _words(part.get("name")) or "tool"}
    return {**named, "input": arguments(part.get("input"))}


def _result(part: Mapping[str, Any]) -> Block:
    content = part.get("content")
    inner = content if isinstance(content, str) else blocks(content)
    return {"tool_use_id": _words(part.get("tool_use_id")), **({"content": inner} if "content" in part else {})}


def _image(part: Mapping[str, Any]) -> Block:
    """OpenAI gives a picture as its address, which may hold its data."""
    given = part.get("image_url") or part.get("file_id")
    address = given.get("url") if isinstance(given, Mapping) else given
    head, comma, data = str(address or "").partition(",")
    if comma and head.startswith("data:"):
        kind = head.removeprefix("data:").partition(";")[0]
        return {"type": "image", "source": {"type": "base64", "media_type": kind, "data": data}}
    return {"type": "image", "source": {"type": "url", "url": str(address or "")}}


_SHAPES: Mapping[str, Callable[[Mapping[str, Any]], Block]] = {
    "text": _text,
    "input_text": _text,
    "output_text": _text,
    "thinking": _thinking,
    "tool_use": _call,
    "tool_result": _result,
    "image_url": _image,
    "input_image": _image,
}
"""What each type of block needs so that everybody who reads it finds it."""


PACE = 10.0
"""Seconds between requests, where no times are recorded."""

_LATEST = 1e11
"""Seconds since the epoch from which on a number must count smaller units: the year 5138."""


def moment_of(value: Any) -> float | None:
    """Seconds since the epoch; None where there is no moment. Without a zone it is UTC."""
    if isinstance(value, bool) or value is None:
        return None
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return _written(value) if isinstance(value, str) else None
    while abs(number) >= _LATEST and number - number == 0:  # milliseconds, then microseconds and nanoseconds
        number /= 1000
    return number if number - number == 0 else None


def _written(value: str) -> float | None:
    try:
        found = datetime.fromisoformat(value.strip())
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None


def usage_or_odd(read: Callable[[Any], Usage | None], value: Any, odd: list[str]) -> Usage | None:
    """The usage that ``read`` makes of ``value``. One that cannot be read is not known: what was said counts all the
    same, and ``odd`` gets a word about it.
    """
    try:
        return read(value)
    except (TypeError, ValueError, AttributeError, OverflowError) as error:
        odd.append(f"a usage cannot be read, so what its request took is not known: {error}")
        return None
