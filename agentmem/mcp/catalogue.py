"""A server's tools as they were at the last run, kept in the workspace: to notice changes, and to begin without it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from agentmem.errors import WorkspaceError
from agentmem.mcp.definitions import Definition
from agentmem.pages.files import Files
from agentmem.pages.names import HOME

FOLDER = f"{HOME}/mcp"
_MOST = 5_000_000


@dataclass(frozen=True, slots=True)
class KnownTools:
    """The definitions of the tools that were on the menu, by their own names, and the day they were seen (UTC)."""

    tools: Mapping[str, Definition] = field(default_factory=dict)
    seen: str = ""


def load(root: Path, server: str) -> KnownTools:
    """The kept catalogue; an empty one if there is none that can be read."""
    try:
        value = json.loads(Files(root).raw(_place(server), _MOST)[0])
        tools = {name: Definition(name, **_checked(one)) for name, one in value["tools"].items()}
        return KnownTools(tools, str(value["seen"]))
    except (WorkspaceError, ValueError, KeyError, TypeError, AttributeError):
        return KnownTools()


def keep(root: Path, server: str, catalogue: KnownTools) -> None:
    """Keep a catalogue, readable by its user alone."""
    tools = {
        name: {"description": one.description, "schema": one.schema, "reads": one.reads}
        for name, one in catalogue.tools.items()
    }
    value = {"schema": 1, "server": server, "seen": catalogue.seen, "tools": tools}
    Files(root).put(_place(server), json.dumps(value, ensure_ascii=False, indent=1).encode("utf-8", "replace"))


def _place(server: str) -> str:
    return f"{FOLDER}/{server}.json"


def _checked(value: Mapping[str, Any]) -> dict[str, Any]:
    description, schema, reads = value["description"], value["schema"], value["reads"]
    if not (isinstance(description, str) and isinstance(schema, dict) and isinstance(reads, bool)):
        raise ValueError("not a definition")
    return {"description": description, "schema": schema, "reads": reads}
