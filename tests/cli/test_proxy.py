"""agentmem.cli.proxy."""

import json
import socket
import sys
from pathlib import Path

from agentmem.kvcache.simulated.server import MessagesServer
from tests.cli.invoke import invoke

CHILD = """
import anthropic, sys
client = anthropic.Anthropic(api_key="none")
said = [{"role": "user", "content": "How many A12 are left? " * 300}]
for _ in range(3):
    reply = client.messages.create(model="claude-opus-5", max_tokens=50, messages=said,
                                   cache_control={"type": "ephemeral"})
    said += [{"role": "assistant", "content": "Seven."}, {"role": "user", "content": "And now?"}]
print("the child's own words")
sys.exit(3)
"""


def test_a_command_is_metered_and_its_end_is_ours(tmp_path: Path) -> None:
    """The child finds the meter by its environment; the report is on stderr, the exit code is the child's."""
    page = tmp_path / "page.html"
    log = tmp_path / "log.jsonl"
    with MessagesServer() as server:
        ended = invoke(
            "watch", "--upstream", server.url, "--log", log, "-o", page, "--json", "--", sys.executable, "-c", CHILD
        )
    assert ended.exit_code == 3, ended.stderr
    told = json.loads(next(line for line in ended.stderr.splitlines() if line.startswith("{")))
    assert (told["requests"], told["sessions"], told["basis"]) == (3, 1, "simulated")
    assert told["cache_read_tokens"] > 0
    assert told["input_tokens"] == sum(_inputs(log))
    assert page.stat().st_size > 10_000
    assert ended.stdout == ""


def _inputs(log: Path) -> list[int]:
    used = [json.loads(line)["response"]["usage"] for line in log.read_text().splitlines()]
    return [one["input_tokens"] + one["cache_read_input_tokens"] + one["cache_creation_input_tokens"] for one in used]


def test_people_see_the_table_and_where_the_log_is(tmp_path: Path) -> None:
    """Without --json the report is a table, and the next command is named."""
    log = tmp_path / "log.jsonl"
    with MessagesServer() as server:
        ended = invoke("watch", "--upstream", server.url, "--log", log, "--", sys.executable, "-c", CHILD)
    shown = " ".join(ended.stderr.split())
    assert "cache hit rate" in shown
    assert "agentmem why" in shown


def test_a_command_without_requests_says_so(tmp_path: Path) -> None:
    """No log, no table."""
    ended = invoke("watch", "--log", tmp_path / "log.jsonl", "--", sys.executable, "-c", "pass")
    assert ended.exit_code == 0
    assert "No request of a model passed by" in ended.stderr
    assert not (tmp_path / "log.jsonl").exists()


def test_a_command_whose_requests_were_refused_hears_why(tmp_path: Path) -> None:
    """How many there were, and what was said to the last: here that nothing listens, and what to do."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        closed = f"http://127.0.0.1:{taken.getsockname()[1]}"
    post = "httpx.post(os.environ['ANTHROPIC_BASE_URL'] + '/v1/messages', json={'model': 'm'})"
    twice = f"import os, httpx\nfor _ in range(2):\n    {post}"
    log = tmp_path / "log.jsonl"
    ended = invoke("watch", "--upstream", closed, "--log", log, "--", sys.executable, "-c", twice)
    shown = " ".join(ended.stderr.split())
    assert "all 2 of them were refused (HTTP 502): agentmem could not reach" in shown
    assert "Start the server there" in shown


def test_what_cannot_work_is_refused(tmp_path: Path) -> None:
    """No command, a command that is not there, an address that is none."""
    for arguments, told in (
        (("watch",), "say what to run"),
        (("watch", "--", "no-such-command-here"), "cannot be run"),
        (("watch", "--upstream", "here", "--", "true"), "is no address"),
    ):
        ended = invoke(*arguments)
        assert ended.exit_code == 2
        assert told in " ".join(ended.stderr.split())
