"""A desk on which agents have worked: Claude Code's logs of several projects, and the wire log of another agent.

Everything is made from a seed, with the usage that Anthropic's rules give: what was sent before is read while it lives.
"""

import json
import random
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

NOON = 1_795_953_600.0  # 2026-11-29 12:00 UTC
LIFETIME = 300.0
HEAD = 17_400
MODEL, SMALL = "claude-opus-4-6", "claude-haiku-4-5"

PROMPTS = (
    "Move the booking API from Flask to Starlette and keep its tests green",
    "Why does the invoice PDF lose its last line when a customer has two addresses?",
    "Write a migration that splits full_name into given and family names",
    "The nightly import is slow: find out where the time goes and fix the worst of it",
    "Add a dark theme to the settings page, with tests in a real browser",
    "Review the open pull request on rate limits and say what you would change",
    "Explain how sessions are refreshed, then write it down in docs/sessions.md",
    "Make the search box forgive typos, without a new dependency",
    "Upgrade to the newest client of the payment provider and read its changelog first",
    "Our CI fails on Windows only; reproduce it from the log and propose a fix",
    "Delete the feature flag for the old checkout and everything behind it",
    "Draft release notes for 4.2 from the commits since 4.1",
)
PROJECTS = ("harbour-booking", "paperboy", "tide-tables", "kiosk")

SOURCE = '''from datetime import datetime, timedelta

from harbour.errors import Conflict
from harbour.models import Berth, Booking


def free_berths(berths: list[Berth], start: datetime, nights: int) -> list[Berth]:
    """The berths that nobody has booked for any of these nights, the cheapest first."""
    end = start + timedelta(days=nights)
    taken = {booking.berth for berth in berths for booking in berth.bookings if overlaps(booking, start, end)}
    return sorted((berth for berth in berths if berth.name not in taken), key=lambda berth: berth.price)


def book(berth: Berth, guest: str, start: datetime, nights: int) -> Booking:
    """A booking of ``berth``. Raises Conflict if somebody has it for one of the nights."""
    if any(overlaps(one, start, start + timedelta(days=nights)) for one in berth.bookings):
        raise Conflict(f"{berth.name} is taken on {start:%d %B}")
    return berth.add(guest, start, nights)
'''

ANSWER = """The handlers are plain functions of a request now. Three things changed on the way:

1. **Errors** are one exception handler instead of a decorator on each route.
2. `request.args` became `request.query_params`, which keeps repeated keys.
3. The test client is `starlette.testclient.TestClient`; the fixtures stay as they were.

| route | before | after |
|---|---|---|
| `GET /berths` | `views.berths` | `routes.berths` |
| `POST /bookings` | `views.book` | `routes.book` |

```python
routes = [
    Route("/berths", berths),
    Route("/bookings", book, methods=["POST"]),
]
```

All **41 tests** pass. What is left is the admin page, which still renders through Jinja's Flask filter.
"""

SUMMARY = """This session is being continued from a previous conversation that ran out of context.

## What was asked
Move the booking API from Flask to Starlette and keep its tests green.

## What is done
- `harbour/routes.py` has all public routes; `harbour/views.py` is gone.
- Errors go through one handler in `harbour/app.py`.

## What is next
- The admin page (`harbour/admin.py`), then the README.
"""


class Session:
    """A log of Claude Code that grows, with its cache: `ask` and `work` append records, `write` makes the file."""

    def __init__(self, name: str, at: float, seed: int, model: str = MODEL) -> None:
        self.name, self.now, self.model = name, at, model
        self.records: list[dict[str, Any]] = []
        self.random = random.Random(seed)
        self.last: str | None = None
        self.context, self.cached, self.used = HEAD, 0, 0.0
        self._side: dict[str, tuple[str | None, int, int]] = {}

    def ask(self, words: str, **fields: Any) -> None:
        """A person's prompt."""
        self.context += len(words) // 4 + 4
        self._add("user", message={"role": "user", "content": words}, **fields)

    def work(self, *blocks: dict[str, Any], result: str = "", pause: float = 14.0, **fields: Any) -> None:
        """A reply of these blocks, and the result of its call if it has one."""
        self.now += pause
        alive = self.now - self.used < LIFETIME
        read = self.cached if alive else 0
        out = sum(len(json.dumps(block)) for block in blocks) // 4 + 30
        written = self.context - read
        usage = {
            "input_tokens": 4,
            "cache_read_input_tokens": read,
            "cache_creation_input_tokens": written,
            "cache_creation": {"ephemeral_5m_input_tokens": written, "ephemeral_1h_input_tokens": 0},
            "output_tokens": out,
        }
        self.used, self.cached = self.now, self.context
        identity = f"msg_{self.name}_{len(self.records)}"
        for block in blocks:
            message = {"role": "assistant", "model": self.model, "id": identity, "content": [block], "usage": usage}
            self._add("assistant", message=message, **fields)
        self.context += out
        called = next((block["id"] for block in blocks if block["type"] == "tool_use"), None)
        if called:
            self.now += self.random.uniform(0.5, 4)
            self.context += len(result) // 4 + 8
            content = [{"type": "tool_result", "tool_use_id": called, "content": result}]
            self._add("user", message={"role": "user", "content": content}, **fields)

    def compact(self, summary: str) -> None:
        """A compaction: the summary stands for all that was there."""
        self._add("system", None, subtype="compact_boundary", compactMetadata={"trigger": "auto"})
        self.context, self.cached = HEAD, min(self.cached, HEAD - 3_000)
        self.ask(summary, isCompactSummary=True)

    def delegate(self, agent: str, task: str, turns: int) -> None:
        """A sub-agent works on its own, beside."""
        kept = (self.last, self.context, self.cached, self.now, self.used)
        self.last, self.context, self.cached, self.used = None, 9_000, 0, 0.0
        side: dict[str, Any] = {"isSidechain": True, "agentId": agent}
        self.ask(task, **side)
        for turn in range(turns):
            call_ = call(f"{agent}_{turn}", "Grep", pattern=f"def test_.*{turn}", path="tests/")
            self.work(
                {"type": "text", "text": "Looking through the tests."}, call_, result=SOURCE[: 300 * (turn + 1)], **side
            )
        self.work({"type": "text", "text": "Nothing else imports `views`."}, **side)
        self.last, self.context, self.cached, self.now, self.used = kept

    def write(self, folder: Path) -> Path:
        """The log in the folder of its project."""
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{self.name}.jsonl"
        path.write_text("".join(json.dumps(record) + "\n" for record in self.records), encoding="utf-8")
        return path

    def _add(self, kind: str, parent: str | None = "", **fields: Any) -> None:
        uuid = f"{self.name}-{len(self.records)}"
        stamp = datetime.fromtimestamp(self.now, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        base = {"type": kind, "uuid": uuid, "parentUuid": self.last if parent == "" else parent, "timestamp": stamp}
        self.records.append({**base, "sessionId": self.name, **fields})
        self.last = uuid


def call(identity: str, name: str, **given: Any) -> dict[str, Any]:
    """A call of a tool."""
    return {"type": "tool_use", "id": identity, "name": name, "input": given}


def said(words: str) -> dict[str, Any]:
    """A text."""
    return {"type": "text", "text": words}


def featured(name: str = "0f3c", at: float = NOON) -> Session:
    """A session in which much happens: work, a pause that is too long, sub-agents, a compaction, more work."""
    one = Session(name, at, 7)
    one.ask(PROMPTS[0])
    files = ("harbour/views.py", "harbour/models.py", "tests/test_bookings.py", "harbour/errors.py", "README.md")
    for turn in range(16):
        path = files[turn % len(files)]
        if turn == 11:
            one.now += 1_200
            one.ask("I was away. Go on, and leave the admin page for later.")
        if turn == 6:
            one.delegate("a1f0", "Find everything that imports harbour.views", 6)
            one.delegate("b77c", "Which tests use the Flask client?", 4)
        if turn % 4 == 3:
            edit = call(
                f"e{turn}",
                "Edit",
                file_path=path,
                old_string="from flask import request",
                new_string="from starlette.requests import Request",
            )
            one.work(
                said("The import goes first."),
                edit,
                result="The file has been updated.",
            )
        else:
            one.work(
                said(f"I read `{path}` before I change it."),
                call(f"r{turn}", "Read", file_path=path),
                result=SOURCE * (2 + turn % 5),
            )
    one.work(said(ANSWER))
    one.now += 50
    one.ask("Good. Now the admin page, please.")
    for turn in range(10):
        one.work(
            said("Next the tests."),
            call(f"t{turn}", "Bash", command="pytest -q tests/test_admin.py"),
            result=f"{40 + turn} passed in 2.{turn} s\n" + SOURCE * 3,
        )
    one.compact(SUMMARY)
    for turn in range(12):
        one.work(
            said("I go on with `harbour/admin.py`."),
            call(f"u{turn}", "Read", file_path="harbour/admin.py"),
            result=SOURCE * (1 + turn % 3),
        )
    one.work(said(ANSWER))
    return one


def ordinary(number: int, at: float, source: str = SOURCE) -> Session:
    """A session like many."""
    one = Session(f"{number:04x}-{number * 7919 % 65536:04x}", at, number, MODEL if number % 5 else SMALL)
    one.ask(PROMPTS[(number * 5 + 1) % len(PROMPTS)])
    for turn in range(4 + number * 13 % 37):
        if one.random.random() < 0.04:
            one.now += 1_000
            one.ask("Go on.")
        one.work(
            said("I look at it."),
            call(f"c{turn}", "Read", file_path=f"src/part_{turn}.py"),
            result=source * one.random.randint(1, 4),
            pause=one.random.uniform(4, 40),
        )
    one.work(said(ANSWER))
    return one


def desk(folder: Path, sessions: int = 60, now: float = NOON) -> Path:
    """A folder like ~/.claude/projects with so many sessions of the last weeks; the featured one is the latest."""
    chosen = random.Random(3)
    for number in range(sessions - 1):
        age = chosen.uniform(0.1, 24) if number % 7 else chosen.uniform(0.1, 4)
        project = PROJECTS[number * 3 % len(PROJECTS)]
        ordinary(number, now - 86_400 * age).write(folder / f"-home-ada-{project}")
    featured(at=now).write(folder / f"-home-ada-{PROJECTS[0]}")
    return folder


PRICES = "\n".join(
    f"- Berth {name}: {price} a night, {metres} metres"
    for name, price, metres in (
        ("A1", "32 EUR", 9),
        ("A2", "34 EUR", 10),
        ("B1", "41 EUR", 12),
        ("B2", "41 EUR", 12),
        ("C1", "58 EUR", 16),
    )
)


def clocked(turns: int = 14, at: float = NOON - 7_200) -> Iterator[dict[str, Any]]:
    """The lines of a wire log whose agent writes the time into its system prompt: every minute breaks the prefix."""
    tools = [
        {
            "name": "look_up",
            "description": "Looks up a booking. " * 40,
            "input_schema": {"type": "object", "properties": {"guest": {"type": "string"}}},
        }
    ]
    messages: list[dict[str, Any]] = []
    sent = 0
    for turn in range(turns):
        minute = turn // 3
        rules = "\n".join(
            f"{number}. Rule {number} of the harbour office is kept by everybody." for number in range(1, 90)
        )
        now = f"It is {10 + minute // 60:02}:{minute % 60:02} on Sunday."
        system = f"You answer guests of a harbour.\n{now}\n\n{rules}\n\nPrices:\n{PRICES}"
        messages.append(
            {
                "role": "user",
                "content": f"Is berth B{turn % 2 + 1} free on {turn + 1} December? "
                + "It is for a boat of eleven metres. " * 30,
            }
        )
        size = (len(system) + len(tools[0]["description"]) + len(json.dumps(messages))) // 4
        fresh = turn % 3 == 0
        usage = {
            "input_tokens": 6,
            "cache_read_input_tokens": 0 if fresh else sent,
            "cache_creation_input_tokens": size - (0 if fresh else sent),
            "output_tokens": 60,
        }
        sent = size
        body = {
            "model": MODEL,
            "max_tokens": 500,
            "tools": tools,
            "system": [{"type": "text", "text": system, "cache_control": {"type": "ephemeral"}}],
            "messages": [
                *messages[:-1],
                {
                    "role": "user",
                    "content": [
                        {"type": "text", "text": messages[-1]["content"], "cache_control": {"type": "ephemeral"}}
                    ],
                },
            ],
        }
        reply = {"role": "assistant", "content": [said(f"Yes, **B{turn % 2 + 1}** is free. It costs 41 EUR a night.")]}
        yield {
            "at": at + 20 * turn,
            "path": "/v1/messages",
            "request": body,
            "seconds": 2.0,
            "first_byte_after": 0.6,
            "complete": True,
            "response": {**reply, "id": f"msg_w{turn}", "model": MODEL, "usage": usage, "stop_reason": "end_turn"},
        }
        messages.append(reply)


def wire_log(path: Path, turns: int = 14, at: float = NOON - 7_200) -> Path:
    """That log as a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(line) + "\n" for line in clocked(turns, at)), encoding="utf-8")
    return path
