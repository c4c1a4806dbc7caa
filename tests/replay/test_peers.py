"""Peers run as they ship."""

import importlib
from pathlib import Path
from typing import Any

import pytest

from agentmem.kvcache.rules import rules
from agentmem.replay.peers import NAMES, PEERS, missing
from agentmem.replay.policies import Terms
from agentmem.replay.registry import maker
from agentmem.replay.run import chain, replay
from agentmem.replay.session import opening
from tests.replay.logs import working

CLASSES = [
    ("langchain-summarization", "middleware", "langchain.agents.middleware.summarization"),
    ("langchain-context-editing", "middleware", "langchain.agents.middleware.context_editing"),
    ("deepagents", "summaries", "deepagents.middleware.summarization"),
    ("deepagents", "files", "deepagents.middleware.filesystem"),
    ("deepagents", "patches", "deepagents.middleware.patch_tool_calls"),
]


def needs(name: str) -> None:
    if missing(name):
        pytest.skip(f"{name}: {missing(name)}")


@pytest.mark.parametrize(("name", "attribute", "module"), CLASSES)
def test_the_code_is_the_packages_own(name: str, attribute: str, module: str, tmp_path: Path) -> None:
    """What decides is an instance of the package's class, not of ours."""
    needs(name)
    policy: Any = maker(name)(Terms(opening(working(1).session(tmp_path)), 30_000))
    try:
        kind = type(getattr(policy, attribute))
        assert kind.__module__ == module
        assert getattr(importlib.import_module(module), kind.__name__) is kind
        assert policy.model.profile == {"max_input_tokens": 30_000}
        assert policy.settings["package"].startswith(module.partition(".")[0])
    finally:
        policy.close()


@pytest.mark.parametrize("name", ["langchain-summarization", "deepagents"])
def test_a_summary_is_asked_for_and_counted(name: str, tmp_path: Path) -> None:
    """Over its trigger a peer asks its model for a summary: a request of its own, and a declared cut."""
    needs(name)
    session = working(20).session(tmp_path)
    tally = replay(chain([session], "anthropic"), PEERS[name], 28_000, rules)
    assert tally.summary_requests > 0 and tally.cuts > 0
    assert tally.requests == len(session.exchanges) + tally.summary_requests
    assert tally.peak_context_tokens < 40_000


def test_emptied_results_break_the_prefix(tmp_path: Path) -> None:
    """Clearing old results at each request rewrites what was sent, and nothing declares it."""
    needs("langchain-context-editing")
    session = working(20).session(tmp_path)
    tally = replay(chain([session], "anthropic"), PEERS["langchain-context-editing"], 10_000, rules)
    assert tally.breaks > 10 and tally.cuts == 0 and tally.summary_requests == 0


def test_a_peer_that_is_not_there_says_what_to_do() -> None:
    """Every peer runs, or says in words why not."""
    assert set(PEERS) < set(NAMES)
    assert "Python 3.12" in (missing("openhands") or "")
    assert missing("recorded") is None
