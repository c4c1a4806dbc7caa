"""agentmem.report.loading on logs of whole requests as people write them themselves: without times, or under "body"."""

import json
from pathlib import Path
from typing import Any

import pytest

from agentmem.meter.report import report
from agentmem.meter.tables import advice
from agentmem.report.loading import diagnose_path, load_paths, split

READ = (0, 1_408, 3_072, 0)
CREATED = 1_795_000_000


def exchanges() -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Four of OpenAI's responses, 20 seconds apart, of which the last read nothing."""
    made, history = [], []
    for at, read in enumerate(READ):
        history.append({"role": "user", "content": f"Question {at}? {'context words here ' * 400}"})
        said = {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": f"Answer {at}."}]}
        used = {"input_tokens": 1_500 + at * 1_600, "input_tokens_details": {"cached_tokens": read}, "output_tokens": 9}
        body = {"model": "gpt-5", "instructions": "Be terse. " * 300, "input": list(history)}
        response = {"id": f"r{at}", "created_at": CREATED + 20 * at, "output": [said], "usage": used}
        made.append((body, response))
        history.append({"role": "assistant", "content": f"Answer {at}."})
    return made


@pytest.mark.parametrize("request_key", ["request", "body"])
@pytest.mark.parametrize("time_key", ["at", "timestamp", "ts", ""])
@pytest.mark.parametrize("folder", [True, False])
def test_a_request_that_read_nothing_is_named(request_key: str, time_key: str, folder: bool, tmp_path: Path) -> None:
    """However the lines are written: the provider gave no reason, and that is said. The report's advice fits it."""
    path, lines = tmp_path / "pairs.jsonl", []
    for body, response in exchanges():
        lines.append({request_key: body, "response": response})
        if time_key:
            lines[-1][time_key] = response["created_at"]
    path.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    found = diagnose_path(tmp_path if folder else path)
    assert (found.requests, found.skipped) == (4, ())
    [(_, loss)] = found.losses
    assert (loss.request, loss.previous, loss.cause) == (4, 3, None)
    assert loss.tokens_lost == 4_608
    assert "gave no reason" in loss.fix and "another server" in loss.fix
    [one] = split(load_paths([path]))[0]
    told = report(one.rows)
    assert (told["breaks"], told["expiries"]) == (0, 0)
    assert "agentmem why" in advice(told) and "budget" not in advice(told)
    assert one.turns[-1].row.at - one.turns[0].row.at == 60


def test_a_log_without_any_time_is_read(tmp_path: Path) -> None:
    """Its requests are taken to be some seconds apart."""
    path = tmp_path / "pairs.jsonl"
    timeless = [{"request": body, "response": {**response, "created_at": None}} for body, response in exchanges()]
    path.write_text("\n".join(map(json.dumps, timeless)), encoding="utf-8")
    assert [one.request for _, one in diagnose_path(path).losses] == [4]
