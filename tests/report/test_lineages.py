"""agentmem.report.lineages: reports on wire logs of LangChain's and deepagents' agents, with the real packages."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from deepagents import create_deep_agent
from langchain.agents import create_agent
from langchain.agents.middleware import ClearToolUsesEdit, ContextEditingMiddleware, SummarizationMiddleware
from langchain_anthropic.middleware import AnthropicPromptCachingMiddleware

from agentmem import record
from agentmem.report.data import collect_observed
from agentmem.report.loading import Observed, load_paths
from tests.cli.invoke import invoke, invoke_json
from tests.integrations.looking_up import PROMPT, TASK, Script, Served, serving
from tests.integrations.looking_up import record as look_up

CONFIG: Any = {"recursion_limit": 1_000}
Build = Callable[[Served], Any]


def summarising(served: Served) -> Any:
    summing: Any = SummarizationMiddleware(served.model, trigger=("tokens", 9_000), keep=("messages", 10))
    return _langchain(served, [summing, AnthropicPromptCachingMiddleware()])


def emptying(served: Served) -> Any:
    editing = ContextEditingMiddleware(edits=[ClearToolUsesEdit(trigger=8_000, clear_at_least=4_000)])
    return _langchain(served, [editing, AnthropicPromptCachingMiddleware()])


def deepagents(served: Served) -> Any:
    served.model.profile = {"max_input_tokens": 40_000}
    served.model.max_tokens = 1_000
    return create_deep_agent(served.model, [look_up], system_prompt=PROMPT)


def _langchain(served: Served, stack: Any) -> Any:
    return create_agent(served.model, [look_up], system_prompt=PROMPT, middleware=stack)


def logged(tmp_path: Path, build: Build, turns: int = 40) -> Path:
    """The log of an agent's run."""
    log = tmp_path / "run.jsonl"
    with serving(Script(turns)) as served, record(served.model, log):
        build(served).invoke(TASK, CONFIG)
    return log


def _observed(log: Path) -> list[Observed]:
    return [one for one in load_paths([log]) if isinstance(one, Observed)]


@pytest.mark.parametrize(
    ("build", "who"),
    [
        (summarising, "LangChain's SummarizationMiddleware"),
        (emptying, "LangChain's ContextEditingMiddleware"),
        (deepagents, "deepagents' SummarizationMiddleware"),
    ],
)
def test_a_report_counts_others_compactions_as_cuts(tmp_path: Path, build: Build, who: str) -> None:
    """Known by their marks, they are cuts in the sums and on the page, which says whose they are; none is a break."""
    log = logged(tmp_path, build)
    made, observed = invoke_json("report", log), _observed(log)
    events = collect_observed(observed, str(log))["events"]
    assert made["skipped"] == [] and made["requests"] == sum(len(one.turns) for one in observed)
    assert made["cuts"] > 0 and made["breaks"] == 0
    assert made["cuts"] == sum(one["kind"] == "cut" for one in events)
    assert all(one["cause"] == "compaction" for one in events if one["kind"] == "cut")
    assert all(one["said"].startswith(f"{who} compacted here.") for one in events if one["kind"] == "cut")


def test_the_sums_are_those_that_the_provider_reported(tmp_path: Path) -> None:
    """Each token once: read, written, plain and output; and the parts of a request come to its input."""
    log = logged(tmp_path, summarising, turns=12)
    used = [json.loads(line)["response"]["usage"] for line in log.read_text().splitlines()]
    made = invoke_json("report", log)
    for name, key in (
        ("cache_read_tokens", "cache_read_input_tokens"),
        ("uncached_tokens", "input_tokens"),
        ("output_tokens", "output_tokens"),
    ):
        assert made[name] == sum(one[key] for one in used)
    assert made["cost_usd"] > 0 and made["run"] == str(log)
    for turn in (turn for one in _observed(log) for turn in one.turns):
        assert turn.parts
        parts = turn.parts
        whole = parts.tools + parts.system + parts.summary + parts.results + parts.tail
        assert abs(whole - turn.row.usage.input_tokens) <= 6


def test_an_edited_history_stays_a_break(tmp_path: Path) -> None:
    """A request that lost its beginning to nobody's compaction is none."""
    log = tmp_path / "run.jsonl"
    with serving(Script(0)) as served, record(served.model, log):
        long = "The chain was oiled and the bell was mended. " * 300
        served.model.invoke([("user", long), ("ai", "Well."), ("user", "Go on.")])
        served.model.invoke(
            [("user", long.replace("bell", "horn")), ("ai", "Well."), ("user", "Go on."), ("ai", "So.")]
        )
    made = invoke_json("report", log)
    assert (made["breaks"], made["cuts"]) == (1, 0)


def test_a_page_is_written_of_a_log(tmp_path: Path) -> None:
    """With -o, as for a run."""
    log, page = logged(tmp_path, summarising, turns=12), tmp_path / "out.html"
    result = invoke("report", log, "-o", page)
    assert result.exit_code == 0, result.stderr
    assert "compacted here" in page.read_text(encoding="utf-8")


def test_another_file_is_refused(tmp_path: Path) -> None:
    """A file without a single request is said to hold none."""
    other = tmp_path / "notes.md"
    other.write_text("# Notes\n")
    result = invoke("report", other)
    assert result.exit_code == 2 and "holds no conversation that can be read" in result.stderr
