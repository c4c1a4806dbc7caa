"""A coding agent's traffic, turn by turn, as bodies of Anthropic's Messages API: no fault in it, or one put in.

The agent works in a loop: it reads files, searches, runs tests and edits, often in several calls at once; now and then
a person says something. A fault is a function that changes what would have been sent, as a careless program would.
"""

import base64
import copy
import random
import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

Body = dict[str, Any]
Fault = Callable[["Turn", Body], Body]

START = 1_795_000_000.0
WORDS = """
    parser buffer socket retry timeout cache index router handler schema token stream worker queue commit branch
    config loader metric logger session cursor widget layout render signal thread kernel vector matrix tensor batch
""".split()  # noqa: SIM905 (a list of 32 strings reads worse)
TOOLS = ("read_file", "write_file", "edit_file", "list_dir", "search", "run_tests", "shell", "fetch", "plan")


@dataclass(slots=True)
class Turn:
    """One request about to be sent: its number from 0, when, and the dice of its run."""

    number: int
    at: float
    dice: random.Random


@dataclass
class CodingAgent:
    """``blocks`` is how many calls a turn may have; ``words`` the size of the system prompt; ``marks``: see `mark`."""

    seed: int
    turns: int = 30
    model: str = "claude-sonnet-5"
    words: int = 1400
    tools: int = len(TOOLS)
    calls: int = 3
    burst: int | None = None
    pictures: tuple[int, ...] = ()
    result_words: tuple[int, int] = (30, 400)
    fault: Fault | None = None
    started: float = START
    dice: random.Random = field(init=False)

    def __post_init__(self) -> None:
        self.dice = random.Random(self.seed)

    def requests(self) -> Iterator[tuple[float, Body]]:
        """(When, body) of each request, in order; every body is a copy of its own."""
        at = self.started
        messages = [_user(f"Please find out why {self._words(40)} fails, and mend it.")]
        head = {"tools": [self._tool(name) for name in TOOLS[: self.tools]], "system": self._system()}
        for number in range(self.turns):
            body = {"model": self.model, "max_tokens": 4096, **head, "messages": messages}
            body = copy.deepcopy(body)
            turn = Turn(number, at, self.dice)
            mark(body)
            yield at, (self.fault(turn, body) if self.fault else body)
            messages = [*messages, *self._goes_on(number)]
            at += self.dice.uniform(4.0, 45.0)

    def _goes_on(self, number: int) -> list[Body]:
        """What the model replied, and what the tools, or a person, said to that."""
        if number % 9 == 8:
            return [
                {"role": "assistant", "content": [{"type": "text", "text": f"Done: {self._words(30)}."}]},
                _user(f"Good. Now look at {self._words(25)} as well."),
            ]
        count = self.burst if number == self.turns // 2 and self.burst else self.dice.randint(1, self.calls)
        ids = [f"toolu_{self.dice.getrandbits(64):016x}" for _ in range(count)]
        said = {"type": "text", "text": f"Let me see {self._words(12)}."}
        results = [self._result(one) for one in ids]
        if number in self.pictures:
            results[-1]["content"].append(picture(number))
        return [
            {"role": "assistant", "content": [said, *map(self._call, ids)]},
            {"role": "user", "content": results},
        ]

    def _call(self, identity: str) -> Body:
        arguments = {"path": f"src/{self._words(1)}/{self._words(1)}.py", "limit": self.dice.randint(50, 400)}
        return {"type": "tool_use", "id": identity, "name": self.dice.choice(TOOLS[: self.tools]), "input": arguments}

    def _result(self, identity: str) -> Body:
        lines = "\n".join(f"{line:4} {self._words(8)}" for line in range(self.dice.randint(*self.result_words) // 8))
        return {"type": "tool_result", "tool_use_id": identity, "content": [{"type": "text", "text": lines or "ok"}]}

    def _system(self) -> list[Body]:
        rules = "\n".join(f"{number}. Always {self._words(9)}." for number in range(self.words // 10))
        return [
            {"type": "text", "text": "You are a careful engineer who works on one repository."},
            {"type": "text", "text": f"# House rules\n{rules}"},
        ]

    def _tool(self, name: str) -> Body:
        properties = {
            "path": {"type": "string", "description": f"Where: {self._words(8)}."},
            "limit": {"type": "integer", "description": f"How much: {self._words(8)}."},
            "mode": {"type": "string", "enum": ["fast", "whole", "raw"], "description": self._words(6)},
        }
        schema = {"type": "object", "properties": properties, "required": ["path"]}
        return {"name": name, "description": f"{name}: {self._words(40)}.", "input_schema": schema}

    def _words(self, count: int) -> str:
        return " ".join(self.dice.choices(WORDS, k=count))


def mark(body: Body, *, tail: bool = True, second: bool = False, system: bool = True) -> Body:
    """Breakpoints as good agents set them: the system prompt for an hour, the last block for five minutes.

    ``second`` marks the end of the request before as well.
    """
    if system:
        body["system"][-1]["cache_control"] = {"type": "ephemeral", "ttl": "1h"}
    users = [message for message in body["messages"] if message["role"] == "user"]
    for message in users[-1:] * tail + users[-2:-1] * second:
        message["content"][-1]["cache_control"] = {"type": "ephemeral"}
    return body


def unmarked(body: Body) -> Body:
    """The body without any breakpoint."""
    for block in (
        *body["tools"],
        *body["system"],
        *(one for message in body["messages"] for one in message["content"]),
    ):
        block.pop("cache_control", None)
    return body


def picture(shade: int) -> Body:
    """A real PNG of 320 × 200 pixels."""
    rows = b"".join(b"\0" + bytes((shade + row) % 256 for _ in range(320)) for row in range(200))

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 320, 200, 8, 0, 0, 0, 0)
    data = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return {
        "type": "image",
        "source": {"type": "base64", "media_type": "image/png", "data": base64.b64encode(data).decode()},
    }


def _user(text: str) -> Body:
    return {"role": "user", "content": [{"type": "text", "text": text}]}
