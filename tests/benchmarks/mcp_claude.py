"""The real Claude Code as a client of `agentmem serve --mcp`, on stdio and over HTTP; the provider is a script.

Claude Code starts the server itself from its settings (stdio), or is given an address and a token. The script calls
`find` and `read` of the workspace, and then `write`, which is not offered. The model must see what stands in the page,
the page must be as it was, and no process may be left. The binary comes with the package claude-agent-sdk (400 MB).

    python -m tests.benchmarks.mcp_claude --claude PATH
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from agentmem.kvcache.simulated.events import ServerAnswer
from agentmem.kvcache.simulated.server import MessagesServer
from agentmem.mcp.offered import Offer
from agentmem.mcp.tenants import one_token
from agentmem.types import Json
from tests.benchmarks.data import skip
from tests.benchmarks.heading import heading, record_figures
from tests.mcp.clients import served

PAGE = "# Leave\n\nParental leave is twelve weeks.\n"
CALLS: tuple[tuple[str, Json], ...] = (
    ("mcp__notes__find", {"words": "parental"}),
    ("mcp__notes__read", {"page": "leave.md"}),
    ("mcp__notes__write", {"page": "leave.md", "text": "# Leave\n\nNone.\n"}),
)


def results(body: Json) -> list[str]:
    """The texts of the results in a request, in order."""
    found = []
    for message in body["messages"]:
        blocks = message["content"] if isinstance(message["content"], list) else []
        found += [json.dumps(block.get("content")) for block in blocks if block.get("type") == "tool_result"]
    return found


def script(body: Json) -> ServerAnswer:
    """The next call, by how many results the conversation has; then an answer. Side requests get one word."""
    if not any(str(tool.get("name")).startswith("mcp__notes__") for tool in body.get("tools") or ()):
        return ServerAnswer.text("Leave")
    done = len(results(body))
    if done < len(CALLS):
        name, arguments = CALLS[done]
        return ServerAnswer([{"type": "tool_use", "id": f"toolu_{done:024}", "name": name, "input": arguments}])
    return ServerAnswer.text("Twelve weeks.")


def run(claude: Path, folder: Path, url: str, server: Json) -> subprocess.CompletedProcess[str]:
    """Run Claude Code with this server in its settings, on a home folder of its own."""
    home = folder / "home"
    home.mkdir()
    own = {
        "HOME": str(home),
        "ANTHROPIC_API_KEY": "sk-ant-api03-" + "benchmark" * 5,
        "ANTHROPIC_BASE_URL": url,
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
        "ENABLE_TOOL_SEARCH": "false",  # the tools stand in the request, and are not looked up first
        "MCP_CONNECTION_NONBLOCKING": "false",
    }
    settings = json.dumps({"mcpServers": {"notes": server}})
    command = [str(claude), "-p", "How long is parental leave?", "--mcp-config", settings, "--strict-mcp-config"]
    command += ["--allowedTools", "mcp__notes"]
    environment = {**os.environ, **own}
    return subprocess.run(
        command,
        cwd=home,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--claude", type=Path)
    options.add_argument("--data", help="not used: made-up work")
    given = options.parse_args()
    if given.claude is None:
        skip("give --claude PATH, the binary that claude-agent-sdk carries in _bundled/")
    version = subprocess.run([given.claude, "--version"], capture_output=True, text=True, check=True).stdout.strip()
    heading("mcp_claude", "made-up work", claude=version, calls=len(CALLS))
    held = True
    for way in ("stdio", "http"):
        with tempfile.TemporaryDirectory() as name:
            found = _tried(way, given.claude, Path(name))
        held &= all(found.values())
        for check, good in found.items():
            print(f"  {way}: {'yes' if good else 'NO '}  {check}")
    record_figures(claude=version, held=held)
    print(f"  {'reached' if held else 'MISSED'}")
    return int(not held)


def _tried(way: str, claude: Path, folder: Path) -> Mapping[str, bool]:
    notes = folder / "notes"
    notes.mkdir()
    (notes / "leave.md").write_text(PAGE, encoding="utf-8")
    with MessagesServer(script) as provider:
        if way == "stdio":
            arguments = ["-m", "agentmem", "serve", "--mcp", "--workspace", str(notes)]
            done = run(claude, folder, provider.url, {"command": sys.executable, "args": arguments})
        else:
            token, tokens = one_token()
            with served(Offer(notes), tokens) as server:
                headers = {"Authorization": f"Bearer {token}"}
                done = run(claude, folder, provider.url, {"type": "http", "url": server.url, "headers": headers})
        bodies = [one for one in provider.bodies if results(one)]
    return _checks(done, bodies, notes, folder)


def _checks(done: subprocess.CompletedProcess[str], bodies: list[Any], notes: Path, folder: Path) -> Mapping[str, bool]:
    seen = results(bodies[-1]) if bodies else []
    if done.returncode or len(seen) < len(CALLS):
        print(done.stdout[-1_000:], done.stderr[-1_000:])
    left = [
        place.parent.name
        for place in Path("/proc").glob("[0-9]*/cmdline")
        if str(folder).encode() in _line(place) and b"serve" in _line(place)
    ]
    return {
        "Claude Code ended well": done.returncode == 0 and "Twelve weeks." in done.stdout,
        "find and read gave the page": len(seen) > 1 and "leave.md" in seen[0] and "twelve weeks" in seen[1],
        "a tool that is not offered writes nothing": (notes / "leave.md").read_text(encoding="utf-8") == PAGE,
        "no server is left": not left,
    }


def _line(place: Path) -> bytes:
    try:
        return place.read_bytes()
    except OSError:
        return b""


if __name__ == "__main__":
    sys.exit(main())
