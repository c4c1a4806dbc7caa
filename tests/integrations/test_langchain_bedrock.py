"""ContextMiddleware with the real ChatBedrockConverse: botocore's own HTTP to a server on loopback."""

from typing import Any

import pytest
from langchain.agents import create_agent
from langgraph.checkpoint.memory import InMemorySaver

from agentmem.integrations.langchain import ContextMiddleware
from tests.integrations.converse_server import POINT, Converse, converse_server, frames, points
from tests.integrations.looking_up import ASKED, BUDGET, PROMPT, SUMMARY, TASK, record

pytest.importorskip("langchain_aws")

THREAD: Any = {"configurable": {"thread_id": "t"}, "recursion_limit": 10_000}
CLAUDE, NOVA = "anthropic.claude-sonnet-4-5-20250929-v1:0", "amazon.nova-pro-v1:0"


class Looks:
    """Looks ``parts`` up, ``at_once`` in each reply, and then is done."""

    def __init__(self, parts: int, at_once: int = 1) -> None:
        self.parts, self.at_once, self.asked, self.summaries = parts, at_once, 0, 0

    def __call__(self, body: Any) -> list[dict[str, Any]]:
        last = [one for one in body["messages"][-1]["content"] if POINT not in one][-1]
        if ASKED in str(last.get("text", "")):
            self.summaries += 1
            return [{"text": SUMMARY}]
        numbers = range(self.asked, min(self.asked + self.at_once, self.parts))
        self.asked += self.at_once
        calls = [{"toolUse": {"toolUseId": f"call_{at}", "name": "record", "input": {"number": at}}} for at in numbers]
        return [{"text": "I look."}, *calls] if calls else [{"text": "done"}]


def model(served: Converse, name: str) -> Any:
    from langchain_aws import ChatBedrockConverse

    keys: Any = {"aws_access_key_id": "none", "aws_secret_access_key": "none", "endpoint_url": served.url}
    return ChatBedrockConverse(model=name, region_name="us-east-1", disable_streaming=True, **keys)


def run(served: Converse, name: str) -> Any:
    """The state of an agent with ours, after its run."""
    ours = ContextMiddleware(budget=BUDGET)
    made: Any = create_agent(
        model(served, name), [record], system_prompt=PROMPT, middleware=[ours], checkpointer=InMemorySaver()
    )
    made.invoke(TASK, THREAD)
    return made.get_state(THREAD).values


def breaks(bodies: list[Any]) -> list[int]:
    """The requests that do not extend the one before, cache points apart."""
    made = [[one for one in frames(body) if POINT not in one] for body in bodies]
    return [at for at in range(1, len(made)) if made[at][: len(made[at - 1])] != made[at - 1]]


@pytest.mark.parametrize("at_once", [1, 5])
def test_claude_reads_what_the_cache_points_kept(at_once: int) -> None:
    """Every request is valid and extends the one before except at a cut; a summary is read from the cache, and the
    ledger has what Bedrock counted.
    """
    looks = Looks(60, at_once)
    with converse_server(looks) as served:
        state = run(served, CLAUDE)
        rows = ContextMiddleware.ledger(state)
    assert state["messages"][-1].text == "done"
    assert len(breaks(served.bodies)) == len(state["agentmem_cuts"]) >= 2 and looks.summaries >= 1
    assert all(2 <= points(body) <= 3 for body in served.bodies)
    assert sum(row.usage.cache_read_tokens for row in rows) == sum(one["cacheReadInputTokens"] for one in served.usage)
    written = sum(row.usage.cache_write_5m_tokens + row.usage.cache_write_1h_tokens for row in rows)
    assert written == sum(one["cacheWriteInputTokens"] for one in served.usage)
    for row in rows:
        if row.purpose == "summary":
            assert row.usage.cache_read_tokens >= 0.9 * row.usage.input_tokens
    assert {row.model for row in rows} == {f"amazon_bedrock:{CLAUDE}"}
    assert all(row.cost_usd for row in rows)


def test_nova_gets_no_cache_point_beside_a_tools_block() -> None:
    """It refuses those: the prompt's and those of messages without results are left, and the prompt is read."""
    with converse_server(Looks(12)) as served:
        rows = ContextMiddleware.ledger(run(served, NOVA))
    assert all(1 <= points(body) <= 3 for body in served.bodies)
    assert all(row.usage.cache_read_tokens > 1_000 for row in rows[1:])
