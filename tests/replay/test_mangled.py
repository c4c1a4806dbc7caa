"""Logs that were cut, doubled or written by another version: nothing ends the replay, and nothing is lost unsaid."""

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from agentmem.errors import ConfigError
from agentmem.replay.parallel import ReplayPlan, replay_all, verify_all
from agentmem.replay.recordings import format_of
from tests.replay.logs import working

POLICIES = ("recorded", "append-only", "sliding", "agentmem")
WHOLE = [json.dumps(record) for record in working(3, model="claude-sonnet-4-5").records]

junk = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
FIELDS = ("type", "message", "timestamp", "uuid", "parentUuid", "isSidechain", "agentId", "version", "subtype")
SAID = ("content", "id", "model", "role", "usage")
kinds = st.sampled_from(("drop", "double", "split", "join", "swap", "field", "said", "block"))
moves = st.lists(st.tuples(kinds, st.integers(0, 10_000), junk), min_size=1, max_size=8)


def changed(line: str, kind: str, at: int, value: Any) -> str:
    """The record with something else in one of its fields."""
    try:
        record = json.loads(line)
    except ValueError:
        return line
    message = record.get("message") if isinstance(record, dict) else None
    if kind == "field" and isinstance(record, dict):
        record[FIELDS[at % len(FIELDS)]] = value
    elif kind == "said" and isinstance(message, dict):
        message[SAID[at % len(SAID)]] = value
    elif kind == "block" and isinstance(message, dict):
        message["content"] = [{"type": ("text", "tool_result", "tool_use", "image", "x")[at % 5], "content": value}]
    return json.dumps(record)


def mangled(lines: list[str], kind: str, place: int, value: Any) -> list[str]:
    """One thing that happens to a file."""
    if not lines:
        return lines
    at = place % len(lines)
    before, line, after = lines[:at], lines[at], lines[at + 1 :]
    middle = place % max(1, len(line))
    match kind:
        case "drop":
            return before + after
        case "double":
            return [*before, line, line, *after]
        case "split":
            return [*before, line[:middle], line[middle:], *after]
        case "join":
            return [*before, line + "".join(after[:1]), *after[1:]]
        case "swap":
            return [*before, *after[:1], line, *after[1:]]
        case _:
            return [*before, changed(line, kind, place, value), *after]


@settings(max_examples=60, deadline=None)
@given(moves)
def test_whatever_happened_to_a_log_the_rest_is_read(done: list[tuple[str, int, Any]]) -> None:
    """No error escapes but the one that says why nothing is left, and what fails is named."""
    lines = list(WHOLE)
    for kind, at, value in done:
        lines = mangled(lines, kind, at, value)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "log.jsonl"
        path.write_text("\n".join(lines), encoding="utf-8")
        plan = ReplayPlan((path,), POLICIES, jobs=1)
        try:
            made = replay_all(plan)
            verify_all(plan)
        except ConfigError as error:
            assert "no session to replay" in str(error)
            return
    json.dumps(made, allow_nan=False)
    for row in made["policies"]:
        assert row["requests"] or any(row["policy"] in one["reason"] for one in made["skipped"])


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(("drop", "split")), st.integers(0, 10_000)), min_size=1, max_size=6))
def test_every_line_is_read_or_named(done: list[tuple[str, int]]) -> None:
    """Lines that are left whole are all there: their requests are counted; halves of lines are named one by one."""
    lines = list(WHOLE)
    for kind, at in done:
        lines = mangled(lines, kind, at, None)
    broken = {at for at, line in enumerate(lines, start=1) if line.strip() and line not in WHOLE}
    replies = {json.loads(line)["message"]["id"] for line in lines if line in WHOLE and '"assistant"' in line}
    with TemporaryDirectory() as folder:
        path = Path(folder) / "log.jsonl"
        path.write_text("\n".join(lines), encoding="utf-8")
        made = replay_all(ReplayPlan((path,), ("recorded",), jobs=1))
    halved = next((at for at, line in enumerate(lines, start=1) if line.strip()), 0) in broken
    assert made["policies"][0]["requests"] - len(replies) in ((0, 1) if halved else (0,))
    named = {one["line"] for one in made["skipped"]}
    assert named == broken or (halved and named <= broken)  # halves of the first line may make a whole


def test_half_a_line_does_not_tell_a_format(tmp_path: Path) -> None:
    """Wherever the first line was cut, and whichever half of it is left or both: the lines after it say what it is."""
    path, wire = tmp_path / "log.jsonl", tmp_path / "wire.jsonl"
    said = [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "hello"}]
    line = {"at": 5, "request": {"model": "claude-opus-5", "messages": said}, "response": {"id": "m", "content": []}}
    for kind, lines in (("claude-code", WHOLE), ("wire-log", [json.dumps(line)] * 3)):
        place = path if kind == "claude-code" else wire
        first, rest = lines[0], lines[1:]
        for at in range(1, len(first)):
            for halves in ([first[:at]], [first[at:]], [first[:at], first[at:]]):
                place.write_text("\n".join([*halves, *rest]), encoding="utf-8")
                assert format_of(place) == kind, halves


def test_a_file_with_nothing_but_half_a_line_is_told_by_it(tmp_path: Path) -> None:
    """Better a guess than nothing."""
    path = tmp_path / "log.jsonl"
    path.write_text(WHOLE[0] + ', "rest', encoding="utf-8")
    assert format_of(path) == "claude-code"


@settings(max_examples=30, deadline=None)
@given(st.binary(max_size=400) | junk.map(lambda value: json.dumps(value).encode()), st.sampled_from(("log", "wire")))
def test_a_file_of_anything_beside_a_log_harms_nothing(data: bytes, kind: str) -> None:
    """The log is read, whatever the other file holds."""
    with TemporaryDirectory() as folder:
        (Path(folder) / "any.jsonl").write_bytes(b'{"request": ' + data + b"}\n" if kind == "wire" else data)
        (Path(folder) / "log.jsonl").write_text("\n".join(WHOLE), encoding="utf-8")
        made = replay_all(ReplayPlan((Path(folder),), ("recorded",), jobs=1))
    assert made["policies"][0]["requests"] == 12
