"""ContextMiddleware in deepagents' own places: in the agent, in its general sub-agent and in given specs."""

import json
from typing import Any

import pytest
from deepagents import create_deep_agent
from deepagents.backends import StateBackend
from langchain_core.messages import HumanMessage, ToolMessage
from langgraph.checkpoint.memory import InMemorySaver

from agentmem.errors import ConfigError
from agentmem.integrations.deepagents_places import CACHING, SUMMARISING, Vacant
from agentmem.integrations.langchain import ContextMiddleware
from agentmem.testing import ServerAnswer
from tests.integrations.looking_up import (
    PROMPT,
    Script,
    breaks,
    call,
    is_summary,
    keys,
    last_text,
    marks,
    record,
    serving,
)

BUDGET = 34_000
TASK: Any = {"messages": [{"role": "user", "content": "Look up every part, then say done."}]}
THREAD: Any = {"configurable": {"thread_id": "t"}, "recursion_limit": 10_000}


def test_a_deep_agent_is_cut_by_ours_alone() -> None:
    """Its own summariser never asks; the prefix breaks only at our cuts; another instance goes on with the prefix."""
    with serving(Script(50)) as served:
        saver = InMemorySaver()

        def made() -> Any:
            arguments = ContextMiddleware.for_deepagents(budget=BUDGET)
            return create_deep_agent(served.model, [record], system_prompt=PROMPT, checkpointer=saver, **arguments)

        agent = made()
        agent.invoke(TASK, THREAD)
        cuts = agent.get_state(THREAD).values["agentmem_cuts"]
        assert cuts and len(breaks(served.bodies)) == len(cuts)
        assert not [body for body in served.bodies if "Context Extraction" in last_text(body)]
        assert max(map(marks, served.bodies)) <= 4
        before = keys(served.bodies[-1])
        made().invoke({"messages": [HumanMessage("And again?")]}, THREAD)
        assert keys(served.bodies[-1])[: len(before)] == before
        rows = ContextMiddleware.ledger(agent.get_state(THREAD).values)
    assert not [row for row in rows if row.break_ == "break"]


def test_marks_of_its_memory_have_room(tmp_path: Any) -> None:
    """The agent's memory marks the system prompt behind ours; with it there are still at most four."""
    files: Any = {"/AGENTS.md": {"content": "Be polite.", "encoding": "utf-8"}}
    with serving(Script(3)) as served:
        arguments = ContextMiddleware.for_deepagents(budget=BUDGET)
        made: Any = create_deep_agent(
            served.model, [record], memory=["/AGENTS.md"], backend=StateBackend(), **arguments
        )
        made.invoke({**TASK, "files": files}, THREAD)
        assert all("Be polite." in json.dumps(body["system"]) for body in served.bodies)
        assert all(2 <= marks(body) <= 4 for body in served.bodies)
        assert breaks(served.bodies) == []


@pytest.mark.parametrize("helper", ["general-purpose", "helper"])
def test_sub_agents_are_cut_by_ours_too(helper: str) -> None:
    """The general sub-agent and one with a spec have our recall and our cuts, each in a state of its own."""
    script = Script(40)
    task = {"description": "Look up every part.", "subagent_type": helper}

    def reply(body: Any) -> Any:
        inside = "Look up every part." in json.dumps(body["messages"][0])
        if inside or is_summary(body):
            return script(body)
        if "tool_result" in json.dumps(body["messages"][-1]):
            return ServerAnswer.text("all done")
        return ServerAnswer([call(1, "task", **task)])

    spec: Any = {"name": "helper", "description": "Helps.", "system_prompt": PROMPT, "tools": [record]}
    with serving(reply) as served:
        arguments = ContextMiddleware.for_deepagents(budget=BUDGET, subagents=[spec])
        made: Any = create_deep_agent(
            served.model, [record], system_prompt=PROMPT, checkpointer=InMemorySaver(), **arguments
        )
        end = made.invoke({"messages": [HumanMessage("Let somebody do it.")]}, THREAD)
        inner = [body for body in served.bodies if "Look up every part." in json.dumps(body["messages"][0])]
        assert "recall" in {one["name"] for one in inner[0]["tools"]}
        assert any(map(is_summary, served.bodies))
        assert max(map(marks, served.bodies)) <= 4
    assert end["messages"][-1].text == "all done"
    assert next(one for one in end["messages"] if isinstance(one, ToolMessage)).text.startswith("done")
    assert not made.get_state(THREAD).values.get("agentmem_cuts")


def test_specs_that_have_no_middlewares_stay_as_they_are() -> None:
    """A compiled and a remote sub-agent are passed on; a spec's own middlewares stay before ours."""
    compiled, remote = {"name": "c", "description": "", "runnable": object()}, {"name": "r", "graph_id": "g"}
    own = Vacant("Own")
    spec = {"name": "s", "description": "", "system_prompt": "", "middleware": [own]}
    found = ContextMiddleware.for_deepagents(subagents=[compiled, remote, spec], middleware=[own])
    assert found["subagents"][:2] == [compiled, remote]
    assert [one.name for one in found["subagents"][2]["middleware"]] == ["Own", CACHING, SUMMARISING]
    assert [one.name for one in found["middleware"]] == ["Own", CACHING, SUMMARISING]


def test_another_middleware_of_the_same_name_is_refused() -> None:
    """deepagents would drop one of the two without a word."""
    with pytest.raises(ConfigError, match="one of the places that ContextMiddleware takes"):
        ContextMiddleware.for_deepagents(middleware=[Vacant(SUMMARISING)])
