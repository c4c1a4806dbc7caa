"""agentmem.replay.formats: gemini, opencode, cline, openhands, inspect_logs and spans, each by a small session.

In each, the model calls a tool, gets its result and answers. So each has two requests, with the same text and usage.
"""

import json
import shutil
import sqlite3
import zipfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from agentmem.replay.session import RecordedSession, SkippedLine
from agentmem.types import Usage
from tests.replay.formats.test_other_formats import everything, only

ASKED, CALLED, CAME, SAID = "How many A12?", {"part": "A12"}, "7 in stock", "Seven."
WHOLE, READ, OUT = (900, 1000), (0, 800), (11, 3)
"""Input tokens of both requests, with those read from a cache; what was read; output."""


def gemini(folder: Path) -> Path:
    """A session of Gemini CLI."""
    messages = [
        {"id": "1", "timestamp": "2026-05-01T10:00:00Z", "type": "user", "content": ASKED},
        {
            "id": "2",
            "timestamp": "2026-05-01T10:00:04Z",
            "type": "gemini",
            "content": "",
            "model": "gemini-3-pro",
            "tokens": {"input": 900, "output": 10, "cached": 0, "thoughts": 1, "tool": 0, "total": 911},
            "toolCalls": [{"id": "c1", "name": "stock", "args": CALLED, "result": CAME}],
        },
        {
            "id": "3",
            "timestamp": "2026-05-01T10:00:09Z",
            "type": "gemini",
            "content": SAID,
            "model": "gemini-3-pro",
            "tokens": {"input": 1000, "output": 3, "cached": 800, "thoughts": 0, "tool": 0, "total": 1003},
        },
    ]
    return _json(folder / "session-1.json", {"sessionId": "s1", "projectHash": "ab", "messages": messages})


def qwen(folder: Path) -> Path:
    """A session of Qwen Code."""

    def record(kind: str, second: int, parts: list[Any], **more: Any) -> dict[str, Any]:
        message = {"role": "model" if kind == "assistant" else "user", "parts": parts}
        return {
            "uuid": f"u{second}",
            "sessionId": "s1",
            "timestamp": f"2026-05-01T10:00:0{second}Z",
            "type": kind,
            "message": message,
            **more,
        }

    def used(at: int) -> dict[str, int]:
        return {"promptTokenCount": WHOLE[at], "cachedContentTokenCount": READ[at], "candidatesTokenCount": OUT[at]}

    call = {"functionCall": {"id": "c1", "name": "stock", "args": CALLED}}
    result = {"functionResponse": {"id": "c1", "name": "stock", "response": CAME}}
    records = [
        record("user", 0, [{"text": ASKED}]),
        record("assistant", 4, [call], model="coder", usageMetadata=used(0)),
        record("tool_result", 5, [result]),
        record("assistant", 9, [{"text": SAID}], model="coder", usageMetadata=used(1)),
    ]
    return _lines(folder / "q.jsonl", records)


def opencode(folder: Path) -> Path:
    """opencode's storage."""
    store = folder / "storage"

    def put(identity: str, role: str, parts: list[dict[str, Any]], **more: Any) -> None:
        _json(store / "message" / "s1" / f"{identity}.json", {"id": identity, "sessionID": "s1", "role": role, **more})
        for at, part in enumerate(parts):
            about = {"id": f"p{at}", "sessionID": "s1", "messageID": identity}
            _json(store / "part" / identity / f"p{at}.json", {**about, **part})

    def used(at: int) -> dict[str, Any]:
        return {
            "input": WHOLE[at] - READ[at],
            "output": OUT[at],
            "reasoning": 0,
            "cache": {"read": READ[at], "write": 0},
        }

    about = {"modelID": "claude-opus-5-5", "providerID": "anthropic"}
    state = {"status": "completed", "input": CALLED, "output": CAME}
    put("msg_1", "user", [{"type": "text", "text": ASKED}], time={"created": 1_777_000_000_000}, model={})
    put(
        "msg_2",
        "assistant",
        [{"type": "tool", "callID": "c1", "tool": "stock", "state": state}],
        tokens=used(0),
        time={"created": 1_777_000_001_000, "completed": 1_777_000_004_000},
        **about,
    )
    put(
        "msg_3",
        "assistant",
        [{"type": "text", "text": SAID}],
        tokens=used(1),
        time={"created": 1_777_000_005_000, "completed": 1_777_000_009_000},
        **about,
    )
    _json(store / "session" / "p1" / "s1.json", {"id": "s1", "projectID": "p1", "directory": "/x", "time": {}})
    return folder


def opencode_rows(folder: Path) -> Path:
    """The same as rows of opencode.db, whose columns hold what names a row."""
    store = opencode(folder / "old") / "storage"
    with closing(sqlite3.connect(folder / "opencode.db")) as database, database:
        about = "id TEXT PRIMARY KEY, session_id TEXT NOT NULL, time_created INTEGER NOT NULL, data TEXT NOT NULL"
        database.execute(f"CREATE TABLE message ({about})")
        database.execute(f"CREATE TABLE part (message_id TEXT NOT NULL, {about})")
        for file in sorted((store / "message" / "s1").iterdir()):
            value = json.loads(file.read_text(encoding="utf-8"))
            name = value.pop("id"), value.pop("sessionID"), value["time"]["created"]
            database.execute("INSERT INTO message VALUES (?, ?, ?, ?)", (*name, json.dumps(value)))
            for part in sorted((store / "part" / name[0]).iterdir()):
                row = (name[0], f"{name[0]}-{part.stem}", *name[1:])
                database.execute("INSERT INTO part VALUES (?, ?, ?, ?, ?)", (*row, part.read_text(encoding="utf-8")))
    shutil.rmtree(folder / "old")
    return folder


def cline(folder: Path) -> Path:
    """A task of Cline's."""

    def started(at: int) -> dict[str, Any]:
        told = {"tokensIn": WHOLE[at] - READ[at], "tokensOut": OUT[at], "cacheReads": READ[at], "cacheWrites": 0}
        return {"ts": 1_777_000_000_000 + 4000 * at, "type": "say", "say": "api_req_started", "text": json.dumps(told)}

    call = {"type": "tool_use", "id": "c1", "name": "stock", "input": CALLED}
    talk = [
        {"role": "user", "content": ASKED},
        {"role": "assistant", "content": [call], "modelInfo": {"modelId": "claude-opus-5-5"}},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "c1", "content": CAME}]},
        {"role": "assistant", "content": [{"type": "text", "text": SAID}]},
    ]
    _json(folder / "s1" / "api_conversation_history.json", talk)
    shown = [{"ts": 1_777_000_000_000, "type": "say", "say": "text", "text": ASKED}, started(0), started(1)]
    _json(folder / "s1" / "ui_messages.json", shown)
    return folder


def openhands(folder: Path) -> Path:
    """Events of OpenHands' server, a file for each."""

    def response(at: int) -> dict[str, Any]:
        used = {
            "prompt_tokens": WHOLE[at],
            "completion_tokens": OUT[at],
            "prompt_tokens_details": {"cached_tokens": READ[at]},
        }
        return {"id": f"r{at}", "model": "claude-opus-5-5", "usage": used}

    called = {"function_name": "stock", "tool_call_id": "c1", "model_response": response(0)}
    events = [
        {"source": "agent", "action": "system", "args": {"content": "You look after a store."}},
        {"source": "user", "action": "message", "args": {"content": ASKED}},
        {"source": "agent", "action": "run", "args": CALLED, "tool_call_metadata": called},
        {"source": "agent", "observation": "run", "content": CAME, "tool_call_metadata": called},
        {
            "source": "agent",
            "action": "finish",
            "args": {"thought": SAID},
            "tool_call_metadata": {**called, "tool_call_id": "c2", "model_response": response(1)},
        },
    ]
    for at, event in enumerate(events):
        _json(folder / "s1" / "events" / f"{at}.json", {"id": at, "timestamp": f"2026-05-01T10:00:0{at}", **event})
    return folder


def inspect(folder: Path) -> Path:
    """An archive of Inspect's, with a text kept as an attachment."""

    def used(at: int) -> dict[str, int]:
        fresh = WHOLE[at] - READ[at]
        return {
            "input_tokens": fresh,
            "output_tokens": OUT[at],
            "total_tokens": WHOLE[at] + OUT[at],
            "input_tokens_cache_read": READ[at],
        }

    def event(at: int, messages: list[Any], reply: dict[str, Any]) -> dict[str, Any]:
        output = {"model": "m", "choices": [{"message": reply}], "usage": used(at)}
        return {
            "event": "model",
            "timestamp": f"2026-05-01T10:00:0{4 * at}Z",
            "model": "anthropic/claude-opus-5-5",
            "input": messages,
            "output": output,
        }

    asked = {"role": "user", "content": "attachment://h1"}
    call = {"role": "assistant", "content": "", "tool_calls": [{"id": "c1", "function": "stock", "arguments": CALLED}]}
    result = {"role": "tool", "tool_call_id": "c1", "content": CAME}
    answer = {"role": "assistant", "content": SAID}
    events = [event(0, [asked], call), {"event": "step"}, event(1, [asked, call, result], answer)]
    path = folder / "log.eval"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("header.json", "{}")
        archive.writestr(
            "samples/1_epoch_1.json", json.dumps({"id": 1, "epoch": 1, "events": events, "attachments": {"h1": ASKED}})
        )
    return path


def otel(folder: Path) -> Path:
    """OTLP's spans by the GenAI conventions."""
    asked = {"role": "user", "parts": [{"type": "text", "content": ASKED}]}
    call = {"role": "assistant", "parts": [{"type": "tool_call", "id": "c1", "name": "stock", "arguments": CALLED}]}
    result = {"role": "tool", "parts": [{"type": "tool_call_response", "id": "c1", "response": CAME}]}
    answer = {"role": "assistant", "parts": [{"type": "text", "content": SAID}]}

    def span(at: int, messages: list[Any], reply: Any) -> dict[str, Any]:
        given = {
            "gen_ai.operation.name": "chat",
            "gen_ai.request.model": "claude-opus-5-5",
            "gen_ai.provider.name": "anthropic",
            "gen_ai.conversation.id": "s1",
            "gen_ai.input.messages": json.dumps(messages),
            "gen_ai.output.messages": json.dumps([reply]),
            "gen_ai.usage.input_tokens": WHOLE[at],
            "gen_ai.usage.output_tokens": OUT[at],
            "gen_ai.usage.cache_read.input_tokens": READ[at],
        }
        kinds = {key: "intValue" if isinstance(value, int) else "stringValue" for key, value in given.items()}
        attributes = [{"key": key, "value": {kinds[key]: value}} for key, value in given.items()]
        return {
            "traceId": "t",
            "spanId": f"{at}",
            "name": "chat",
            "startTimeUnixNano": str(1_777_000_000_000_000_000 + at * 4_000_000_000),
            "attributes": attributes,
        }

    tool = {
        "traceId": "t",
        "spanId": "x",
        "name": "execute_tool",
        "attributes": [{"key": "gen_ai.operation.name", "value": {"stringValue": "execute_tool"}}],
    }
    spans = [span(1, [asked, call, result], answer), tool, span(0, [asked], call)]
    return _lines(folder / "spans.jsonl", [{"resourceSpans": [{"scopeSpans": [{"spans": spans}]}]}])


def openinference(folder: Path) -> Path:
    """Phoenix's spans, flat."""

    def span(at: int, messages: list[dict[str, Any]], reply: dict[str, Any]) -> dict[str, Any]:
        given: dict[str, Any] = {
            "openinference.span.kind": "LLM",
            "llm.model_name": "claude-opus-5-5",
            "session.id": "s1",
        }
        for side, many in (("input", messages), ("output", [reply])):
            for place, message in enumerate(many):
                given |= {f"llm.{side}_messages.{place}.message.{key}": value for key, value in message.items()}
        given |= {"llm.token_count.prompt": WHOLE[at], "llm.token_count.completion": OUT[at]}
        given["llm.token_count.prompt_details.cache_read"] = READ[at]
        return {
            "name": "llm",
            "context": {"trace_id": "t", "span_id": f"{at}"},
            "start_time": f"2026-05-01T10:00:0{4 * at}Z",
            "attributes": given,
        }

    asked = {"role": "user", "content": ASKED}
    called = "tool_calls.0.tool_call."
    call = {
        "role": "assistant",
        f"{called}id": "c1",
        f"{called}function.name": "stock",
        f"{called}function.arguments": json.dumps(CALLED),
    }
    result = {"role": "tool", "content": CAME, "tool_call_id": "c1"}
    return _lines(
        folder / "phoenix.jsonl",
        [span(0, [asked], call), span(1, [asked, call, result], {"role": "assistant", "content": SAID})],
    )


def langsmith(folder: Path) -> Path:
    """LangSmith's runs."""
    asked = {"type": "human", "content": ASKED}
    call = {"type": "ai", "content": "", "tool_calls": [{"id": "c1", "name": "stock", "args": CALLED}]}
    result = {"type": "tool", "tool_call_id": "c1", "content": CAME}

    def run(at: int, messages: list[Any], reply: dict[str, Any]) -> dict[str, Any]:
        used = {"input_tokens": WHOLE[at], "output_tokens": OUT[at], "input_token_details": {"cache_read": READ[at]}}
        return {
            "id": f"r{at}",
            "trace_id": "t",
            "run_type": "llm",
            "start_time": f"2026-05-01T10:00:0{4 * at}",
            "inputs": {"messages": [messages]},
            "outputs": {
                "generations": [
                    [{"message": {"lc": 1, "id": ["x", "AIMessage"], "kwargs": {**reply, "usage_metadata": used}}}]
                ]
            },
            "extra": {"metadata": {"ls_model_name": "claude-opus-5-5", "ls_provider": "anthropic", "thread_id": "s1"}},
        }

    chain = {"id": "c", "run_type": "chain", "inputs": {}, "outputs": {}}
    return _lines(
        folder / "runs.jsonl",
        [chain, run(0, [asked], call), run(1, [asked, call, result], {"type": "ai", "content": SAID})],
    )


FORMATS: tuple[Callable[[Path], Path], ...] = (
    gemini,
    qwen,
    opencode,
    opencode_rows,
    cline,
    openhands,
    inspect,
    otel,
    openinference,
    langsmith,
)


def _json(path: Path, value: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value), encoding="utf-8")
    return path


def _lines(path: Path, values: list[Any]) -> Path:
    path.write_text("".join(json.dumps(value) + "\n" for value in values), encoding="utf-8")
    return path


@pytest.mark.parametrize("write", FORMATS)
def test_a_session_has_its_requests_and_their_usage(write: Callable[[Path], Path], tmp_path: Path) -> None:
    """Two requests with what was counted, in order, the second an extension of the first."""
    (tmp_path / "log").mkdir()
    session = only(everything(write(tmp_path / "log"), tmp_path))
    first, second = session.exchanges
    for at, one in enumerate((first, second)):
        assert one.usage == Usage("measured", WHOLE[at] - READ[at], READ[at], 0, 0, OUT[at])
        assert one.model
    assert second.cut is None
    assert second.at > first.at


@pytest.mark.parametrize("write", FORMATS)
def test_a_session_has_what_was_said_called_and_returned(write: Callable[[Path], Path], tmp_path: Path) -> None:
    """The words, the call with its arguments, and the result of that call."""
    (tmp_path / "log").mkdir()
    session = only(everything(write(tmp_path / "log"), tmp_path))
    first, second = session.exchanges
    assert ASKED in str([one.value for one in first.arrived])
    call = next(one.value for one in first.reply if one.value["type"] == "tool_use")
    assert (call["name"], call["input"]) == ("stock", CALLED)
    [result] = [one.value for one in second.arrived]
    assert (result["type"], result["tool_use_id"]) == ("tool_result", call["id"])
    assert CAME in str(result["content"])
    assert SAID in str([one.value for one in second.reply])


@pytest.mark.parametrize("write", [gemini, qwen, cline, otel, openinference, langsmith])
def test_a_cut_file_is_read_as_far_as_it_goes(write: Callable[[Path], Path], tmp_path: Path) -> None:
    """Whatever is missing of a file, reading it ends, and names what could not be read."""
    (tmp_path / "log").mkdir()
    path = write(tmp_path / "log")
    file = next(tmp_path.glob("log/**/ui_messages.json"), path)
    whole = file.read_bytes()
    for share in range(1, 20):
        file.write_bytes(whole[: len(whole) * share // 20])
        found = everything(path, tmp_path)
        assert all(isinstance(one, RecordedSession | SkippedLine) for one in found)


def test_newer_events_of_openhands_are_read(tmp_path: Path) -> None:
    """The SDK's events, with a condensation in between."""
    said = [{"type": "text", "text": ASKED}]
    events = [
        {"kind": "SystemPromptEvent", "source": "agent", "system_prompt": {"type": "text", "text": "You look."}},
        {"kind": "MessageEvent", "source": "user", "llm_message": {"role": "user", "content": said}},
        {
            "kind": "ActionEvent",
            "source": "agent",
            "tool_name": "stock",
            "tool_call_id": "c1",
            "tool_call": {"arguments": json.dumps(CALLED)},
            "llm_response_id": "r0",
        },
        {
            "kind": "ObservationEvent",
            "source": "environment",
            "tool_call_id": "c1",
            "observation": {"content": [{"type": "text", "text": CAME}]},
        },
        {"kind": "Condensation", "source": "environment", "summary": "They asked for A12."},
        {
            "kind": "MessageEvent",
            "source": "agent",
            "llm_message": {"role": "assistant", "content": [{"type": "text", "text": SAID}]},
        },
    ]
    session = only(everything(_lines(tmp_path / "e.jsonl", events), tmp_path))
    first, second = session.exchanges
    assert [one.value["text"] for one in session.head or ()] == ["You look."]
    assert first.reply[0].value["input"] == CALLED
    assert second.cut is not None
    assert second.cut.kind == "compaction"


def test_an_archive_that_is_no_log_says_so(tmp_path: Path) -> None:
    """A zip of anything else is named."""
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("notes.txt", "x")
    [skipped] = everything(tmp_path / "a.zip", tmp_path)
    assert isinstance(skipped, SkippedLine)
    assert "zip archive" in skipped.reason
