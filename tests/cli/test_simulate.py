"""agentmem.cli.simulate, as a process of its own that the official SDK talks to."""

import json
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import anthropic
import pytest

from tests.cli.invoke import invoke
from tests.cli.test_process import AGENTMEM, environment

MODEL = "claude-opus-5-5"
LONG = "The same words again and again. " * 400
SCRIPT = """
- text: I look at the page first.
  calls:
    - read: {page: Team.md}
- Ada leads the team.
"""


class Server:
    """A running `agentmem simulate --serve`."""

    def __init__(self, process: "subprocess.Popen[str]", greeting: list[str]) -> None:
        self.process = process
        self.greeting = greeting

    @property
    def url(self) -> str:
        return self.greeting[0].split(": ")[-1]

    def lines(self, count: int) -> list[str]:
        """The next lines of its log."""
        assert self.process.stdout
        return [self.process.stdout.readline().strip() for _ in range(count)]

    def stop(self) -> tuple[int, str, str]:
        """Ctrl-C: the exit code and the rest of both streams."""
        self.process.send_signal(signal.SIGINT)
        out, err = self.process.communicate(timeout=60)
        return self.process.returncode, out, err


@contextmanager
def serving(*arguments: str | Path, greeting: int = 4) -> Iterator[Server]:
    """The command, once it serves."""
    process = subprocess.Popen(
        [*AGENTMEM, "simulate", "--serve", *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(PYTHONUNBUFFERED="1"),
    )
    try:
        assert process.stdout
        yield Server(process, [process.stdout.readline().strip() for _ in range(greeting)])
    finally:
        process.kill()
        process.communicate()


def ask(client: anthropic.Anthropic, **changes: Any) -> anthropic.types.Message:
    """One request with a long first block that is marked for the cache."""
    block: Any = {"type": "text", "text": LONG, "cache_control": {"type": "ephemeral"}}
    body: Any = {"model": MODEL, "max_tokens": 100, "messages": [{"role": "user", "content": [block]}], **changes}
    reply: anthropic.types.Message = client.messages.create(**body)
    return reply


def test_the_official_sdk_is_measured() -> None:
    """The second of two equal requests reads what the first wrote; each has a line with its numbers and dollars."""
    with serving() as server:
        assert server.greeting[2:] == [
            f"export ANTHROPIC_BASE_URL={server.url}",
            "export ANTHROPIC_API_KEY=simulated",
        ]
        with anthropic.Anthropic(base_url=server.url, api_key="simulated", max_retries=0) as client:
            first, second = ask(client), ask(client)
            with client.messages.stream(
                model=MODEL, max_tokens=100, messages=[{"role": "user", "content": "hello"}]
            ) as stream:
                said = stream.get_final_text()
        lines = server.lines(3)
        code, _, rest = server.stop()
    written = first.usage.cache_creation_input_tokens or 0
    assert written > 1_000
    assert second.usage.cache_read_input_tokens == written
    assert said == "You said: hello"
    assert f"written {written:>9,}" in lines[0]
    assert f"cached {written:>9,}" in lines[1]
    assert all(line.startswith(MODEL) and "$0.0" in line for line in lines)
    assert (code, rest.splitlines()[-1].split(",")[0]) == (0, "3 requests")
    assert "Traceback" not in rest


def test_a_script_replies(tmp_path: Path) -> None:
    """One turn a request, calls included; after the last the API's error says so, and the log too."""
    (tmp_path / "script.yaml").write_text(SCRIPT)
    with serving("--script", tmp_path / "script.yaml") as server:
        with anthropic.Anthropic(base_url=server.url, api_key="x", max_retries=0) as client:
            first, second = ask(client), ask(client)
            with pytest.raises(anthropic.BadRequestError, match="no reply left"):
                ask(client)
        code, _, complaints = server.stop()
    assert [block.type for block in first.content] == ["text", "tool_use"]
    assert first.stop_reason == "tool_use"
    assert second.content[0].to_dict() == {"type": "text", "text": "Ada leads the team."}
    assert code == 0
    assert "/v1/messages refused with 400" in complaints


def test_lines_of_json(tmp_path: Path) -> None:
    """With --json every line is an object: the address, a count, a request with its sums and price."""
    with serving("--json", "--model", MODEL, greeting=1) as server:
        url = json.loads(server.greeting[0])["url"]
        with anthropic.Anthropic(base_url=url, api_key="x", max_retries=0) as client:
            counted = client.messages.count_tokens(model="mine", messages=[{"role": "user", "content": "hello"}])
            reply = ask(client, model="mine")
        count, line = (json.loads(one) for one in server.lines(2))
        code, out, _ = server.stop()
    assert count["counted_tokens"] == counted.input_tokens > 0
    used = reply.usage
    assert line["model"] == "mine"
    assert line["basis"] == "simulated"
    assert line["cache_write_5m_tokens"] == used.cache_creation_input_tokens
    assert line["input_tokens"] == used.input_tokens + line["cache_write_5m_tokens"]
    assert line["cost_usd"] > 0
    assert (code, out) == (0, "")


def test_a_model_without_a_price() -> None:
    """Its dollars are unknown, never zero."""
    with serving() as server:
        with anthropic.Anthropic(base_url=server.url, api_key="x", max_retries=0) as client:
            ask(client, model="nobody-knows-me")
        [line] = server.lines(1)
        server.stop()
    assert line.endswith("price unknown")


def test_what_cannot_be_served(tmp_path: Path) -> None:
    """Without --serve, with a taken port or a broken script the error says what to do."""
    (tmp_path / "script.yaml").write_text("no: list")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        for arguments, said in (
            ((), "--serve"),
            (("--serve", "--port", port), "another --port"),
            (("--serve", "--script", str(tmp_path / "script.yaml")), "a list of turns"),
            (("--serve", "--script", str(tmp_path / "none.md")), "cannot be read"),
        ):
            result = invoke("simulate", *arguments)
            assert result.exit_code == 2
            assert said in " ".join(result.stderr.split())
