"""agentmem.replay.formats.codex."""

import json
from pathlib import Path
from typing import Any

from agentmem.replay.session import SkippedLine
from tests.replay.formats.test_other_formats import everything, only


def item(type_: str, second: int, **payload: Any) -> dict[str, Any]:
    """A line of a rollout."""
    return {"timestamp": f"2026-05-13T09:00:{second:02}Z", "type": type_, "payload": payload}


def metered(second: int, last: tuple[int, int, int], total: tuple[int, int, int]) -> dict[str, Any]:
    """A token count: input, cached input and output, of the last request and of all."""
    names = ("input_tokens", "cached_input_tokens", "output_tokens")
    info = {
        "last_token_usage": dict(zip(names, last, strict=True)),
        "total_token_usage": dict(zip(names, total, strict=True)),
    }
    return item("event_msg", second, type="token_count", info=info)


MESSAGE = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "List the drawer."}]}
CALL = {"type": "function_call", "name": "shell", "arguments": '{"command": "ls"}', "call_id": "c1"}
OUTPUT = {"type": "function_call_output", "call_id": "c1", "output": "A12"}
ANSWER = {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "A12."}]}
ROLLOUT = [
    item("session_meta", 0, id="0199", cwd="/x", model_provider="openai"),
    item("turn_context", 1, model="gpt-5.2-codex"),
    item("response_item", 2, **MESSAGE),
    item("response_item", 4, type="reasoning", summary=[{"type": "summary_text", "text": "Look."}]),
    item("response_item", 5, **CALL),
    metered(6, (8_000, 0, 40), (8_000, 0, 40)),
    metered(6, (8_000, 0, 40), (8_000, 0, 40)),
    item("response_item", 7, **OUTPUT),
    item("response_item", 9, **ANSWER),
    metered(10, (8_100, 7_936, 9), (16_100, 7_936, 49)),
]


def write(path: Path, lines: list[dict[str, Any]]) -> Path:
    """A rollout as a file."""
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return path


def test_a_rollout_is_requests_with_usage(tmp_path: Path) -> None:
    """Each count ends a request, the same totals again are none; what came back joins the next."""
    session = only(everything(write(tmp_path / "rollout-1.jsonl", ROLLOUT), tmp_path))
    assert (session.name, session.provider, session.head) == ("0199", "openai", None)
    first, second = session.exchanges
    assert first.usage is not None
    assert second.usage is not None
    assert (first.usage.uncached_tokens, first.usage.output_tokens) == (8_000, 40)
    assert (second.usage.uncached_tokens, second.usage.cache_read_tokens) == (164, 7_936)
    assert [one.value["type"] for one in first.reply] == ["thinking", "tool_use"]
    assert [one.value["type"] for one in second.arrived] == ["tool_result"]
    assert first.reply[1].value["input"] == {"command": "ls"}
    assert (first.model, first.answered - first.at) == ("gpt-5.2-codex", 4.0)


def test_a_result_before_the_count_belongs_to_the_next_request(tmp_path: Path) -> None:
    """Tools may be done before the reply was metered."""
    moved = [*ROLLOUT[:5], ROLLOUT[7], ROLLOUT[5], *ROLLOUT[8:]]
    session = only(everything(write(tmp_path / "r.jsonl", moved), tmp_path))
    assert [len(one.arrived) for one in session.exchanges] == [1, 1]


def test_a_compaction_begins_the_context_anew(tmp_path: Path) -> None:
    """Behind it stands what replaced the history, or the summary."""
    for payload, shown in (
        ({"message": "So far: A12."}, "So far: A12."),
        ({"replacement_history": [MESSAGE]}, "List the drawer."),
    ):
        lines = [*ROLLOUT, item("compacted", 20, **payload), item("response_item", 21, **MESSAGE), *ROLLOUT[8:9]]
        last = only(everything(write(tmp_path / "r.jsonl", lines), tmp_path)).exchanges[-1]
        assert last.cut is not None
        assert (last.cut.kind, last.cut.frames[0].value["text"]) == ("compaction", shown)
        assert last.usage is None


def test_without_counts_replies_are_requests_without_usage(tmp_path: Path) -> None:
    """Old rollouts have none: a reply ends where somebody else spoke."""
    bare = [line for line in ROLLOUT if line["type"] != "event_msg"]
    session = only(everything(write(tmp_path / "r.jsonl", bare), tmp_path))
    assert [one.usage for one in session.exchanges] == [None, None]


def test_counts_without_text_are_a_ledger(tmp_path: Path) -> None:
    """Requests of which only the numbers are known."""
    session = only(everything(write(tmp_path / "r.jsonl", [ROLLOUT[1], ROLLOUT[5], ROLLOUT[9]]), tmp_path))
    assert not session.text
    assert [one.usage.input_tokens for one in session.exchanges if one.usage] == [8_000, 8_100]


def test_a_bad_line_is_named_and_the_others_are_read(tmp_path: Path) -> None:
    """Nothing that a line holds ends the reading."""
    bad = [
        item("response_item", 1, type="message", content=7, role=[]),
        item("event_msg", 3, type="token_count", info={"last_token_usage": {"input_tokens": "many"}}),
    ]
    found = everything(write(tmp_path / "r.jsonl", [ROLLOUT[0], *bad, *ROLLOUT[1:]]), tmp_path)
    assert [one.line for one in found if isinstance(one, SkippedLine)] == [2, 3]
    assert len([one for one in found if not isinstance(one, SkippedLine)]) == 1
