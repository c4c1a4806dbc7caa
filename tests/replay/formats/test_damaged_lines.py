"""A line that was damaged but is still JSON: in every format of lines it is named, and is no request."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from agentmem.errors import ConfigError
from agentmem.replay.parallel import ReplayPlan, replay_all
from agentmem.replay.session import RecordedSession, SkippedLine
from agentmem.report.loading import diagnose_path
from tests.replay.formats import test_agents as agents
from tests.replay.formats import test_odd_usage as logs
from tests.replay.formats.test_codex import item
from tests.replay.formats.test_other_formats import everything

TEXT = [{"type": "text", "text": "Seven."}]
MODEL = "claude-opus-4-6"


def claude(message: Any) -> dict[str, Any]:
    return {"type": "assistant", "uuid": "x", "timestamp": "2026-03-01T10:00:01Z", "message": message}


def wire(response: Any, **request: Any) -> dict[str, Any]:
    asked = {"model": MODEL, "messages": [{"role": "user", "content": "How many?"}], **request}
    return {"at": 0.5, "request": asked, "response": response}


def qwen(**message: Any) -> dict[str, Any]:
    return {"uuid": "x", "sessionId": "s1", "timestamp": "2026-05-01T10:00:04Z", "type": "assistant", **message}


USED = {"input_tokens": 900, "output_tokens": 3}
DAMAGED: Mapping[str, tuple[Callable[[Path], Path], Mapping[str, Any]]] = {
    "claude-code": (
        logs.claude_code,
        {
            "a message that is a number": claude(7),
            "a message that is true": claude(True),
            "no message": {"type": "assistant", "uuid": "x"},
            "null": claude(None),
            "an empty message": claude({}),
            "a content that is a number": claude({"id": "x", "model": MODEL, "content": 7}),
            "nothing said and nothing used": claude({"id": "x", "model": MODEL, "content": []}),
            "no model": claude({"id": "x", "content": TEXT, "usage": USED}),
            "a model that is a number": claude({"id": "x", "model": 7, "content": TEXT, "usage": USED}),
            "a usage that is a number": claude({"id": "x", "model": MODEL, "content": TEXT, "usage": 7}),
            "a usage that is a list": claude({"id": "x", "model": MODEL, "content": TEXT, "usage": []}),
            "a usage that is text": claude({"id": "x", "model": MODEL, "content": TEXT, "usage": "many"}),
        },
    ),
    "wire-log": (
        logs.wire_log,
        {
            "a response that is a number": wire(7),
            "an empty response": wire({}),
            "a content that is a number": wire({"content": 7}),
            "a message that is a number": wire({"content": TEXT}, messages=[7]),
            "messages that are a number": wire({"content": TEXT}, messages=7),
            "a message's content that is a number": wire({"content": TEXT}, messages=[{"role": "user", "content": 7}]),
            "no model": wire({"content": TEXT}, model=None),
            "a model that is a number": wire({"content": TEXT}, model=7),
            "a usage that is a number": wire({"content": TEXT, "usage": 7}),
        },
    ),
    "codex": (
        logs.codex,
        {
            "a message that is a number": item("response_item", 4, type="message", role="assistant", content=7),
            "a payload that is a number": {"type": "response_item", "payload": 7},
        },
    ),
    "qwen": (
        agents.qwen,
        {
            "a message that is a number": qwen(message=7),
            "parts that are a number": qwen(message={"parts": 7}),
            "a part that is a number": qwen(message={"parts": [7]}),
        },
    ),
}
"""Of each format a small log, and lines that may stand in it."""
CASES = [(name, why) for name, (_, lines) in DAMAGED.items() for why in lines]


def told(path: Path) -> tuple[list[tuple[str, Any]], list[int]]:
    """The models and usages of all requests, and the lines that were passed over."""
    with TemporaryDirectory() as folder:
        found = everything(path, Path(folder))
    exchanges = [one for session in found if isinstance(session, RecordedSession) for one in session.exchanges]
    return [(one.model, one.usage) for one in exchanges], [one.line for one in found if isinstance(one, SkippedLine)]


@pytest.mark.parametrize(("name", "why"), CASES)
def test_a_damaged_line_is_named_and_is_no_request(name: str, why: str, tmp_path: Path) -> None:
    """The requests and what they used are those of the log without the line, and the line is named."""
    write, lines = DAMAGED[name]
    path = write(tmp_path)
    clean, _ = told(path)
    whole = path.read_text(encoding="utf-8").splitlines()
    at = len(whole) - 1
    path.write_text("\n".join([*whole[:at], json.dumps(lines[why]), *whole[at:]]) + "\n", encoding="utf-8")
    damaged, named = told(path)
    assert damaged == clean
    assert named == [at + 1]


def test_a_message_in_a_list_that_is_none(tmp_path: Path) -> None:
    """A list of messages names each by the list's line."""
    wrong = ({"role": "assistant"}, {"role": "assistant", "content": 7}, {"role": "user", "content": 7})
    for number, message in enumerate(wrong):
        folder = tmp_path / str(number)
        folder.mkdir()
        path = logs.message_list(folder)
        clean, _ = told(path)
        value = json.loads(path.read_text(encoding="utf-8"))
        value["messages"].insert(2, message)
        path.write_text(json.dumps(value), encoding="utf-8")
        assert told(path) == (clean, [1])


def test_a_damaged_line_hides_no_expiry(tmp_path: Path) -> None:
    """What the cache lost is found behind it as before."""
    records = []
    for at, (minute, written, read) in enumerate(((0, 9_000, 0), (30, 9_400, 0))):
        used = {"input_tokens": 5, "output_tokens": 9, "cache_creation_input_tokens": written}
        message = {"id": f"m{at}", "model": MODEL, "content": TEXT, "usage": {**used, "cache_read_input_tokens": read}}
        stamp = {"timestamp": f"2026-03-01T10:{minute:02}:00Z", "sessionId": "s"}
        records.append({"type": "user", "uuid": f"u{at}", "message": {"content": f"How many {at}?"}, **stamp})
        records.append({"type": "assistant", "uuid": f"a{at}", "message": message, **stamp})
    damaged = claude(7)
    path = tmp_path / "log.jsonl"
    path.write_text("\n".join(map(json.dumps, [*records[:3], damaged, records[3]])), encoding="utf-8")
    found = diagnose_path(path)
    assert [one.cause for _, one in found.losses] == ["expiry"]
    assert (found.requests, [one.line for one in found.skipped]) == (2, [4])


def test_a_file_that_cannot_be_read_has_no_line(tmp_path: Path) -> None:
    """The error of a replay names the file, and a line only where there is one."""
    path = tmp_path / "log.jsonl"
    for text, place in (("", f"{path}: "), ('{"type": "assistant", "message": 7}\n', f"{path}:1: ")):
        path.write_text(text, encoding="utf-8")
        with pytest.raises(ConfigError) as caught:
            replay_all(ReplayPlan((path,), ("recorded",), jobs=1))
        assert place in str(caught.value) and ":0" not in str(caught.value)
