"""The same small session in every shape in which logs were met: what was billed is read from each, or it is named."""

import bz2
import gzip
import json
import lzma
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from agentmem.errors import ConfigError
from agentmem.replay.parallel import ReplayPlan, replay_all, verify_all

Record = dict[str, Any]
MODEL = "claude-sonnet-4-5-20250929"
MOMENTS = ("2026-04-02T08:00:00Z", "2026-04-02T08:00:04Z", "2026-04-02T08:00:30Z", "2026-04-02T08:00:33Z")
USD = 2 * 10 * 3e-6 + 4_200 * 3.75e-6 + 4_000 * 0.3e-6 + 110 * 15e-6
"""By hand, at Claude Sonnet 4.5's list prices."""
COUNTS = {
    "requests": 2,
    "uncached_tokens": 20,
    "cache_write_5m_tokens": 4_200,
    "cache_read_tokens": 4_000,
    "output_tokens": 110,
}


def usage(written: int, read: int, output: int) -> Record:
    return {
        "input_tokens": 10,
        "cache_creation_input_tokens": written,
        "cache_read_input_tokens": read,
        "output_tokens": output,
    }


def replied(number: int, content: Any, used: Record) -> Record:
    message = {"id": f"msg_{number}", "role": "assistant", "model": MODEL, "content": content, "usage": used}
    return {"type": "assistant", "uuid": f"a{number}", "parentUuid": f"u{number}", "message": message}


def asked(number: int, content: Any) -> Record:
    parent = f"a{number - 1}" if number > 1 else None
    return {"type": "user", "uuid": f"u{number}", "parentUuid": parent, "message": {"role": "user", "content": content}}


def session(second: Any = "And the harbour?") -> list[Record]:
    """Two prompts and two replies."""
    records = [
        asked(1, "Where do the swifts nest? " * 40),
        replied(1, [{"type": "text", "text": "Below the eaves."}], usage(4_000, 0, 50)),
        asked(2, second),
        replied(2, [{"type": "text", "text": "In the crane."}], usage(200, 4_000, 60)),
    ]
    return [{**record, "timestamp": moment} for record, moment in zip(records, MOMENTS, strict=True)]


def jsonl(records: list[Record], end: str = "\n") -> str:
    return "".join(json.dumps(record) + end for record in records)


def changed(change: Callable[[Record], Record]) -> str:
    return jsonl([change(record) for record in session()])


def without(record: Record, *keys: str) -> Record:
    return {key: value for key, value in record.items() if key not in keys}


def epoch(record: Record, factor: float) -> Record:
    return {**record, "timestamp": (1_775_116_800 + 10 * MOMENTS.index(record["timestamp"])) * factor}


def streamed() -> str:
    """As `claude -p --output-format stream-json` prints it: no times, no first prompt, a result at the end."""
    call = {"type": "tool_use", "id": "c1", "name": "Look", "input": {"where": "eaves"}}
    result = {"type": "tool_result", "tool_use_id": "c1", "content": "seven nests"}
    told = [
        {"type": "system", "subtype": "init", "tools": ["Look"], "model": MODEL, "session_id": "s"},
        replied(1, [call], usage(4_000, 0, 50)),
        asked(2, [result]),
        {"type": "stream_event", "event": {"type": "message_stop"}},
        replied(2, [{"type": "text", "text": "Seven."}], usage(200, 4_000, 60)),
        {"type": "result", "subtype": "success", "total_cost_usd": 1.0, "usage": usage(1, 1, 1)},
    ]
    return jsonl([{**without(one, "parentUuid"), "parent_tool_use_id": None, "session_id": "s"} for one in told])


LOOSE = [{"type": "bookmark", "at": number} for number in range(70)]
INDENTED = "".join(json.dumps(record, indent=2) + "\n" for record in session())

SHAPES: Mapping[str, str | bytes] = {
    "plain": jsonl(session()),
    "crlf": jsonl(session(), "\r\n"),
    "cr": jsonl(session(), "\r"),
    "no line break at the end": jsonl(session()).rstrip(),
    "mixed line ends and blank lines": jsonl(session()[:2], "\r\n\n \n") + jsonl(session()[2:], "\n\r\n"),
    "two objects a line": jsonl(session()[:2], "") + "\n" + jsonl(session()[2:], " "),
    "all on one line": jsonl(session(), ""),
    "utf-8 with a mark": jsonl(session()).encode("utf-8-sig"),
    "utf-8 marks between": jsonl(session()[:2]).encode("utf-8-sig") + jsonl(session()[2:]).encode("utf-8-sig"),
    "utf-16": jsonl(session()).encode("utf-16"),
    "utf-16 be": b"\xfe\xff" + jsonl(session()).encode("utf-16-be"),
    "utf-16 le without a mark": jsonl(session()).encode("utf-16-le"),
    "utf-16 be without a mark": jsonl(session()).encode("utf-16-be"),
    "utf-32": jsonl(session()).encode("utf-32"),
    "an array": json.dumps(session()),
    "an indented array": json.dumps(session(), indent=1),
    "objects over several lines": INDENTED,
    "whole session": json.dumps({"session": "x", "records": session()}),
    "log lines": json.dumps({"loglines": session()}, indent=2),
    "milliseconds": changed(lambda one: epoch(one, 1_000)),
    "seconds": changed(lambda one: epoch(one, 1)),
    "microseconds as text": changed(lambda one: {**one, "timestamp": str(epoch(one, 1_000_000)["timestamp"])}),
    "no times": changed(lambda one: without(one, "timestamp")),
    "times that are none": changed(lambda one: {**one, "timestamp": "yesterday"}),
    "some times": jsonl([without(one, "timestamp") if at % 2 else one for at, one in enumerate(session())]),
    "no ids but the messages'": changed(lambda one: without(one, "uuid", "parentUuid")),
    "null content": jsonl(session(None)),
    "a bare string in a list": jsonl(session(["And the harbour?"])),
    "an object for a list": jsonl(session({"type": "text", "text": "And the harbour?"})),
    "a block without a type": jsonl(session([{"text": "And the harbour?"}, None])),
    "a message that is its words": jsonl([*session()[:2], {**session()[2], "message": "And?"}, session()[3]]),
    "unknown types first": jsonl([*LOOSE, *session()]),
    "unknown types between": jsonl([one for record in session() for one in (*LOOSE[:3], record)]),
    "every line twice": jsonl([one for record in session() for one in (record, record)]),
    "written twice": jsonl([*session(), *session()]),
    "a stream": streamed(),
    "not a number": jsonl(session()).replace("Below the eaves.", "x").replace('"harbour?"', "NaN"),
}
"""Every shape is whole: nothing of it may be passed over."""


def billed(path: Path) -> dict[str, Any]:
    made = replay_all(ReplayPlan((path,), ("recorded",), chain=0, jobs=1))
    assert made["skipped"] == []
    return made


@pytest.mark.parametrize("shape", SHAPES)
def test_every_shape_gives_the_same_bill(shape: str, tmp_path: Path) -> None:
    """Tokens and dollars are those that were counted by hand, and the text is simulated at the recorded size."""
    data = SHAPES[shape]
    path = tmp_path / "log.jsonl"
    path.write_bytes(data.encode("utf-8", "surrogatepass") if isinstance(data, str) else data)
    made = billed(path)
    assert COUNTS.items() <= made["billed"].items()
    assert made["billed"]["billed_usd"] == pytest.approx(USD)
    assert made["policies"][0]["billed_usd"] == pytest.approx(USD)
    (row,) = verify_all(ReplayPlan((path,), jobs=1))["sessions"]
    assert row["input_tokens_recorded"] == 8_220 and row["hit_rate_recorded"] == pytest.approx(4_000 / 8_220)


PACKED: Mapping[str, Callable[[bytes], bytes]] = {"gz": gzip.compress, "xz": lzma.compress, "bz2": bz2.compress}


@pytest.mark.parametrize("packed", PACKED)
@pytest.mark.parametrize("named", [True, False])
def test_packed_logs_are_known_by_their_bytes(packed: str, named: bool, tmp_path: Path) -> None:
    """Whatever the file is called."""
    path = tmp_path / (f"log.jsonl.{packed}" if named else "log.jsonl")
    path.write_bytes(PACKED[packed](jsonl(session()).encode("utf-16")))
    assert COUNTS.items() <= billed(path)["billed"].items()


BLOCKS: Mapping[str, Any] = {
    "a reference to a tool": {"type": "tool_reference", "tool_name": "mcp__nests__count"},
    "a document": {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": "JVBE"}},
    "a search result": {"type": "search_result", "source": "https://example.org", "title": "t", "content": []},
    "a picture by address": {"type": "image", "source": {"type": "url", "url": "https://example.org/a.png"}},
    "a picture without source": {"type": "image"},
    "what nobody knows": {"type": "hologram", "beams": [1, {"deep": None}]},
    "null": None,
    "a number": 7,
    "words": "seven nests",
}


@pytest.mark.parametrize("inside", [True, False])
@pytest.mark.parametrize("name", BLOCKS)
def test_unknown_blocks_are_carried_by_every_policy(name: str, inside: bool, tmp_path: Path) -> None:
    """In a result or beside it: no policy fails, nothing is passed over, and the requests are all there."""
    block = BLOCKS[name]
    call = {"type": "tool_use", "id": "c1", "name": "Look", "input": {"where": "eaves"}}
    result = {"type": "tool_result", "tool_use_id": "c1", "content": [block if inside else {"text": "so"}]}
    records = session([result] if inside else [result, block])
    records[1]["message"]["content"] = [call]
    path = tmp_path / "log.jsonl"
    path.write_text(jsonl(records), encoding="utf-8")
    made = replay_all(ReplayPlan((path,), ("recorded", "append-only", "sliding", "agentmem"), jobs=1))
    assert made["skipped"] == [] and [row["requests"] for row in made["policies"]] == [2, 2, 2, 2]
    sizes = {row["input_tokens"] for row in made["policies"]}
    assert len(sizes) == 1  # what a policy does not know it neither drops nor adds to


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "the file is empty"),
        (b"\n \n", "no format"),
        (b"\x00" * 500, "no format"),
        (bytes(range(256)) * 40, "no format"),
        (b'{"type": "tag", "sessionId": "s"}\n{"type": "title", "sessionId": "s"}\n', "only metadata.*tag, title"),
        (jsonl(session()[:1]).encode(), "no request in it"),
        (b'{"type": "summary", "summary": "x"}', "no request in it"),
        (b'{"hello": "world"}', "no format"),
        (b"PK\x03\x04....", "a zip archive"),
        (b"\x28\xb5\x2f\xfd....", "packed by zstd"),
        (b"\x1f\x8bbroken", "cannot be read"),
        (b"SQLite format 3\x00" + b"\x00" * 100, "no journal|database"),
        (b'{"contents": [{"role": "user", "parts": []}]}', "Gemini"),
        (b"[" * 100_000, "no format"),
        (b'{"messages": [{"role": "user", "content": "hi"}]}', "no request in it"),
        (b'{"request": {"model": "m"}, "at": 1}', 'no request of a model under "request"'),
        (b'{"session": "s", "records": []}', "no request in it"),
    ],
)
def test_what_is_no_recording_is_named_with_a_clear_word(data: bytes, reason: str, tmp_path: Path) -> None:
    """By itself it is an error that says why; beside a log it is passed over, and the log is read."""
    path = tmp_path / "a.jsonl"
    path.write_bytes(data)
    with pytest.raises(ConfigError, match=f"(?s)no session to replay.*({reason})"):
        replay_all(ReplayPlan((path,), ("recorded",), jobs=1))
    (tmp_path / "b.jsonl").write_text(jsonl(session()), encoding="utf-8")
    made = replay_all(ReplayPlan((tmp_path,), ("recorded",), jobs=1))
    assert COUNTS.items() <= made["billed"].items()
    assert {Path(one["path"]).name for one in made["skipped"]} == {"a.jsonl"}


def test_a_cut_array_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    """Its whole objects are read, the rest is named."""
    path = tmp_path / "log.json"
    path.write_text(json.dumps([*session(), {"type": "user"}], indent=1)[:-10], encoding="utf-8")
    made = replay_all(ReplayPlan((path,), ("recorded",), chain=0, jobs=1))
    assert COUNTS.items() <= made["billed"].items()
    assert [one["reason"].partition(":")[0] for one in made["skipped"]] == ["no JSON"]


def test_a_stream_tells_sub_agents_by_the_call_that_began_them(tmp_path: Path) -> None:
    """Each has a conversation of its own."""
    inner = {**replied(9, [{"type": "text", "text": "ok"}], usage(300, 0, 5)), "parent_tool_use_id": "c1"}
    path = tmp_path / "log.jsonl"
    path.write_text(streamed() + jsonl([inner]), encoding="utf-8")
    made = replay_all(ReplayPlan((path,), ("recorded",), chain=0, jobs=1))
    assert {one["session"]: one["requests"] for one in made["sessions"]} == {"log": 2, "log/agent-c1": 1}


def test_a_forks_copy_is_not_charged_again(tmp_path: Path) -> None:
    """What it found in the cache it finds there in the simulation too, and its bill is that of its own requests."""
    fork = [{**record, "uuid": f"f{at}"} for at, record in enumerate(session())]
    more = [
        {**asked(3, "And now?"), "timestamp": "2026-04-02T08:00:50Z"},
        {**replied(3, "Gone.", usage(100, 4_200, 7)), "timestamp": "2026-04-02T08:00:52Z"},
    ]
    (tmp_path / "a.jsonl").write_text(jsonl(session()), encoding="utf-8")
    (tmp_path / "b.jsonl").write_text(jsonl([*fork, *more]), encoding="utf-8")
    for chain in (0, 1_000_000):
        made = replay_all(ReplayPlan((tmp_path,), ("recorded",), chain=chain, jobs=1))
        assert made["billed"]["requests"] == 3
        assert made["billed"]["billed_usd"] == pytest.approx(USD + 10 * 3e-6 + 0.000375 + 4_200 * 0.3e-6 + 7 * 15e-6)
        (row,) = made["policies"]
        assert row["cache_read_tokens"] > 7_900 and row["cost_usd"] < USD + 0.004
