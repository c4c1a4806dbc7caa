"""A server for tests, of plain JSON lines and without the SDK: it works, dies, stalls, floods or changes when told to.

    python server.py [TOOLS] [STATE]

TOOLS is how many tools it has. STATE is a file: while it exists, `search` has other parameters.
"""

import json
import os
import sys
from pathlib import Path
from threading import Event
from typing import Any

PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
TEXT = {"type": "string"}


def schema(*required: str, **properties: Any) -> dict[str, Any]:
    return {"required": list(required), "properties": properties, "type": "object"}


def tools(many: int, changed: bool) -> list[dict[str, Any]]:
    """The tools; their keys come in another order in every other process."""
    reads = {"readOnlyHint": True}
    search = schema("query", "sort", query=TEXT, sort=TEXT) if changed else schema("q", q=TEXT)
    known = [
        {
            "name": "search",
            "description": "Searches issues.",
            "inputSchema": search,
            "annotations": reads,
        },
        {"name": "create", "description": "Creates an issue.", "inputSchema": schema("title", title=TEXT)},
        {"name": "fault", "description": "Fails as it is told.", "inputSchema": schema("kind", kind=TEXT)},
        {
            "name": "show",
            "description": "Shows a picture.",
            "inputSchema": schema(),
            "annotations": reads,
        },
        {"name": "a.table", "description": "Gives records.", "inputSchema": schema()},
    ]
    known += [
        {"name": f"more_{n}", "description": f"Does the thing {n}. " * 8, "inputSchema": schema("x", x=TEXT, y=TEXT)}
        for n in range(many - len(known))
    ]
    return [dict(reversed(one.items())) if os.getpid() % 2 else one for one in known]


def content(name: str, given: dict[str, Any]) -> dict[str, Any]:
    if name == "show":
        return {"content": [{"type": "text", "text": "a dot"}, {"type": "image", "data": PNG, "mimeType": "image/png"}]}
    if name == "a.table":
        return {"content": [], "structuredContent": {"rows": [{"n": 1}, {"n": 2}]}}
    if name == "search" and not (given.get("q") or given.get("query")):
        return {"content": [{"type": "text", "text": "give words to search for"}], "isError": True}
    return {"content": [{"type": "text", "text": f"{name} {json.dumps(given, sort_keys=True)} by {os.getpid()}"}]}


def fault(kind: str) -> None:
    """Never comes back, except from faults that are only a form of answer."""
    if kind == "die":
        sys.stderr.write("out of memory, sorry\n")
        sys.stderr.flush()
        os._exit(3)
    if kind == "stall":
        Event().wait()
    if kind == "flood":
        while True:
            sys.stdout.write("x" * 65536)
    if kind == "chatter":
        while True:
            say({"method": "notifications/message", "params": {"level": "info", "data": "y" * 5000}})


def say(message: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
    sys.stdout.flush()


def answered(method: str, params: dict[str, Any], many: int, state: Path) -> dict[str, Any] | None:
    if method == "initialize":
        able = {"tools": {"listChanged": True}, "resources": {}}
        about = {"name": "tests", "version": "1"}
        return {"protocolVersion": params["protocolVersion"], "capabilities": able, "serverInfo": about}
    if method == "tools/list":
        listed = tools(many, state.exists())
        begin = int(params.get("cursor") or 0)
        more = {"nextCursor": str(begin + 50)} if begin + 50 < len(listed) else {}
        return {"tools": listed[begin : begin + 50], **more}
    if method == "resources/list":
        found = [{"uri": "docs://guide", "name": "The guide", "mimeType": "text/markdown"}]
        return {"resources": [*found, {"uri": "docs://../../etc/passwd", "name": "Another"}]}
    if method == "resources/read":
        return {"contents": [{"uri": params["uri"], "mimeType": "text/markdown", "text": "# Guide\n\nTurn left.\n"}]}
    if method == "tools/call":
        given = params.get("arguments") or {}
        if params["name"] == "fault":
            if given["kind"] == "garbage":
                sys.stdout.write("this is no JSON\n{}\n")
            elif given["kind"] == "change":
                state.touch()
                say({"method": "notifications/tools/list_changed"})
            else:
                fault(given["kind"])
        return content(params["name"], given)
    return None


def main() -> None:
    many = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    state = Path(sys.argv[2] if len(sys.argv) > 2 else "/nonexistent")
    for line in sys.stdin:
        message = json.loads(line)
        if "id" not in message:
            continue
        result = answered(message["method"], message.get("params") or {}, many, state)
        unknown = {"error": {"code": -32601, "message": f"no method {message['method']}"}}
        say({"id": message["id"], **({"result": result} if result is not None else unknown)})


if __name__ == "__main__":
    main()
