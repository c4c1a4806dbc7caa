"""agentmem.cli.why."""

import json
from pathlib import Path
from typing import Any

from tests.agents.coding import CodingAgent
from tests.agents.faults import both, never_marked, time_in_system
from tests.agents.provider import answered
from tests.cli.invoke import invoke, invoke_json, keep
from tests.meter.rows import ROW


def _log(path: Path, agent: CodingAgent) -> Path:
    path.write_text("".join(json.dumps(line) + "\n" for line in answered(agent.requests())))
    return path


def test_the_json_is_the_contract(tmp_path: Path) -> None:
    """Run, requests and findings, each finding with all of its fields."""
    log = _log(tmp_path / "run.jsonl", CodingAgent(1, turns=3, fault=time_in_system))
    printed = invoke_json("why", log)
    assert (printed["schema"], printed["basis"], printed["run"], printed["requests"]) == (1, "simulated", str(log), 3)
    first = printed["findings"][0]
    assert first["cause"] == "volatile_text"
    assert ", ".join(first) == (
        "request, previous, cause, declared, segment, block, byte, before, after, tokens_lost, usd_lost, "
        "provider_reason, fix, together"
    )


def test_people_see_place_cause_price_and_fix(tmp_path: Path) -> None:
    """One paragraph for losses of one kind, and the sum of all."""
    log = _log(tmp_path / "run.jsonl", CodingAgent(1, turns=4, fault=time_in_system))
    shown = " ".join(invoke("why", log).stdout.split())
    for part in (
        "volatile_text",
        "3 requests, from 2 to 4",
        "system, block 0",
        "of the whole prompt (tools, system, messages)",
        "- ",
        "+ ",
        "tokens lost, $",
        "Take out",
    ):
        assert part in shown
    assert "3 of 4 requests lost" in shown


def test_what_saves_nothing_alone_is_said_to_do_so(tmp_path: Path) -> None:
    """Both causes are named, each with the other, and what both save is said once."""
    log = _log(tmp_path / "run.jsonl", CodingAgent(1, turns=4, fault=both(time_in_system, never_marked)))
    shown = " ".join(invoke("why", log).stdout.split())
    assert "mending this alone saves nothing, breakpoint_missing must be mended as well" in shown
    assert "mending this alone saves nothing, volatile_text must be mended as well" in shown
    groups = invoke_json("why", log)["groups"]
    assert {one["cause"]: one["together"] for one in groups} == {
        "volatile_text": ["breakpoint_missing"],
        "breakpoint_missing": ["volatile_text"],
    }


def test_two_causes_in_turn_are_two_paragraphs(tmp_path: Path) -> None:
    """Requests that lost by the same two causes each are two groups, in the text and, beside the findings, in JSON."""
    log = _log(tmp_path / "run.jsonl", CodingAgent(1, turns=9, fault=_never_the_same))
    printed = invoke_json("why", log)
    groups, findings = printed["groups"], printed["findings"]
    assert len(findings) == 16
    assert [(one["cause"], one["place"], one["requests"]) for one in groups] == [
        ("tool_order", "tool", list(range(2, 10))),
        ("volatile_text", "system", list(range(2, 10))),
    ]
    assert sum(one["tokens_lost"] for one in groups) == sum(one["tokens_lost"] for one in findings)
    shown = invoke("why", log).stdout
    assert shown.count("8 requests, from 2 to 9") == 2
    assert "agentmem report" in " ".join(shown.split())


def _never_the_same(turn: Any, body: Any) -> Any:
    body["tools"] = body["tools"][::-1] if turn.number % 2 else body["tools"]
    return time_in_system(turn, body)


def test_a_clean_log_says_so(tmp_path: Path) -> None:
    """No finding is good news, said in a sentence."""
    log = _log(tmp_path / "run.jsonl", CodingAgent(1, turns=3))
    assert "none read less from the cache than it could have" in " ".join(invoke("why", log).stdout.split())


def test_lines_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    """What was passed over is said on stderr, and in the JSON."""
    log = _log(tmp_path / "run.jsonl", CodingAgent(1, turns=2))
    log.write_text("{}\n" + log.read_text())
    assert "line 1 was passed over" in invoke("why", log).stderr
    assert [one["line"] for one in invoke_json("why", log)["skipped"]] == [1]


def test_an_unknown_run_is_an_error(tmp_path: Path) -> None:
    """The message says where runs and logs come from."""
    keep(tmp_path, {"run-1": [ROW]})
    result = invoke("why", "nothing", "-w", tmp_path)
    assert result.exit_code == 1
    assert "no file and no run 'nothing'" in result.stderr


def test_another_file_is_refused(tmp_path: Path) -> None:
    """A file without a single request is not called clean; what can be read is named."""
    other = tmp_path / "notes.md"
    other.write_text("# Notes\n")
    result = invoke("why", other)
    assert result.exit_code == 2
    assert "holds no conversation that can be read" in result.stderr
    assert "wire-log" in result.stderr
