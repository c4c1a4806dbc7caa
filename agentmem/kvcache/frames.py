"""Frames: the content of a provider's cache key in canonical bytes, whoever built the request.

A provider matches prompts from the start, in the order model, tools, system, options, messages. HTTP bodies cannot be
compared so: they put tools last, and their closing brackets move. A sequence of length-prefixed frames can.
"""

import hashlib
import json
import marshal
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from agentmem.tokens import value_tokens
from agentmem.types import Frame, Json, Options, Role, Segment


def canonical(value: object) -> bytes:
    """JSON as UTF-8 without spaces. Keys keep their order, because a provider's tokenizer sees it."""
    return _COMPACT.encode(value).encode("utf-8", "surrogatepass")


_COMPACT = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def frame(segment: Segment, value: Json, role: Role | None = None) -> Frame:
    """The frame of one JSON value. ``cache_control`` is dropped: it is not part of any provider's key."""
    bare = {key: part for key, part in value.items() if key != "cache_control"}
    data = canonical(bare)
    try:
        data.decode()
    except UnicodeDecodeError:  # half a surrogate pair, which no provider's client can send
        data = data.decode(errors="replace").encode()
        bare = json.loads(data)
    return Frame(segment, role, bare, data, value_tokens(bare))


def encode(one: Frame) -> bytes:
    """The bytes of one frame: a line with its segment, role and length, then its data."""
    return f"{one.segment} {one.role or '-'} {len(one.data)}\n".encode() + one.data + b"\n"


def wire(frames: Iterable[Frame]) -> bytes:
    """The bytes of a whole prefix."""
    return b"".join(map(encode, frames))


def digest(encoded: Iterable[bytes], start: str = "") -> str:
    """A chained sha256 over encoded frames (64 hexadecimal digits). Extending a prefix costs only its new frames."""
    chained = start
    for one in encoded:
        chained = hashlib.sha256(chained.encode() + one).hexdigest()
    return chained


def options_value(options: Options) -> dict[str, Any]:
    """The part of the options that a cache key depends on."""
    given = {
        "thinking": options.thinking and json.loads(options.thinking),
        "effort": options.effort,
        "tool_choice": options.tool_choice and json.loads(options.tool_choice),
    }
    return {key: value for key, value in given.items() if value is not None}


Make = Callable[[Segment, Json, Role | None], Frame]


class Frames:
    """Makes frames and remembers them, since a log repeats a conversation's blocks in every line."""

    def __init__(self) -> None:
        self._made: dict[bytes, Frame] = {}

    def __call__(self, segment: Segment, value: Json, role: Role | None = None) -> Frame:
        # marshal writes equal JSON as equal bytes, keys in their order, several times faster than json does.
        key = hashlib.blake2b(marshal.dumps((segment, role, dict(value)), 2), digest_size=16).digest()
        made = self._made.get(key)
        if made is None:
            made = self._made[key] = frame(segment, value, role)
        return made


def body_frames(body: Mapping[str, Any], make: Make = frame) -> tuple[Frame, ...]:
    """The frames of a request body in the form of Anthropic's Messages API, as a server receives it.

    A string in place of blocks is read as one text block, as the API does. ``make`` may be a caching `frame`, because
    bodies of one conversation repeat their blocks.
    """
    return tuple(_body_frames(body, make))


def _body_frames(body: Mapping[str, Any], make: Make) -> Iterator[Frame]:
    yield make("model", {"model": body["model"]}, None)
    yield from (make("tool", tool, None) for tool in body.get("tools") or ())
    yield from (make("system", block, None) for block in _blocks(body.get("system") or ()))
    options = {
        "thinking": body.get("thinking"),
        "effort": (body.get("output_config") or {}).get("effort"),
        "tool_choice": body.get("tool_choice"),
    }
    yield make("options", {key: value for key, value in options.items() if value is not None}, None)
    for message in body.get("messages") or ():
        yield from (make("message", block, message["role"]) for block in _blocks(message["content"]))


def _blocks(content: str | Sequence[Json]) -> Sequence[Json]:
    return ({"type": "text", "text": content},) if isinstance(content, str) else content
