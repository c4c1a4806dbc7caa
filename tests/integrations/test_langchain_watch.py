"""Who broke the prefix: found between the middlewares of real agents, and by the marks of other packages."""

import asyncio
import json
import logging
from itertools import count
from typing import Any

import pytest
from deepagents import create_deep_agent
from langchain.agents import create_agent
from langchain.agents.middleware import (
    AgentMiddleware,
    ClearToolUsesEdit,
    ContextEditingMiddleware,
    ModelCallLimitMiddleware,
    SummarizationMiddleware,
    TodoListMiddleware,
    dynamic_prompt,
)
from langchain_anthropic.middleware import AnthropicPromptCachingMiddleware
from langchain_core.messages import HumanMessage, SystemMessage
from langgraph.checkpoint.memory import InMemorySaver

from agentmem.integrations.langchain import ContextMiddleware
from agentmem.integrations.langchain_hints import LOST
from agentmem.integrations.langchain_watch import STATE, watched
from agentmem.integrations.observing import completed, observe
from agentmem.kvcache.why.causes import CAUSES, CUT_ANEW
from agentmem.kvcache.why.diagnosis import Finding, diagnose
from agentmem.kvcache.why.observed import ObservedRequest
from agentmem.meter.ledger import Row
from agentmem.report.lineages import breaks
from agentmem.testing import ServerAnswer
from tests.integrations.looking_up import (
    BUDGET,
    PROMPT,
    SUMMARY,
    TASK,
    Script,
    Served,
    call,
    is_summary,
    record,
    serving,
)

CONFIG: Any = {"recursion_limit": 10_000}


def clock() -> AgentMiddleware[Any, Any, Any]:
    """A middleware that puts a time into the system prompt."""
    turns = count()

    @dynamic_prompt
    def clock(request: Any) -> str:
        return f"{PROMPT} It is {next(turns) + 8}:00 on 12 March."

    made: AgentMiddleware[Any, Any, Any] = clock
    return made


class Shuffled(AgentMiddleware[Any, Any, Any]):
    """Sends the tools in another order each time."""

    def __init__(self) -> None:
        super().__init__()
        self.turns = count()

    def wrap_model_call(self, request: Any, handler: Any) -> Any:
        tools = request.tools if next(self.turns) % 2 else request.tools[::-1]
        return handler(request.override(tools=tools))

    async def awrap_model_call(self, request: Any, handler: Any) -> Any:
        tools = request.tools if next(self.turns) % 2 else request.tools[::-1]
        return await handler(request.override(tools=tools))


class Once(AgentMiddleware[Any, Any, Any]):
    """Says another prompt from the third request on."""

    def __init__(self) -> None:
        super().__init__()
        self.turns = count()

    def wrap_model_call(self, request: Any, handler: Any) -> Any:
        prompt = PROMPT if next(self.turns) < 2 else f"{PROMPT} Hurry up."
        return handler(request.override(system_message=SystemMessage(prompt)))


class Edited(AgentMiddleware[Any, Any, Any]):
    """Changes the first message in what is sent."""

    def __init__(self) -> None:
        super().__init__()
        self.turns = count()

    def wrap_model_call(self, request: Any, handler: Any) -> Any:
        first = HumanMessage(f"Task, edition {next(self.turns)}.", id=request.messages[0].id)
        return handler(request.override(messages=[first, *request.messages[1:]]))


GUILTY = {
    "clock": (clock, "clock", "system", "volatile_text"),
    "tools": (Shuffled, "Shuffled", "tool", "tool_order"),
    "messages": (Edited, "Edited", "message", "volatile_text"),
}


@pytest.mark.parametrize("behind", [False, True], ids=["before ours", "behind ours"])
@pytest.mark.parametrize("name", GUILTY)
def test_the_middleware_is_named(name: str, behind: bool, caplog: pytest.LogCaptureFixture) -> None:
    """The one that did it, the part, the cause and its fix; wherever it stands among others that did nothing."""
    make, middleware, segment, cause = GUILTY[name]
    ours = ContextMiddleware(budget=BUDGET)
    both = [ours, make()] if behind else [make(), ours]
    with serving(Script(4)) as served, caplog.at_level(logging.WARNING, "agentmem.langchain"):
        stack = watched([TodoListMiddleware(), *both, ModelCallLimitMiddleware(run_limit=1_000)])
        create_agent(served.model, [record], system_prompt=PROMPT, middleware=stack).invoke(TASK, CONFIG)
    assert [one.middleware for one in stack.breaks] == [middleware] * 4
    first = stack.breaks[0]
    assert (first.segment.split()[0], first.cause, first.request) == (segment, cause, 2) and first.fix
    assert f"{middleware} broke the prefix in {segment}" in stack.said()
    assert stack.said() == "\n".join(one.getMessage() for one in caplog.records if "broke" in one.getMessage())


def test_cuts_and_summaries_are_no_breaks() -> None:
    """A clean stack has none in a run with cuts, and is asked for its summaries as without taps."""
    with serving(Script(40)) as served:
        stack = watched([TodoListMiddleware(), ContextMiddleware(budget=BUDGET)])
        create_agent(served.model, [record], system_prompt=PROMPT, middleware=stack).invoke(TASK, CONFIG)
        assert any(map(is_summary, served.bodies))
    assert stack.breaks == [] and stack.said() == "Every request extends the one before it."


def test_going_back_is_no_break() -> None:
    """A request from an earlier state has the beginning of what was sent, and nothing else; an edit is still named."""
    with serving(Script(6)) as served:
        stack = watched([ContextMiddleware(budget=BUDGET)])
        made: Any = create_agent(
            served.model, [record], system_prompt=PROMPT, middleware=stack, checkpointer=InMemorySaver()
        )
        thread: Any = {"configurable": {"thread_id": "t"}}
        made.invoke(TASK, thread)
        early = [one for one in made.get_state_history(thread) if one.next == ("model",)][-3]
        made.invoke(None, early.config)
        assert stack.breaks == []
        first = early.values["messages"][0]
        edited = made.update_state(early.config, {"messages": [HumanMessage("Another task.", id=first.id)]})
        made.invoke(None, edited)
    assert {one.middleware for one in stack.breaks} == {STATE}


def test_it_works_under_asyncio() -> None:
    """The taps' hooks for asyncio see the same."""
    with serving(Script(3)) as served:
        stack = watched([Shuffled(), ContextMiddleware(budget=BUDGET)])
        made: Any = create_agent(served.model, [record], system_prompt=PROMPT, middleware=stack)
        asyncio.run(made.ainvoke(TASK, CONFIG))
    assert {one.middleware for one in stack.breaks} == {"Shuffled"}


def test_an_edit_of_the_state_is_named_as_that() -> None:
    """A hook that rewrites the state's messages changes the request before any middleware is asked."""

    class Rewrites(AgentMiddleware[Any, Any, Any]):
        """Rewrites the task before each request."""

        turns = count()

        def before_model(self, state: Any, runtime: Any) -> Any:
            first = state["messages"][0]
            return {"messages": [HumanMessage(f"Task, edition {next(self.turns)}.", id=first.id)]}

    with serving(Script(3)) as served:
        stack = watched([Rewrites(), ContextMiddleware(budget=BUDGET)])
        create_agent(served.model, [record], system_prompt=PROMPT, middleware=stack).invoke(TASK, CONFIG)
    assert {one.middleware for one in stack.breaks} == {STATE}


def causes(served: Served) -> set[str | None]:
    """The causes that `agentmem why` names."""
    return {one.cause for one in diagnosed(served)}


def breaks_of(served: Served) -> list[str]:
    """What `agentmem report` says of each request."""
    return list(breaks(sent(served)).values())


def diagnosed(served: Served) -> list[Finding]:
    """What `agentmem why` says of the requests that the server got."""
    return diagnose(sent(served))


def sent(served: Served) -> list[ObservedRequest]:
    """The requests that the server got, without those for summaries."""
    answers = [body for body in served.bodies if body.get("tools") and not is_summary(body)]
    lines = [
        {"at": float(at), "path": "/v1/messages", "request": body, "response": {"model": body["model"]}, "status": 200}
        for at, body in enumerate(answers)
    ]
    return completed(observe(line, number) for number, line in enumerate(lines, 1))


class Chatting:
    """Looks one part up for each question."""

    def __init__(self) -> None:
        self.asked = 0

    def __call__(self, body: Any) -> Any:
        if is_summary(body):
            return ServerAnswer.text(SUMMARY)
        if body["messages"][-1]["content"][-1]["type"] == "tool_result":
            return ServerAnswer.text("It is on its shelf. " * 20)
        self.asked += 1
        return ServerAnswer([call(self.asked)])


def chat(served: Served, saver: Any) -> set[str]:
    """Twenty questions in one conversation, which its client sends whole where there is no ``saver``."""
    made: Any = create_agent(
        served.model, [record], system_prompt=PROMPT, middleware=[ContextMiddleware(budget=12_000)], checkpointer=saver
    )
    said: list[Any] = []
    for number in range(20):
        question = {"role": "user", "content": f"Question {number}: where is part A{number}?"}
        thread: Any = {"configurable": {"thread_id": "t"}}
        messages = made.invoke({"messages": [question] if saver else [*said, question]}, thread)["messages"]
        said = messages
    findings = diagnosed(served)
    assert {one.cause for one in findings} == {"compaction"}
    assert not any("Never change or drop" in one.fix or "Take out" in one.fix for one in findings)
    return {one.fix for one in findings}


def test_our_own_cuts_are_compactions() -> None:
    """Also where what people said stands before the summary, and where a second cut leaves other words of theirs."""
    with serving(Chatting()) as served:
        fixes = chat(served, InMemorySaver())
        bodies = [body for body in served.bodies if not is_summary(body)]
        cuts = [value for value in breaks_of(served) if value == "cut"]
        assert len(cuts) >= 2 and "break" not in breaks_of(served)
        assert "said by the person]" in json.dumps(bodies[-1]["messages"][0])
    assert fixes == {"agentmem compacted here. " + next(one.fix for one in CAUSES if one.name == "compaction")[11:]}


def test_cuts_made_anew_in_each_call_are_said_to_be_that(caplog: pytest.LogCaptureFixture) -> None:
    """Without a checkpointer the state that has the cuts is gone after each call: the fix is to give one.

    The middleware says so by itself, once.
    """
    with serving(Chatting()) as served, caplog.at_level(logging.WARNING):
        fixes = chat(served, None)
        assert "break" not in breaks_of(served)
    assert CUT_ANEW in fixes and "checkpointer" in CUT_ANEW
    assert [one.getMessage() for one in caplog.records if one.name == "agentmem.langchain"] == [LOST]


def test_a_prompt_that_changes_with_every_request_is_said_once(caplog: pytest.LogCaptureFixture) -> None:
    """With what `watched` would say of it, and each in the ledger. One change alone is somebody's choice."""
    for stack, count_of, least in (([clock()], 1, 5), ([Once()], 0, 1), ([], 0, 0)):
        caplog.clear()
        rows: list[Row] = []
        with serving(Script(5)) as served, caplog.at_level(logging.WARNING):
            middleware: Any = [*stack, ContextMiddleware(budget=BUDGET, on_row=rows.append)]
            create_agent(served.model, [record], system_prompt=PROMPT, middleware=middleware).invoke(TASK, CONFIG)
        changed = [row for row in rows if row.changed]
        assert len(changed) >= least and bool(changed) == bool(least)
        assert all(row.changed == "volatile_text in system, block 0" and row.break_ == "break" for row in changed)
        told = [one.getMessage() for one in caplog.records if one.name == "agentmem.langchain"]
        assert len(told) == count_of
        assert all("system, block 0 was" in one and "volatile_text" in one and "watched" in one for one in told)
        assert all("It is 9:00" in one and "It is 10:00" in one for one in told)


def test_langchains_summaries_are_compactions() -> None:
    """`why` knows SummarizationMiddleware by its words, also if little is left behind it."""
    for keep in (2, 10):
        with serving(Script(30)) as served:
            summing: Any = SummarizationMiddleware(served.model, trigger=("tokens", 9_000), keep=("messages", keep))
            stack: Any = [summing, AnthropicPromptCachingMiddleware()]
            create_agent(served.model, [record], system_prompt=PROMPT, middleware=stack).invoke(TASK, CONFIG)
            assert "Here is a summary of the conversation to date" in json.dumps(served.bodies)
            assert causes(served) == {"compaction"}


def test_results_that_langchain_empties_are_compactions() -> None:
    """So are results that ContextEditingMiddleware emptied in their places."""
    with serving(Script(30)) as served:
        stack: Any = [
            ContextEditingMiddleware(edits=[ClearToolUsesEdit(trigger=8_000, clear_at_least=4_000)]),
            AnthropicPromptCachingMiddleware(),
        ]
        create_agent(served.model, [record], system_prompt=PROMPT, middleware=stack).invoke(TASK, CONFIG)
        assert "[cleared]" in json.dumps(served.bodies)
        assert causes(served) == {"compaction"}


def test_deepagents_summaries_are_compactions() -> None:
    """`why` knows deepagents' own by their words."""
    with serving(Script(40)) as served:
        served.model.profile = {"max_input_tokens": 40_000}
        served.model.max_tokens = 1_000
        create_deep_agent(served.model, [record], system_prompt=PROMPT).invoke(TASK, CONFIG)
        assert "in the middle of a conversation that has been summarized" in json.dumps(served.bodies)
        assert causes(served) == {"compaction"}


def test_our_cuts_are_compactions() -> None:
    """Ours are known in the log of any client."""
    with serving(Script(40)) as served:
        stack: Any = [ContextMiddleware(budget=BUDGET)]
        create_agent(served.model, [record], system_prompt=PROMPT, middleware=stack).invoke(TASK, CONFIG)
        assert causes(served) == {"compaction"}
