"""Ledgers, message lists, wire logs and our own runs."""

import json
from pathlib import Path
from typing import Any

from agentmem.meter import ledger
from agentmem.replay.formats.contents import PACE
from agentmem.replay.recordings import sessions, sources
from agentmem.replay.session import RecordedSession, SkippedLine
from agentmem.replay.source import RecordingSource, Spool
from agentmem.transcript import transcript
from agentmem.transcript.journal import open_journal
from agentmem.types import Message, Reply, Text, ToolCall, ToolResult, Usage
from tests.replay.logs import call, text, used


def everything(path: Path, folder: Path) -> list[RecordedSession | SkippedLine]:
    """All that ``path`` holds, by way of the table of formats."""
    found: list[RecordedSession | SkippedLine] = []
    for source in sources([path], Spool(folder)):
        found.extend(sessions(source) if isinstance(source, RecordingSource) else [source])
    return found


def only(found: list[RecordedSession | SkippedLine]) -> RecordedSession:
    (one,) = found
    assert isinstance(one, RecordedSession)
    return one


def test_a_ledger_has_usage_and_no_text(tmp_path: Path) -> None:
    """Each event is a request; a compaction marks the one after it; a broken event is named."""
    event = {
        "ts": "2026-01-05T14:30:41Z",
        "model": "claude-opus-4-6",
        "inp": 3,
        "cw": 50,
        "cr": 7,
        "out": 2,
        "cw1h": 50,
    }
    events = [event, {"ts": "2026-01-05T14:31:41Z", "type": "compact_boundary"}, event, {**event, "inp": "x"}]
    path = tmp_path / "ledger.jsonl"
    path.write_text(json.dumps({"session": "s", "events": events}) + "\n", encoding="utf-8")
    skipped, session = everything(path, tmp_path)
    assert isinstance(skipped, SkippedLine) and "an event" in skipped.reason
    assert isinstance(session, RecordedSession) and not session.text
    assert [one.cut is not None for one in session.exchanges] == [False, True]
    assert session.exchanges[0].usage == Usage("measured", 3, 7, 0, 50, 2)


def test_a_list_of_messages_becomes_requests(tmp_path: Path) -> None:
    """System stands in the head; each assistant message is a request; tool messages are results of their calls."""
    function = {"name": "find", "arguments": '{"id": 7}'}
    messages: list[dict[str, Any]] = [
        {"role": "system", "content": "Be kind."},
        {"role": "user", "content": "Hello"},
        {"role": "assistant", "content": None, "tool_calls": [{"id": "c1", "type": "function", "function": function}]},
        {"role": "tool", "tool_call_id": "c1", "content": "found"},
        {"role": "assistant", "content": [{"type": "text", "text": "Here."}]},
    ]
    path = tmp_path / "runs.json"
    path.write_text(json.dumps([{"task_id": 5, "traj": messages}, {"task_id": 6, "traj": "no"}]), encoding="utf-8")
    session, skipped = everything(path, tmp_path)
    assert isinstance(session, RecordedSession) and isinstance(skipped, SkippedLine) and skipped.line == 2
    first, second = session.exchanges
    assert session.name == "runs/5" and session.head is not None and session.head[0].value["text"] == "Be kind."
    assert first.reply[0].value == {"type": "tool_use", "id": "c1", "name": "find", "input": {"id": 7}}
    assert second.arrived[0].value["tool_use_id"] == "c1" and second.at - first.at == PACE
    assert second.usage is None


def line(messages: list[dict[str, Any]], reply: list[dict[str, Any]], at: float, **fields: Any) -> dict[str, Any]:
    """One line of a wire log."""
    mark = {"cache_control": {"type": "ephemeral"}}
    request = {"model": "claude-opus-4-8", "max_tokens": 9, "system": [{**text("Be brief."), **mark}]}
    response = {"id": f"m{at}", "content": reply, "usage": used(1, 2, 3)}
    base = {"at": at, "request": {**request, "messages": messages}, "response": response, "status": 200}
    return {**base, "seconds": 2.0, **fields}


def said(role: str, *blocks: dict[str, Any]) -> dict[str, Any]:
    return {"role": role, "content": list(blocks)}


def test_a_wire_log_is_sorted_into_conversations(tmp_path: Path) -> None:
    """Requests that extend each other are one conversation; what is new arrived; an edited one is a cut."""
    one, other = said("user", text("one")), said("user", text("other"))
    more = [one, said("assistant", text("yes")), said("user", text("more"))]
    edited = [one, said("assistant", text("no")), said("user", text("more still"))]
    lines = [
        line([one], [text("yes")], 1.0),
        line([other], [text("well")], 2.0),
        line(more, [text("so")], 3.0),
        line(edited, [text("so")], 4.0),
        line([one], [text("late")], 5.0, status=529),
        line([one], [text("other")], 6.0, path="/v1/chat/completions"),
        line([one], [text("cut")], 7.0, complete=False),
        {"at": "noon", "request": {}},
    ]
    path = tmp_path / "wire.jsonl"
    path.write_text("".join(json.dumps(value) + "\n" for value in lines), encoding="utf-8")
    *skipped, first, second = everything(path, tmp_path)
    assert [one.line for one in skipped if isinstance(one, SkippedLine)] == [6, 7, 8]
    assert isinstance(first, RecordedSession) and isinstance(second, RecordedSession)
    assert [len(first.exchanges), len(second.exchanges)] == [3, 1]
    assert [frame.value["text"] for frame in first.exchanges[1].arrived] == ["more"]
    cut = first.exchanges[2].cut
    assert cut is not None and cut.kind == "edit" and not cut.declared and len(cut.frames) == 3
    assert first.exchanges[0].marks is not None and first.exchanges[0].answered == 3.0
    assert first.exchanges[0].usage == Usage("measured", 1, 3, 2, 0, 5)


def test_a_reply_in_the_clients_own_words_is_no_cut(tmp_path: Path) -> None:
    """A client that leaves something out of a reply when it sends it back still extends what it sent."""
    one = said("user", text("one"))
    thought = {"type": "thinking", "thinking": "Hm.", "signature": "s"}
    lines = [
        line([one], [thought, call("c", q=1)], 1.0),
        line([one, said("assistant", call("c", q=1)), said("user", text("on"))], [text("so")], 2.0),
    ]
    path = tmp_path / "wire.jsonl"
    path.write_text("".join(json.dumps(value) + "\n" for value in lines), encoding="utf-8")
    session = only(everything(path, tmp_path))
    assert session.exchanges[1].cut is None
    assert [frame.value["type"] for frame in session.exchanges[0].reply] == ["tool_use"]


def test_our_own_runs_are_read_from_their_journal(tmp_path: Path) -> None:
    """Each thread of a journal is a conversation whose requests are its rows of the ledger."""
    path = tmp_path / "run.db"
    row = ledger.Row("t", "agent", "answer", "claude-opus-4-8", "cloud", Usage("measured", 5, 6, 7), at=100.0)
    asked = ToolCall("c1", "find", "{}")
    drafts = [
        transcript.opening(transcript.Opening("claude-opus-4-8", system=("Be brief.",))),
        transcript.user("go"),
        transcript.assistant(Reply(Message("assistant", (asked,)), Usage("measured"), id="m1")),
        ledger.draft(row),
        transcript.tool_result(ToolResult("c1", (Text("found"),))),
        transcript.assistant(Reply(Message("assistant", (Text("Here."),)), Usage("measured"), id="m2")),
        ledger.draft(row),
    ]
    with open_journal(path) as journal:
        journal.append("t", drafts, head=-1)
    session = only(everything(path, tmp_path))
    first, second = session.exchanges
    assert session.name == "t" and session.head is not None and len(session.head) == 1
    assert first.reply[0].value["name"] == "find" and second.cut is None
    assert [frame.value["type"] for frame in second.arrived] == ["tool_result"]
    assert second.usage == Usage("measured", 5, 6, 7)
