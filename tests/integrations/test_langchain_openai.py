"""ContextMiddleware with the real ChatOpenAI over HTTP: both of its APIs, breakpoints and the cache's key."""

from typing import Any

import pytest
from langchain.agents import create_agent
from langchain_openai import ChatOpenAI
from langgraph.checkpoint.memory import InMemorySaver
from pydantic import SecretStr

from agentmem.integrations.langchain import ContextMiddleware
from tests.integrations.looking_up import ASKED, BUDGET, PROMPT, SUMMARY, TASK, record
from tests.integrations.openai_caching import MARK, Caching, blocks, caching_server, marks

THREAD: Any = {"configurable": {"thread_id": "t"}, "recursion_limit": 10_000}


class Looks:
    """Looks parts up, one in each reply, and then is done."""

    def __init__(self, parts: int) -> None:
        self.parts, self.asked, self.summaries = parts, 0, 0

    def __call__(self, last: str) -> tuple[str, list[dict[str, Any]]]:
        if ASKED in last:
            self.summaries += 1
            return SUMMARY, []
        number, self.asked = self.asked, self.asked + 1
        calls = [{"id": f"call_{number}", "name": "record", "args": {"number": number}}]
        return ("I look.", calls) if number < self.parts else ("done", [])


def run(served: Caching, name: str, *, responses: bool) -> Any:
    """The state of an agent with ours, after its run."""
    model = ChatOpenAI(
        model=name, base_url=served.url, api_key=SecretStr("none"), max_retries=0, use_responses_api=responses
    )
    ours = ContextMiddleware(budget=BUDGET)
    made: Any = create_agent(model, [record], system_prompt=PROMPT, middleware=[ours], checkpointer=InMemorySaver())
    made.invoke(TASK, THREAD)
    return made.get_state(THREAD).values


def breaks(bodies: list[Any]) -> list[int]:
    """The requests that do not extend the one before, marks apart."""
    made = [[{key: value for key, value in one.items() if key != MARK} for one in blocks(body)] for body in bodies]
    return [at for at in range(1, len(made)) if made[at][: len(made[at - 1])] != made[at - 1]]


@pytest.mark.parametrize("responses", [False, True], ids=["completions", "responses"])
def test_from_5_6_breakpoints_are_read_under_one_key(responses: bool) -> None:
    """Head, end and the end before are marked; each request reads the one before it, a summary too, and the ledger has
    what the provider counted.
    """
    looks = Looks(50)
    with caching_server(looks) as served:
        state = run(served, "gpt-5.6", responses=responses)
        rows = ContextMiddleware.ledger(state)
    assert state["messages"][-1].text == "done"
    assert len(breaks(served.bodies)) == len(state["agentmem_cuts"]) >= 2 and looks.summaries >= 1
    assert all(2 <= marks(body) <= 3 for body in served.bodies)
    assert len({body["prompt_cache_key"] for body in served.bodies}) == 1
    assert [row.usage.cache_read_tokens for row in rows] == [read for read, _ in served.usage]
    cuts = set(breaks(served.bodies))
    for at, (read, whole) in enumerate(served.usage):
        assert at in cuts or at == 0 or read >= served.usage[at - 1][1]
        assert rows[at].purpose != "summary" or read >= 0.9 * whole


@pytest.mark.parametrize("responses", [False, True], ids=["completions", "responses"])
def test_older_models_get_no_field_that_they_do_not_know(responses: bool) -> None:
    """gpt-5.5 caches by itself: no breakpoint and no key goes out, and the requests extend each other all the same."""
    with caching_server(Looks(8)) as served:
        run(served, "gpt-5.5", responses=responses)
    assert not any(marks(body) or "prompt_cache_key" in body for body in served.bodies)
    assert breaks(served.bodies) == []
