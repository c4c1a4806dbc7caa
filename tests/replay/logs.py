"""Logs as Claude Code writes them, made record by record."""

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any

from agentmem.replay.formats.claude_code import ClaudeCode
from agentmem.replay.session import RecordedSession, SkippedLine
from agentmem.replay.source import RecordingSource, Spool

START = 1_760_000_000.0
HEAD = 20_000
"""Tokens of tools, system and reminders in front of the first prompt, which the log does not hold."""


class Log:
    """A log that grows; each record follows the one before, one second later, unless told otherwise."""

    def __init__(self, model: str = "claude-opus-4-6") -> None:
        self.records: list[dict[str, Any]] = []
        self.model, self.now = model, START
        self._numbers = count(1)
        self.last: str | None = None

    def add(self, type_: str, parent: str | None = "", **fields: Any) -> str:
        """Append a record; gives its uuid."""
        uuid = f"record-{next(self._numbers)}"
        self.now += 1
        stamp = datetime.fromtimestamp(self.now, UTC).isoformat().replace("+00:00", "Z")
        base = {"type": type_, "uuid": uuid, "parentUuid": self.last if parent == "" else parent, "timestamp": stamp}
        self.records.append({**base, **fields})
        self.last = uuid
        return uuid

    def prompt(self, text: str, parent: str | None = "", **fields: Any) -> str:
        """A person's message."""
        return self.add("user", parent, message={"role": "user", "content": text}, **fields)

    def result(self, call: str, text: str, **fields: Any) -> str:
        """A tool's result."""
        block = {"type": "tool_result", "tool_use_id": call, "content": text}
        return self.add("user", message={"role": "user", "content": [block]}, **fields)

    def reply(self, identity: str, *blocks: dict[str, Any], usage: dict[str, Any] | None = None, **fields: Any) -> str:
        """A reply, one line for each block, as Claude Code writes it."""
        for block in blocks:
            message = {"role": "assistant", "model": self.model, "id": identity, "content": [block]}
            self.add("assistant", message={**message, "usage": usage or used(0, HEAD, 0)}, **fields)
        return self.last or ""

    def write(self, path: Path) -> Path:
        """The log as a file."""
        path.write_text("".join(json.dumps(record) + "\n" for record in self.records), encoding="utf-8")
        return path

    def session(self, folder: Path) -> RecordedSession:
        """The main conversation, read back."""
        return next(one for one in read(self.write(folder / "log.jsonl")) if isinstance(one, RecordedSession))


def used(uncached: int, written: int, read: int) -> dict[str, Any]:
    """Usage as the API writes it."""
    return {
        "input_tokens": uncached,
        "cache_creation_input_tokens": written,
        "cache_read_input_tokens": read,
        "cache_creation": {"ephemeral_5m_input_tokens": written, "ephemeral_1h_input_tokens": 0},
        "output_tokens": 5,
    }


def text(words: str) -> dict[str, Any]:
    """A text block."""
    return {"type": "text", "text": words}


def call(identity: str, name: str = "Bash", **arguments: Any) -> dict[str, Any]:
    """A call of a tool."""
    return {"type": "tool_use", "id": identity, "name": name, "input": arguments}


def working(turns: int, *, model: str = "claude-opus-4-6", steps: int = 3) -> Log:
    """A log of ``turns`` prompts with ``steps`` tool calls each; usage is right for the first request only."""
    log = Log(model)
    numbers = count(1)
    for turn in range(turns):
        log.prompt(f"Please look at part {turn} of the work. " * 5)
        for _ in range(steps):
            number = next(numbers)
            log.reply(
                f"msg_{number}", text(f"I look at file_{number}.py."), call(f"call_{number}", path=f"src/{number}")
            )
            log.result(f"call_{number}", f"line {number} of what is there\n" * 40)
        log.reply(f"msg_end_{turn}", text("That is all there is."))
        log.now += 60
    return log


def read(path: Path) -> list[RecordedSession | SkippedLine]:
    """Everything that a file holds."""
    reader = ClaudeCode()
    found: Iterable[RecordingSource | SkippedLine] = list(reader.sources(path, Spool(path.parent)))
    return [one for source in found if isinstance(source, RecordingSource) for one in reader.sessions(source)]
