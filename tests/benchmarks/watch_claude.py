"""The real Claude Code behind the meter, against a scripted provider on loopback: are the counts the same everywhere?

It works on a folder of its own: two commands by its Bash tool, then an answer. The usage is the simulator's. The
meter's log, Claude Code's own log and the provider must tell of the same requests with the same tokens, every request
must be of one session, and no key may stand in the log. The binary comes with the package claude-agent-sdk (400 MB).

    python -m tests.benchmarks.watch_claude [--claude PATH] [--json FILE]
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from agentmem.kvcache.simulated.events import ServerAnswer
from agentmem.kvcache.simulated.server import MessagesServer
from agentmem.meter.report import report
from agentmem.report.loading import Observed, load_paths, split
from agentmem.types import Json
from tests.benchmarks.data import skip
from tests.benchmarks.heading import commit, heading, record_figures

KEY = "sk-ant-api03-" + "benchmark" * 5
COMMANDS = ("echo one > one.txt && cat one.txt", "wc -c one.txt")
NUMBERS = ("requests", "input_tokens", "cache_read_tokens", "cache_write_5m_tokens", "cache_write_1h_tokens")


def script(body: Json) -> ServerAnswer:
    """The next command, by how many results the conversation has; then an answer. Other agents get one word."""
    blocks = [
        block for message in body["messages"] if not isinstance(message["content"], str) for block in message["content"]
    ]
    done = sum(block.get("type") == "tool_result" for block in blocks)
    if not any(tool.get("name") == "Bash" for tool in body.get("tools") or ()):
        return ServerAnswer.text("Files")
    if done < len(COMMANDS):
        call = {"type": "tool_use", "id": f"toolu_{done:024}", "name": "Bash", "input": {"command": COMMANDS[done]}}
        return ServerAnswer([{"type": "text", "text": "I look."}, call])
    return ServerAnswer.text("There are four bytes.")


def run(claude: Path, folder: Path, url: str) -> int:
    """Run Claude Code behind the meter, on a home folder of its own. Gives the exit code."""
    work, home = folder / "work", folder / "home"
    work.mkdir()
    home.mkdir()
    own = {"HOME": str(home), "ANTHROPIC_API_KEY": KEY, "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1"}
    asked = [str(claude), "-p", "How long is the file one.txt when you have made it?", "--allowedTools", "Bash"]
    command = [
        sys.executable,
        "-m",
        "agentmem",
        "watch",
        "--upstream",
        url,
        "--log",
        str(folder / "wire.jsonl"),
        "--",
        *asked,
    ]
    done = subprocess.run(
        command, cwd=work, env={**os.environ, **own}, stdin=subprocess.DEVNULL, check=False, timeout=600
    )
    return done.returncode


def numbers(observed: list[Observed]) -> dict[str, Any]:
    """The counts of all conversations."""
    made = report([row for one in observed for row in one.rows])
    return {name: made[name] for name in NUMBERS}


def main() -> int:
    """Run, compare, and say whether all agree."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--claude", type=Path, default=shutil.which("claude"), help="by default the one on the PATH")
    options.add_argument("--json", type=Path)
    options.add_argument("--data", help="ignored: made-up work")
    given = options.parse_args()
    if given.claude is None:
        skip("give --claude PATH, the binary that claude-agent-sdk carries in _bundled/")
    version = subprocess.run([given.claude, "--version"], capture_output=True, text=True, check=True).stdout.strip()
    heading("Claude Code behind the meter", "made-up work", claude=version, commands=len(COMMANDS))
    with tempfile.TemporaryDirectory() as name, MessagesServer(script) as server:
        folder = Path(name)
        code = run(given.claude, folder, server.url)
        wire = split(load_paths([folder / "wire.jsonl"]))[0]
        logs = split(load_paths([folder / "home" / ".claude" / "projects"]))[0]
        text = (folder / "wire.jsonl").read_text()
        served = len(server.bodies)
    found = {"commit": commit(), "version": version, "served": served, "wire": numbers(wire), "own_log": numbers(logs)}
    lines = [json.loads(line) for line in text.splitlines()]
    checks = {
        "Claude Code ended well": code == 0,
        "every request is in the log": len(lines) == served,
        "tokens are those of Claude Code's own log": found["wire"] == found["own_log"],
        "one session": len({line.get("session") for line in lines}) == 1,
        "no loss is told": not [finding for one in wire for finding in one.findings],
        "no key in the log": KEY not in text,
    }
    print(json.dumps(found, indent=2))
    for check, held in checks.items():
        print(f"{'yes' if held else 'NO '}  {check}")
    record_figures(**found, checks=checks)
    if given.json:
        given.json.write_text(json.dumps({**found, "checks": checks}, indent=2))
    return 0 if all(checks.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
