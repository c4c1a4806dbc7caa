"""agentmem.cli.serve: what is refused before anything is served, and a server as a process of its own."""

import json
import signal
import subprocess
from pathlib import Path

import httpx2

from tests.cli.invoke import invoke
from tests.cli.test_process import AGENTMEM, environment


def test_what_cannot_be_served_is_refused(tmp_path: Path) -> None:
    """Without --mcp, with a missing folder, with tokens on stdio and on a public address without them it says why."""
    refusals = [
        (["serve"], "say what to serve"),
        (["serve", "--mcp", "-w", str(tmp_path / "none")], "there is no folder"),
        (["serve", "--mcp", "-w", str(tmp_path), "--tokens", "a.toml"], "--tokens is for --http"),
        (["serve", "--mcp", "--http", "-w", str(tmp_path), "--host", "0.0.0.0"], "with --tokens FILE"),
        (["serve", "--mcp", "--http", "-w", str(tmp_path), "--tokens", str(tmp_path / "a.toml")], "cannot be read"),
    ]
    for arguments, said in refusals:
        result = invoke(*arguments)
        assert result.exit_code == 2 and said in " ".join(result.stderr.split())


def test_it_greets_with_its_address_and_a_new_token_and_ends_at_ctrl_c(tmp_path: Path) -> None:
    """The address and the token that it prints work; an interrupt ends it."""
    (tmp_path / "a.md").write_text("# A\n")
    command = [*AGENTMEM, "serve", "--mcp", "--http", "--json", "-w", str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment()) as process:
        assert process.stdout
        told = json.loads(process.stdout.readline())
        headers = {"authorization": f"Bearer {told['token']}", "accept": "application/json, text/event-stream"}
        body = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
        found = httpx2.post(told["url"], json=body, headers=headers).json()["result"]["tools"]
        assert [one["name"] for one in found] == ["find", "read", "list", "recall", "answers", "report", "why"]
        process.send_signal(signal.SIGINT)
        process.wait(30)
    assert told["schema"] == 1 and told["url"].startswith("http://127.0.0.1:")
