"""agentmem.integrations.observing: wire logs and our own runs, read back to be diagnosed."""

import json
from contextlib import closing
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from agentmem.integrations.observing import observe, read_run, read_wirelog, reported_usage
from agentmem.kvcache.prompts import body_prompt
from agentmem.kvcache.simulated.events import ServerAnswer
from agentmem.kvcache.simulated.server import MessagesServer
from agentmem.kvcache.why.diagnosis import diagnose
from agentmem.models.anthropic import AnthropicModel
from agentmem.runtime.agent import Agent
from agentmem.types import Usage
from tests.agents.coding import Body, CodingAgent, Turn
from tests.agents.faults import tool_added
from tests.agents.provider import answered


def _write(path: Path, lines: list[Any]) -> Path:
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def _chat(number: int, at: float, cached: int | None, head: str = "", model: str = "gpt-5") -> dict[str, Any]:
    """A line of OpenAI's: a growing conversation after a long system message, with what was read from the cache."""
    system = "Rules: " + "be careful with what you change. " * 400 + head
    turns: list[Body] = [{"role": "user", "content": "Begin."}]
    for turn in range(number):
        turns += [{"role": "assistant", "content": f"Step {turn}."}, {"role": "user", "content": "Go on."}]
    usage = {"prompt_tokens": 3000 + 20 * number, "prompt_tokens_details": {"cached_tokens": cached or 0}}
    return {
        "at": at,
        "request": {"model": model, "messages": [{"role": "system", "content": system}, *turns]},
        "response": {"id": f"c{number}", "model": model} | ({} if cached is None else {"usage": usage}),
        "status": 200,
        "seconds": 1.0,
    }


def test_malformed_lines_are_named(tmp_path: Path) -> None:
    """A line that is no request is counted with its number and reason; the others are read."""
    log = tmp_path / "run.jsonl"
    good = list(answered(CodingAgent(1, turns=2).requests()))
    log.write_text("\n".join(['{"at": 1', json.dumps(good[0]), "[]", '{"at": 1}', json.dumps(good[1])]) + "\n")
    observed, skipped = read_wirelog(log)
    assert [one.number for one in observed] == [2, 5]
    assert [one.line for one in skipped] == [1, 3, 4]
    assert all(one.reason for one in skipped)


def test_usage_that_was_not_reported_is_simulated(tmp_path: Path) -> None:
    """A log without any usage gets the provider's rules, and says so."""
    bare = [{**line, "response": None} for line in answered(CodingAgent(1, turns=4).requests())]
    observed, _ = read_wirelog(_write(tmp_path / "run.jsonl", bare))
    full = [observe(line, number) for number, line in enumerate(answered(CodingAgent(1, turns=4).requests()), 1)]
    input_only = [replace(one.used, output_tokens=0) for one in full]
    assert [one.usage for one in observed] == input_only
    assert {one.used.basis for one in observed} == {"simulated"}


@pytest.mark.parametrize("model", ["gpt-5", "gpt-5.6"])
def test_openai_logs(tmp_path: Path, model: str) -> None:
    """A stable prefix has no findings; a time in the system message, another model and a pause are found."""

    def causes(*lines: dict[str, Any]) -> list[tuple[int, str | None]]:
        observed, _ = read_wirelog(_write(tmp_path / "run.jsonl", list(lines)))
        return [(one.request, one.cause) for one in diagnose(observed)]

    kept = [_chat(number, 100.0 * number, 2980 + 20 * number if number else 0, model=model) for number in range(5)]
    times = [_chat(number, 100.0 * number, 0, f"It is 10:0{number}.", model) for number in range(4)]
    assert causes(*kept) == []
    assert causes(*times) == [(number, "volatile_text") for number in (2, 3, 4)]
    assert causes(*kept, _chat(5, 500.0, 0, model=f"{model}-mini")) == [(6, "model_changed")]
    assert causes(*kept, _chat(5, 4000.0, 0, model=model)) == [(6, "expiry")]


def test_usage_of_each_api() -> None:
    """OpenAI's input includes what was cached, Anthropic's does not."""
    chat = {"prompt_tokens": 100, "completion_tokens": 7, "prompt_tokens_details": {"cached_tokens": 64}}
    response = {"input_tokens": 100, "output_tokens": 7, "input_tokens_details": {"cached_tokens": 64}}
    message = {
        "input_tokens": 6,
        "output_tokens": 7,
        "cache_read_input_tokens": 64,
        "cache_creation_input_tokens": 30,
        "cache_creation": {"ephemeral_5m_input_tokens": 10, "ephemeral_1h_input_tokens": 20},
    }
    assert reported_usage(chat) == reported_usage(response) == Usage("measured", 36, 64, 0, 0, 7)
    assert reported_usage(message) == Usage("measured", 6, 64, 10, 20, 7)
    assert reported_usage(None) is None


def test_the_providers_reason_stands_beside_ours() -> None:
    """What the provider said of the miss is kept."""
    reason = {"type": "tools_changed", "cache_missed_input_tokens": 9}

    def added(turn: Turn, body: Body) -> Body:
        return tool_added(replace(turn, number=turn.number + 13), body)

    lines = list(answered(CodingAgent(1, turns=2, fault=added).requests()))
    lines[1]["response"]["diagnostics"] = {"cache_miss_reason": reason}
    [finding] = diagnose([observe(line, number) for number, line in enumerate(lines, 1)])
    assert (finding.cause, finding.provider_reason) == ("tools_changed", "tools_changed")


def test_our_own_runs(tmp_path: Path) -> None:
    """Turns that only append are clean; going on with another model is a declared cut."""
    seconds = count(1_795_000_000)
    found = []
    with MessagesServer(lambda _body: ServerAnswer.text("Noted.")) as server:
        for model, task in (("claude-sonnet-5", "a " * 3000), ("claude-sonnet-5", "b"), ("claude-opus-5", "c")):
            claude = AnthropicModel(model, api_key="none", base_url=server.url)
            with closing(claude), Agent(claude, tmp_path, clock=lambda: float(next(seconds))) as agent:
                agent.run(task, thread="t")
                requests = read_run(agent.journal, "t")
                found.append([(one.request, one.cause, one.declared) for one in diagnose(requests)])
    assert found == [[], [], [(3, "model_changed", True)]]
    assert {one.used.basis for one in requests} == {"simulated"}
    assert [one.prompt.frames for one in requests] == [body_prompt(body).frames for body in server.bodies]
    assert [one.prompt.breakpoints for one in requests] == [body_prompt(body).breakpoints for body in server.bodies]
