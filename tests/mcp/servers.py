"""Connections to the server of the tests, and a look at the processes that are left."""

import sys
import time
from pathlib import Path
from threading import Event
from typing import Any

from agentmem.mcp.client import MCP
from tests.mcp import server


def connection(folder: Path, *only: str, tools: int = 5, **settings: Any) -> MCP:
    """A connection to a new server with this many tools, whose state is a file in ``folder``."""
    command = [sys.executable, server.__file__, str(tools), str(folder / "changed")]
    names = {"timeout": 20.0, "most_bytes": 1_000_000, "only": only, **settings}
    return MCP(names.pop("name", "tests"), command=command, **names)


def running(folder: Path) -> list[int]:
    """The processes of servers with their state in ``folder``."""
    found = []
    for place in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = place.read_bytes()
        except OSError:
            continue
        if str(folder / "changed").encode() in line:
            found.append(int(place.parent.name))
    return found


def gone(folder: Path, seconds: float = 10.0) -> bool:
    """True once no such process is left: a process that is killed takes a moment to go."""
    until = time.monotonic() + seconds
    while running(folder) and time.monotonic() < until:
        Event().wait(0.01)
    return not running(folder)
