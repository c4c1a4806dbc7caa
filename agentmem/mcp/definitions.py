"""A server's tools as definitions for a model, the same bytes in every run, and the changes between two of them."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from agentmem.menu.arguments import words_of
from agentmem.menu.signature import tidy
from agentmem.types import Effect, Json

if TYPE_CHECKING:
    from mcp.types import Tool as ServerTool

_UNSAFE = re.compile(r"[^a-zA-Z0-9_-]")


@dataclass(frozen=True, slots=True)
class Definition:
    """A tool as its server describes it: its own name, a description, a schema, and whether it only reads."""

    tool: str
    description: str
    schema: Json
    reads: bool = False

    @property
    def effect(self) -> Effect:
        """The reach that its annotations claim; without any, it may change the world."""
        return "read" if self.reads else "outside"


def read(tool: "ServerTool") -> Definition:
    """The definition of a server's tool. Keys have a fixed order, because servers write theirs in any."""
    hints = tool.annotations
    title = tool.title or (hints.title if hints else None) or tool.name
    reads = bool(hints and hints.read_only_hint)
    return Definition(tool.name, (tool.description or "").strip() or title, _schema(tool.input_schema), reads)


def _schema(given: Mapping[str, Any]) -> Json:
    schema = {"type": "object", "properties": {}, **{key: one for key, one in given.items() if key != "$schema"}}
    ordered: dict[str, Any] = tidy(_sorted(schema))
    return ordered


def _sorted(value: Any) -> Any:
    """Required parameters first, as a signature has them, then by name."""
    if isinstance(value, list):
        return [_sorted(one) for one in value]
    if not isinstance(value, Mapping):
        return value
    made = {key: _sorted(value[key]) for key in sorted(value)}
    required = made.get("required")
    if isinstance(required, list) and all(isinstance(one, str) for one in required):
        made["required"] = sorted(required)
    if isinstance(made.get("properties"), dict):
        needed = made.get("required") or ()
        made["properties"] = dict(sorted(made["properties"].items(), key=lambda pair: (pair[0] not in needed, pair[0])))
    return made


def menu_name(tool: str) -> str:
    """A name that providers take, for a server's tool."""
    return _UNSAFE.sub("_", tool)[:64]


def changes(before: Json, now: Json) -> Iterator[str]:
    """The differences between two definitions as models get them (name, description, input_schema), in words."""
    old, new = _parameters(before), _parameters(now)
    yield from (f"`{name}` is gone" for name in old if name not in new)
    yield from (f"`{name}` is new: {_described(now, name)}" for name in new if name not in old)
    for name in old:
        if name in new and old[name] != new[name]:
            yield f"`{name}` is now {_described(now, name)}"
    was, needs = _required(before), _required(now)
    yield from (f"`{name}` is needed now" for name in needs if name in old and name not in was)
    yield from (f"`{name}` may be left out now" for name in was if name in new and name not in needs)
    if before.get("description") != now.get("description"):
        yield f"it is described so now: {now.get('description')}"
    elif old == new and was == needs and before != now:
        yield "details of its schema"


def _parameters(definition: Json) -> Mapping[str, Any]:
    schema = definition.get("input_schema") or {}
    return schema.get("properties") or {}


def _required(definition: Json) -> list[str]:
    schema = definition.get("input_schema") or {}
    return list(schema.get("required") or ())


def _described(definition: Json, name: str) -> str:
    schema = definition.get("input_schema") or {}
    one = _parameters(definition)[name]
    needed = ", needed" if name in _required(definition) else ""
    about = f" ({one['description']})" if isinstance(one, Mapping) and one.get("description") else ""
    words = words_of(one, schema.get("$defs", {})) if isinstance(one, Mapping) else "anything"
    return f"{words}{needed}{about}"


def by_name(tools: Iterable["ServerTool"]) -> dict[str, Definition]:
    """The definitions of a server's tools, by their own names; the first of two with one name counts."""
    found: dict[str, Definition] = {}
    for tool in tools:
        found.setdefault(tool.name, read(tool))
    return found
