"""Makes tools from LangChain tools. LangChain is not imported here: an object of LangChain has done that."""

import json
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Protocol, TypeGuard

from pydantic import BaseModel, TypeAdapter

from agentmem.errors import MenuError
from agentmem.menu.arguments import checked, refuse_unknown, unpacked
from agentmem.menu.signature import tidy
from agentmem.menu.tool import Tool
from agentmem.types import Image, Json, Text


class LangChainTool(Protocol):
    """The part of LangChain's ``BaseTool`` that is used."""

    name: str
    description: str

    @property
    def tool_call_schema(self) -> Any: ...

    def invoke(self, input: Any) -> Any: ...

    async def ainvoke(self, input: Any) -> Any: ...


def is_langchain(value: object) -> TypeGuard[LangChainTool]:
    """True if a value is a LangChain tool, by the modules of its classes."""
    return any(base.__module__.startswith("langchain_core.tools") for base in type(value).__mro__)


def from_langchain(source: LangChainTool, name: str | None = None) -> Tool:
    """A tool made from a LangChain tool; one that is only async is awaited. Raises MenuError."""
    name = name or source.name
    described = source.tool_call_schema
    if isinstance(described, type) and issubclass(described, BaseModel):
        adapter: TypeAdapter[Any] = TypeAdapter(described)
        schema, check = _schema(adapter.json_schema(), name), partial(_check, adapter=adapter, name=name)
        return _made(source, name, schema, partial(check, schema=schema))
    if isinstance(described, Mapping):
        return _made(source, name, _schema(described, name), None)
    raise MenuError(f"the LangChain tool {name!r} describes its arguments in a form that is not supported")


def _made(source: LangChainTool, name: str, schema: Json, check: Callable[[Json], dict[str, Any]] | None) -> Tool:
    awaited = getattr(source, "coroutine", None) is not None and getattr(source, "func", None) is None
    call = partial(_awaited, source) if awaited else partial(_invoked, source)
    return Tool(name, source.description, "outside", schema, call, check=check)


def _schema(schema: Json, name: str) -> dict[str, Any]:
    """The schema of the arguments, without the tool's description, which LangChain repeats at its top."""
    if schema.get("type", "object") != "object":
        raise MenuError(f"the arguments of the LangChain tool {name!r} are no object")
    bare = {"type": "object", "properties": {}, **{key: value for key, value in schema.items() if key != "description"}}
    value: dict[str, Any] = tidy(bare)
    return value


def _check(arguments: Json, *, adapter: TypeAdapter[Any], schema: Json, name: str) -> dict[str, Any]:
    """Checks the arguments here, so that the model gets our sentences; LangChain reads the original values again."""
    refuse_unknown(arguments, schema, name)
    checked(arguments, adapter=adapter, schema=schema, tool=name)
    return unpacked(arguments, schema)


def _invoked(source: LangChainTool, **arguments: Any) -> object:
    return content(source.invoke(arguments))


async def _awaited(source: LangChainTool, **arguments: Any) -> object:
    return content(await source.ainvoke(arguments))


def content(value: object) -> object:
    """LangChain's content blocks as ours; any other value as it is."""
    if isinstance(value, list) and value and all(isinstance(one, Mapping) and "type" in one for one in value):
        read = [_block(one) for one in value]
        return [one or _named(raw) for one, raw in zip(read, value, strict=True)] if any(read) else value
    return value


def _block(value: Mapping[str, Any]) -> Text | Image | None:
    match value:
        case {"type": "text", "text": str(text)}:
            return Text(text)
        case {"type": "image", "base64": str(data), "mime_type": str(kind)}:
            return Image(kind, data)
        case {"type": "image", "data": str(data), "mimeType": str(kind)}:
            return Image(kind, data)
        case {"type": "image", "source": {"type": "base64", "media_type": str(kind), "data": str(data)}}:
            return Image(kind, data)
        case {"type": "image_url", "image_url": {"url": str(url)} | str(url)} if url.startswith("data:"):
            head, _, data = url.partition(";base64,")
            return Image(head.removeprefix("data:"), data) if data else None
        case _:
            return None


def _named(value: Mapping[str, Any]) -> Text:
    """A text for a block that models are not shown, with its short fields; a file's bytes are left out."""
    short = {key: one for key, one in value.items() if len(str(one)) <= _SHORT}
    return Text(json.dumps(short, ensure_ascii=False, default=str))


_SHORT = 500
"""The most characters of a field."""
