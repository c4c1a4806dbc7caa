"""Message lists and wire logs in the forms of Anthropic's and OpenAI's APIs: the same talk, read alike."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from agentmem.replay.parallel import ReplayPlan, replay_all, verify_all
from agentmem.replay.recordings import sessions, sources
from agentmem.replay.session import RecordedSession, SkippedLine
from agentmem.replay.source import RecordingSource, Spool
from agentmem.types import Usage

Talk = list[dict[str, Any]]

ANTHROPIC: Talk = [
    {"role": "user", "content": "Which tide?"},
    {
        "role": "assistant",
        "content": [
            {"type": "text", "text": "I look."},
            {"type": "tool_use", "id": "c1", "name": "tide", "input": {"port": "Husum"}},
        ],
    },
    {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "c1", "content": "ebb"}]},
    {"role": "assistant", "content": "The ebb."},
]
FUNCTION = {"name": "tide", "arguments": '{"port": "Husum"}'}
CHAT: Talk = [
    {"role": "user", "content": "Which tide?"},
    {"role": "assistant", "content": "I look.", "tool_calls": [{"id": "c1", "type": "function", "function": FUNCTION}]},
    {"role": "tool", "tool_call_id": "c1", "content": "ebb"},
    {"role": "assistant", "content": [{"type": "text", "text": "The ebb."}]},
]
ITEMS: Talk = [
    {"role": "user", "content": [{"type": "input_text", "text": "Which tide?"}]},
    {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "I look."}]},
    {"type": "function_call", "call_id": "c1", **FUNCTION},
    {"type": "function_call_output", "call_id": "c1", "output": "ebb"},
    {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "The ebb."}]},
]
SWE_AGENT: Talk = [{**message, "agent": "primary"} for message in CHAT]

LISTS: Mapping[str, Any] = {
    "Anthropic's": ANTHROPIC,
    "chat completions": CHAT,
    "responses": ITEMS,
    "beside a system prompt": {"messages": ANTHROPIC},
    "trajectories": [{"task_id": 1, "traj": CHAT}],
    "SWE-agent's": {"environment": "swe", "trajectory": [], "history": SWE_AGENT, "info": {}},
}


def everything(path: Path, folder: Path) -> list[RecordedSession | SkippedLine]:
    found: list[RecordedSession | SkippedLine] = []
    for source in sources([path], Spool(folder)):
        found.extend(sessions(source) if isinstance(source, RecordingSource) else [source])
    return found


def said(session: RecordedSession) -> list[tuple[str, list[str]]]:
    """Roles and contents of everything that was said, request by request."""
    frames = [(one.role or "", one.value) for each in session.exchanges for one in (*each.arrived, *each.reply)]
    return [(role, [value["type"], json.dumps(list(value.values())[1:])]) for role, value in frames]


@pytest.mark.parametrize("name", LISTS)
@pytest.mark.parametrize("ending", ["json", "jsonl", "traj"])
def test_the_same_talk_in_any_form_is_the_same_session(name: str, ending: str, tmp_path: Path) -> None:
    """Calls and results are there, in two requests."""
    path = tmp_path / f"talk.{ending}"
    path.write_text(json.dumps(LISTS[name], indent=2 if ending == "traj" else None), encoding="utf-8")
    (found,) = everything(path, tmp_path)
    assert isinstance(found, RecordedSession) and len(found.exchanges) == 2
    assert said(found) == [
        ("user", ["text", '["Which tide?"]']),
        ("assistant", ["text", '["I look."]']),
        ("assistant", ["tool_use", '["c1", "tide", {"port": "Husum"}]']),
        ("user", ["tool_result", '["c1", "ebb"]']),
        ("assistant", ["text", '["The ebb."]']),
    ]


def test_a_message_a_line_is_one_trajectory(tmp_path: Path) -> None:
    """Its requests are those of the whole file."""
    path = tmp_path / "talk.jsonl"
    path.write_text("".join(json.dumps(one) + "\n" for one in ANTHROPIC), encoding="utf-8")
    (found,) = everything(path, tmp_path)
    assert isinstance(found, RecordedSession) and len(found.exchanges) == 2


def test_what_is_no_message_is_named(tmp_path: Path) -> None:
    """And the others are read."""
    path = tmp_path / "talk.jsonl"
    whole = {"messages": [*CHAT[:1], 7, {"role": "tool"}, {"role": "assistant", "tool_calls": [{}]}, *CHAT[1:]]}
    path.write_text(json.dumps(whole), encoding="utf-8")
    *skipped, session = everything(path, tmp_path)
    assert isinstance(session, RecordedSession) and len(session.exchanges) == 2
    assert [one.reason[:9] for one in skipped if isinstance(one, SkippedLine)] == ["message 2", "message 4"]


def test_what_stands_beside_a_list_is_read(tmp_path: Path) -> None:
    """System, tools and model belong to every request, and usage to its message, of either API."""
    messages = [
        ANTHROPIC[0],
        {**ANTHROPIC[1], "usage": {"input_tokens": 5, "cache_read_input_tokens": 7, "output_tokens": 2}},
        ANTHROPIC[2],
        {**ANTHROPIC[3], "usage": {"prompt_tokens": 12, "prompt_tokens_details": {"cached_tokens": 7}}},
    ]
    whole = {"system": "Be brief.", "tools": [{"name": "tide"}], "model": "claude-opus-4-6", "messages": messages}
    path = tmp_path / "talk.json"
    path.write_text(json.dumps(whole), encoding="utf-8")
    (found,) = everything(path, tmp_path)
    assert isinstance(found, RecordedSession) and found.head is not None
    assert [one.segment for one in found.head] == ["tool", "system"]
    assert {one.model for one in found.exchanges} == {"claude-opus-4-6"}
    assert [one.usage for one in found.exchanges] == [Usage("measured", 5, 7, 0, 0, 2), Usage("measured", 5, 7)]


def chat_line(at: float, messages: Talk, reply: dict[str, Any], prompt: int, cached: int, output: int) -> Any:
    details = {"prompt_tokens_details": {"cached_tokens": cached}}
    usage = {"prompt_tokens": prompt, "completion_tokens": output, **details}
    response = {"id": f"r{at}", "choices": [{"message": reply}], "usage": usage}
    return {"at": at, "request": {"model": "gpt-4o", "messages": messages}, "response": response}


def items_line(at: float, items: Any, reply: Talk, prompt: int, cached: int, output: int, **fields: Any) -> Any:
    usage = {"input_tokens": prompt, "input_tokens_details": {"cached_tokens": cached}, "output_tokens": output}
    response = {"id": f"r{at}", "output": reply, "usage": usage}
    return {"at": at, "request": {"model": "gpt-4o", "input": items, **fields}, "response": response}


WIRES: Mapping[str, Talk] = {
    "chat completions": [
        chat_line(1.0, CHAT[:1], CHAT[1], 1_500, 1_024, 600),
        chat_line(9.0, CHAT[:3], CHAT[3], 2_200, 2_048, 40),
    ],
    "responses": [
        items_line(1.0, ITEMS[:1], ITEMS[1:3], 1_500, 1_024, 600),
        items_line(9.0, ITEMS[:4], ITEMS[4:], 2_200, 2_048, 40),
    ],
    "responses whose server remembers": [
        items_line(1.0, "Which tide?", ITEMS[1:3], 1_500, 1_024, 600),
        items_line(9.0, ITEMS[3:4], ITEMS[4:], 2_200, 2_048, 40, previous_response_id="r1.0"),
    ],
}


@pytest.mark.parametrize("name", WIRES)
def test_a_wire_log_of_openais_is_read(name: str, tmp_path: Path) -> None:
    """Text, usage and dollars are OpenAI's; the second request extends the first."""
    path = tmp_path / "wire.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in WIRES[name]), encoding="utf-8")
    (found,) = everything(path, tmp_path)
    assert isinstance(found, RecordedSession) and found.provider == "openai"
    assert [one.cut for one in found.exchanges] == [None, None]
    assert [kind for _, (kind, _) in said(found)] == ["text", "text", "tool_use", "tool_result", "text"]
    made = replay_all(ReplayPlan((path,), ("recorded", "agentmem"), jobs=1))
    bill = made["billed"]
    assert (bill["input_tokens"], bill["cache_read_tokens"], bill["output_tokens"]) == (3_700, 3_072, 640)
    assert bill["billed_usd"] == pytest.approx(628 * 2.5e-6 + 3_072 * 1.25e-6 + 640 * 10e-6)
    assert made["skipped"] == [] and all(row["cost_usd"] > 0 for row in made["policies"])
    (row,) = verify_all(ReplayPlan((path,), jobs=1))["sessions"]
    assert row["input_tokens_recorded"] == 3_700 and row["input_usd_recorded"] == pytest.approx(0.00541)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ({"at": 1, "path": "/v1/embeddings", "request": {"model": "m", "input": "x"}, "response": {}}, "another API"),
        ({"at": 1, "request": {"model": "gpt-4o", "messages": CHAT[:1]}, "response": {"choices": [{}]}}, "replayed"),
        ({"at": 1, "request": {"model": "gpt-4o", "messages": CHAT[:1]}, "response": "no"}, "no response"),
        ({"at": "noon", "request": {"model": "m", "messages": ANTHROPIC[:1]}, "response": {"content": []}}, "no time"),
        ({"at": 1, "request": {"model": "m", "messages": ANTHROPIC[:1]}, "response": {}, "status": "x"}, "replayed"),
        ({"at": 1, "request": {"prompt": "once"}, "response": {"completion": "upon"}}, "no request of a model"),
    ],
)
def test_lines_that_cannot_be_replayed_are_named(line: Any, reason: str, tmp_path: Path) -> None:
    """And the others are read."""
    path = tmp_path / "wire.jsonl"
    path.write_text("".join(json.dumps(one) + "\n" for one in (line, *WIRES["responses"])), encoding="utf-8")
    skipped, session = everything(path, tmp_path)
    assert isinstance(skipped, SkippedLine) and skipped.line == 1 and reason in skipped.reason
    assert isinstance(session, RecordedSession) and len(session.exchanges) == 2


def test_providers_are_not_joined_to_one_chain(tmp_path: Path) -> None:
    """Each has its own rules and prices; a bill is the sum of both."""
    path = tmp_path / "wire.jsonl"
    request = {"model": "claude-opus-4-6", "messages": ANTHROPIC[:1]}
    response = {"content": [{"type": "text", "text": "Ebb."}], "usage": {"input_tokens": 100, "output_tokens": 10}}
    other = {"at": 3.0, "request": request, "response": response}
    path.write_text("".join(json.dumps(one) + "\n" for one in (*WIRES["responses"], other)), encoding="utf-8")
    made = replay_all(ReplayPlan((path,), ("recorded",), jobs=1))
    assert made["policies"][0]["chains"] == 2 and made["billed"]["billed_requests"] == 3
    assert made["policies"][0]["cost_usd"] > 0
