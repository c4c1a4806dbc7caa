"""agentmem.replay.formats.litellm: LiteLLM's payloads, by small logs whose sums are known."""

import json
from pathlib import Path
from typing import Any

import pytest

from agentmem.replay.recordings import format_of
from agentmem.report.loading import Observed, diagnose_path, load_paths, split

START = 1_795_000_000.0


def payload(number: int, whole: int, cached: int, **more: Any) -> dict[str, Any]:
    """The call of a conversation of ``number`` turns before it."""
    said = [
        {"role": role, "content": f"{role} {at} says {'words ' * 150}"} for at in range(number + 1) for role in ROLES
    ]
    messages = [{"role": "system", "content": "Be terse. " * 400}, *said[: 2 * number + 1]]
    usage = {"prompt_tokens": whole, "completion_tokens": 20, "prompt_tokens_details": {"cached_tokens": cached}}
    reply = {"id": f"chatcmpl-{number}", "choices": [{"index": 0, "message": said[2 * number + 1]}], "usage": usage}
    return {
        "id": f"chatcmpl-{number}",
        "call_type": "acompletion",
        "status": "success",
        "model": "gpt-4o",
        "custom_llm_provider": "openai",
        "startTime": START + 20 * number,
        "endTime": START + 20 * number + 1,
        "messages": messages,
        "model_parameters": {},
        "response": reply,
        **more,
    }


ROLES = ("user", "assistant")
CALLS = [(0, 1_500, 0), (1, 1_900, 1_408), (2, 2_300, 1_792), (3, 2_700, 0)]


def write(path: Path, payloads: list[Any]) -> Path:
    path.write_text("".join(json.dumps(one) + "\n" for one in payloads), encoding="utf-8")
    return path


def observed(path: Path) -> list[Observed]:
    return split(load_paths([path]))[0]


def test_requests_and_sums_are_those_of_the_calls(tmp_path: Path) -> None:
    """One conversation, its usage as reported, with the price of the provider that was asked."""
    path = write(tmp_path / "log.jsonl", [payload(*one) for one in CALLS])
    assert format_of(path) == "litellm"
    [one] = observed(path)
    rows = [turn.row for turn in one.turns]
    assert [row.usage.input_tokens for row in rows] == [1_500, 1_900, 2_300, 2_700]
    assert [row.usage.cache_read_tokens for row in rows] == [0, 1_408, 1_792, 0]
    assert {row.model for row in rows} == {"openai:gpt-4o"} and all(row.cost_usd for row in rows)
    assert [row.at - START for row in rows] == [0, 20, 40, 60]
    assert [row.break_ for row in rows] == ["first", "none", "none", "none"]


def test_a_request_that_read_nothing_is_named(tmp_path: Path) -> None:
    """The provider gave no reason, and that is said, with what may be behind it."""
    found = diagnose_path(write(tmp_path / "log.jsonl", [payload(*one) for one in CALLS]))
    [(_, loss)] = found.losses
    assert (loss.request, loss.cause, loss.segment) == (4, None, None)
    assert "gave no reason" in loss.fix and "prompt_cache_key" in loss.fix


def test_what_claude_stored_is_counted_apart(tmp_path: Path) -> None:
    """The input count has what was read and stored in it."""
    made = payload(0, 1_500, 0, model="anthropic/claude-sonnet-4-5", custom_llm_provider="anthropic")
    made["response"]["usage"] |= {"cache_creation_input_tokens": 1_000, "cache_read_input_tokens": 200}
    [one] = observed(write(tmp_path / "log.jsonl", [made]))
    [row] = [turn.row for turn in one.turns]
    assert row.model == "anthropic:claude-sonnet-4-5"
    used = row.usage
    assert (used.uncached_tokens, used.cache_write_5m_tokens, used.cache_read_tokens) == (300, 1_000, 200)


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"messages": "redacted-by-litellm"}, "left out of the log"),
        ({"response": "redacted-by-litellm"}, "no response"),
        ({"cache_hit": True}, "own cache"),
        ({"model": None}, "model's name"),
        ({"startTime": "soon"}, "could not convert"),
    ],
)
def test_a_payload_that_is_no_request_is_named(change: dict[str, Any], word: str, tmp_path: Path) -> None:
    """The others are read."""
    payloads = [payload(*CALLS[0]), payload(*CALLS[1], **change)]
    found, skipped = split(load_paths([write(tmp_path / "log.jsonl", payloads)]))
    assert [len(one.turns) for one in found] == [1]
    assert [(one.line, word in one.reason) for one in skipped] == [(2, True)]


def test_a_call_that_failed_is_passed_over(tmp_path: Path) -> None:
    """Nothing was metered."""
    payloads = [payload(*CALLS[0]), payload(*CALLS[1], status="failure", response={})]
    [one] = observed(write(tmp_path / "log.jsonl", payloads))
    assert len(one.turns) == 1
