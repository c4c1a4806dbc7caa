"""Turns what a server answers into blocks for the model: texts, pictures, structured content and resources."""

import base64
import json
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from agentmem.types import Image, Text

if TYPE_CHECKING:
    from mcp.types import CallToolResult

PICTURES = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})
"""The kinds of picture that models take. Of any other only the kind and the size are told."""


def blocks(result: "CallToolResult") -> list[Text | Image]:
    """The content of a result. Structured content counts where no text says the same."""
    said = [made for one in result.content for made in _block(one)]
    structured = result.structured_content
    if structured is not None and not any(isinstance(one, Text) for one in said):
        said.append(Text(json.dumps(structured, ensure_ascii=False, indent=1)))
    return said


def sentence(result: "CallToolResult") -> str:
    """The text of a result that is an error."""
    return "\n\n".join(one.text for one in blocks(result) if isinstance(one, Text))


def contents(read: Iterable[Any]) -> Iterator[Text | Image]:
    """The contents of a resource that was read."""
    for one in read:
        text = getattr(one, "text", None)
        yield Text(text) if isinstance(text, str) else _binary(one.mime_type or "", one.blob, f"of {one.uri}")


def _block(one: Any) -> Iterator[Text | Image]:
    match one.type:
        case "text":
            yield Text(one.text)
        case "image":
            yield _binary(one.mime_type, one.data, "")
        case "audio":
            yield _binary(one.mime_type, one.data, "")
        case "resource":
            yield Text(f"[{one.resource.uri}]")
            yield from contents([one.resource])
        case "resource_link":
            about = f": {one.description}" if one.description else ""
            yield Text(f"[{one.title or one.name}]({one.uri}){about}")
        case kind:
            yield Text(f"[a block of the kind {kind}, which cannot be shown]")


def _binary(kind: str, data: str, of: str) -> Text | Image:
    kind = kind.partition(";")[0].strip().lower()
    if kind in PICTURES and _is_base64(data):
        return Image(kind, data)
    return Text(f"[{kind or 'binary data'} {of}: about {len(data) * 3 // 4:,} bytes, which cannot be shown]")


def _is_base64(data: str) -> bool:
    try:
        return bool(base64.b64decode(data, validate=True))
    except ValueError:
        return False
