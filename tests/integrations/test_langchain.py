"""ContextMiddleware under create_agent: real agents, the real client, a strict server on loopback."""

import asyncio
import base64
import json
import logging
from pathlib import Path
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain.agents.middleware import AgentMiddleware, HumanInTheLoopMiddleware, ModelRetryMiddleware, dynamic_prompt
from langchain.agents.structured_output import ProviderStrategy, ToolStrategy
from langchain.tools import tool
from langchain_anthropic.middleware import AnthropicPromptCachingMiddleware
from langchain_core.messages import AIMessage, HumanMessage, RemoveMessage, ToolMessage
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.types import Command
from pydantic import BaseModel

from agentmem.errors import BudgetExceeded, ConfigError
from agentmem.integrations.langchain import ContextMiddleware
from agentmem.kvcache.simulated.faults import HttpError
from agentmem.testing import ServerAnswer
from tests.integrations.looking_up import (
    BUDGET,
    PROMPT,
    TASK,
    Script,
    Served,
    breaks,
    call,
    is_summary,
    keys,
    marks,
    record,
    serving,
)
from tests.pictures import png

THREAD: Any = {"configurable": {"thread_id": "t"}, "recursion_limit": 10_000}


def agent(served: Served, *around: AgentMiddleware[Any, Any, Any], saver: Any = None, **settings: Any) -> Any:
    """An agent with ours behind the middlewares ``around``."""
    ours = ContextMiddleware(**{"budget": BUDGET, **settings})
    return create_agent(served.model, [record], system_prompt=PROMPT, middleware=[*around, ours], checkpointer=saver)


def state(made: Any) -> Any:
    return made.get_state(THREAD).values


def test_a_long_run_stays_in_its_budget() -> None:
    """It is cut where that is declared, every request extends the one before, and the server takes them all."""
    with serving(Script(60)) as served:
        made = agent(served, saver=InMemorySaver())
        said = made.invoke(TASK, THREAD)["messages"][-1].text
        rows = ContextMiddleware.ledger(state(made))
        cuts = state(made)["agentmem_cuts"]
    assert said.startswith("done")
    assert len(cuts) >= 2 and len(breaks(served.bodies)) == len(cuts)
    assert max(row.usage.input_tokens for row in rows) <= BUDGET
    assert [row.break_ for row in rows].count("cut") == len(cuts)
    assert not [row for row in rows if row.break_ == "break"]
    assert all(0 < marks(body) <= 3 for body in served.bodies)


def test_the_state_keeps_every_message_as_it_was() -> None:
    """Cuts change what is sent; the state's messages stay, each with its whole text."""
    with serving(Script(40)) as served:
        made = agent(served, saver=InMemorySaver())
        made.invoke(TASK, THREAD)
        messages = state(made)["messages"]
    assert state(made)["agentmem_cuts"]
    results = [one for one in messages if isinstance(one, ToolMessage)]
    assert [one.text for one in results] == [record.invoke({"number": at}) for at in range(40)]
    assert not [one for one in messages if str(one.id).startswith("agentmem")]


def test_the_ledger_has_what_the_provider_reported() -> None:
    """Its rows sum to the server's usage, the summaries' among them."""
    with serving(Script(30)) as served:
        made = agent(served, saver=InMemorySaver())
        made.invoke(TASK, THREAD)
        rows = ContextMiddleware.ledger(state(made))
    assert len(rows) == len(served.bodies)
    for ours, theirs in (
        ("cache_read_tokens", "cache_read_input_tokens"),
        ("uncached_tokens", "input_tokens"),
        ("output_tokens", "output_tokens"),
    ):
        assert sum(getattr(row.usage, ours) for row in rows) == sum(one[theirs] for one in served.usage)
    assert {row.purpose for row in rows} == {"answer", "summary"}


def test_a_summary_is_read_from_the_cache() -> None:
    """Its request is the one before with one message more, so almost all of it is read."""
    with serving(Script(30)) as served:
        agent(served).invoke(TASK, THREAD)
        asked = [at for at, body in enumerate(served.bodies) if is_summary(body)]
        shares = [served.usage[at] for at in asked]
    assert asked and not set(asked) & set(breaks(served.bodies))
    for used in shares:
        whole = used["cache_read_input_tokens"] + used["cache_creation_input_tokens"] + used["input_tokens"]
        assert used["cache_read_input_tokens"] >= 0.9 * whole


def test_asyncio_sends_the_same_bytes() -> None:
    """The hook for asyncio is the same steps."""
    with serving(Script(30)) as served, serving(Script(30)) as other:
        agent(served).invoke(TASK, THREAD)
        asyncio.run(agent(other).ainvoke(TASK, THREAD))
        assert [keys(one) for one in served.bodies] == [keys(one) for one in other.bodies]


def test_another_process_goes_on_with_the_same_prefix(tmp_path: Path) -> None:
    """A fresh middleware on a state from a file sends what the first one would: behind its cuts, byte for byte."""
    with serving(Script(40)) as served, SqliteSaver.from_conn_string(str(tmp_path / "states.db")) as saver:
        agent(served, saver=saver).invoke(TASK, THREAD)
        before = len(served.bodies)
        made = agent(served, saver=saver)
        made.invoke({"messages": [HumanMessage("And again?")]}, THREAD)
        assert state(made)["agentmem_cuts"]
        assert breaks(served.bodies[before - 1 :]) == []
        last = ContextMiddleware.ledger(state(made))[-1]
    assert last.break_ == "none" and last.usage.cache_read_tokens > 0.9 * last.usage.input_tokens


def test_going_back_across_a_cut_sends_what_was_sent() -> None:
    """From each checkpoint before a request, the request is the same as the first time, before and behind cuts."""
    script = Script(30)
    with serving(script) as served:
        saver = InMemorySaver()
        made = agent(served, saver=saver)
        made.invoke(TASK, THREAD)
        first = [body for body in served.bodies if not is_summary(body)]
        points = [one for one in made.get_state_history(THREAD) if one.next == ("model",)][::-1]
        cuts = [len(one.values.get("agentmem_cuts") or ()) for one in points]
        assert len(points) == len(first) and cuts[-1] >= 1
        for at in (len(points) - 1, 3, len(points) // 2):
            script.asked, script.parts = 1_000, 0
            sent = len(served.bodies)
            agent(served, saver=saver).invoke(None, points[at].config)
            assert keys(next(one for one in served.bodies[sent:] if not is_summary(one))) == keys(first[at])


def test_two_forks_of_one_state_do_not_disturb_each_other() -> None:
    """Two threads go on from one checkpoint in turn; each extends what it sent itself."""
    script = Script(24)
    with serving(script) as served:
        made = agent(served, saver=InMemorySaver())
        made.invoke(TASK, THREAD)
        forks = [made.update_state(THREAD, {"messages": [HumanMessage(name)]}, as_node="__start__") for name in "ab"]
        lines: dict[int, list[Any]] = {0: [], 1: []}
        for _ in range(2):
            for which, config in enumerate(forks):
                made.invoke(None, {**config, "recursion_limit": 100})
                lines[which].append(served.bodies[-1])
        for name, line in zip("ab", lines.values(), strict=True):
            assert json.dumps(line[0]["messages"][-1]).count(f'"{name}"') == 1
            assert keys(line[0]) == keys(line[1])


def test_a_message_that_is_taken_out_takes_its_cut_along(caplog: pytest.LogCaptureFixture) -> None:
    """A cut that follows a message which is gone is left out, and said; the context is folded from what is there."""
    with serving(Script(24)) as served:
        made = agent(served, saver=InMemorySaver())
        made.invoke(TASK, THREAD)
        cut = state(made)["agentmem_cuts"][-1]
        made.update_state(THREAD, {"messages": [RemoveMessage(id=cut["after"])]})
        with caplog.at_level(logging.WARNING, "agentmem.langchain"):
            made.invoke({"messages": [HumanMessage("Go on.")]}, THREAD)
    assert "do not fit the messages any more" in caplog.text


def test_recall_brings_back_what_left() -> None:
    """The model's tool finds a record by its words and by its reference, whole."""
    then = [call(1, "recall", what="shelf and code of part 3"), call(2, "recall", what="main/9")]
    with serving(Script(30, then=then)) as served:
        made = agent(served, saver=InMemorySaver())
        said = made.invoke(TASK, THREAD)["messages"]
        assert state(made)["agentmem_cuts"]
    by_words, exact = [one for one in said if isinstance(one, ToolMessage)][-2:]
    assert "part 3: shelf 3" in by_words.text
    assert exact.text == record.invoke({"number": 3})


def test_an_unknown_reference_is_a_sentence_to_the_model() -> None:
    """A reference that leads nowhere, or a part too many, does not stop the run."""
    then = [call(1, "recall", what="main/900"), call(2, "recall", what="main/3", part=7)]
    with serving(Script(2, then=then)) as served:
        said = agent(served).invoke(TASK, THREAD)["messages"]
    first, second = [one for one in said if isinstance(one, ToolMessage)][-2:]
    assert "Nothing is stored under main/900" in first.text and "There is no part 7" in second.text


def test_long_results_are_shown_in_short_and_kept_whole() -> None:
    """The view has a page of a long result; the state and recall have all of it."""

    @tool
    def long() -> str:
        """A long text."""
        return "\n".join(f"line {at} of a long text" for at in range(2_000))

    script = Script(0, then=[call(1, "long", a=1), call(2, "recall", what="main/3", part=2)])
    with serving(script) as served:
        made = create_agent(served.model, [long], middleware=[ContextMiddleware(budget=BUDGET)])
        messages = made.invoke(TASK, THREAD)["messages"]
        shown = json.dumps(served.bodies[1])
    assert "[This result is long" in shown and "line 1000 of" not in shown
    assert messages[2].text == long.invoke({})
    assert messages[4].text.startswith("[part 2 of")


def test_pictures_in_results_are_shown_and_survive_a_cut_in_the_tail() -> None:
    """A picture goes out as its bytes, in a request before a cut and in the tail behind it."""
    picture = base64.b64encode(png(40, 30)).decode()

    @tool
    def photo() -> Any:
        """A photo."""
        return [
            {"type": "text", "text": "a photo"},
            {"type": "image", "base64": picture, "mime_type": "image/png"},
        ]

    script = Script(40, then=[call(1, "photo", a=1)])
    with serving(script) as served:
        made = create_agent(
            served.model, [record, photo], system_prompt=PROMPT, middleware=[ContextMiddleware(budget=BUDGET)]
        )
        made.invoke(TASK, THREAD)
        assert picture in json.dumps(served.bodies[-1])
        assert breaks(served.bodies)


def test_an_orphaned_call_gets_a_result_that_says_so() -> None:
    """A person writes over a call that waits for approval: the request is valid, and the next ones extend it."""
    with serving(Script(3)) as served:
        asks = HumanInTheLoopMiddleware(interrupt_on={"record": True})
        made = agent(served, asks, saver=InMemorySaver())
        made.invoke(TASK, THREAD)
        made.invoke({"messages": [HumanMessage("Never mind, do another.")]}, THREAD)
        made.invoke(Command(resume={"decisions": [{"type": "approve"}]}), THREAD)
        assert "There is no result for this call" in json.dumps(served.bodies[1])
        assert breaks(served.bodies) == []


def test_an_orphaned_result_is_told_in_words() -> None:
    """A result whose call is not in the history goes out as text, not as a result."""
    history = [HumanMessage("hello"), ToolMessage("42 apples", tool_call_id="gone"), HumanMessage("How many?")]
    with serving(Script(0)) as served:
        agent(served).invoke({"messages": history})
        sent = json.dumps(served.bodies[0])
    assert "42 apples" in sent and "whose call is not in the conversation" in sent and "tool_result" not in sent


def test_calls_that_repeat_an_id_are_told_apart() -> None:
    """Some models number their calls anew in each turn; each result still answers its own call."""
    numbers = iter(range(3))

    def reply(body: Any) -> ServerAnswer:
        number = next(numbers, None)
        if number is None:
            return ServerAnswer.text("done")
        return ServerAnswer([{"type": "tool_use", "id": "call_0", "name": "record", "input": {"number": number}}])

    with serving(reply) as served:
        agent(served).invoke(TASK, THREAD)
        results = [
            block
            for message in served.bodies[-1]["messages"]
            for block in message["content"]
            if block["type"] == "tool_result"
        ]
        assert breaks(served.bodies) == []
    assert len({one["tool_use_id"] for one in results}) == 3
    assert [f"part {at}:" in json.dumps(one) for at, one in enumerate(results)] == [True] * 3


def test_parallel_calls_are_answered_in_their_order() -> None:
    """Results stand in the order of their calls, and the end of the request before is still found in the cache."""
    with serving(Script(96, at_once=24)) as served:
        agent(served, budget=120_000).invoke(TASK, THREAD)
        before, last = served.usage[-2:]
    assert last["cache_read_input_tokens"] == sum(
        before[name] for name in ("input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens")
    )


def test_marks_of_others_are_taken_off() -> None:
    """With LangChain's caching before ours there are as many marks as without, all of them ours."""
    with serving(Script(4)) as served, serving(Script(4)) as alone:
        agent(served, AnthropicPromptCachingMiddleware()).invoke(TASK, THREAD)
        agent(alone).invoke(TASK, THREAD)
        assert [json.dumps(one, sort_keys=True) for one in served.bodies] == [
            json.dumps(one, sort_keys=True) for one in alone.bodies
        ]


def test_a_fifth_mark_never_goes_out() -> None:
    """Also with LangChain's caching behind ours, where its marks cannot be seen."""
    with serving(Script(4)) as served:
        ours = ContextMiddleware(budget=BUDGET)
        made: Any = create_agent(
            served.model, [record], system_prompt=PROMPT, middleware=[ours, AnthropicPromptCachingMiddleware()]
        )
        made.invoke(TASK, THREAD)
        assert max(map(marks, served.bodies)) <= 4


def test_the_summary_does_not_stream_to_the_user() -> None:
    """Nothing of it is in the stream of messages, which has the answer."""
    with serving(Script(30)) as served:
        text = "".join(
            piece.text
            for piece, _ in agent(served).stream(TASK, THREAD, stream_mode="messages")
            if isinstance(piece, AIMessage)
        )
        assert served.summaries >= 1
    assert "## Goal" not in text and "done after" in text


class Result(BaseModel):
    """What was found."""

    parts: int


@pytest.mark.parametrize("form", [ToolStrategy(Result), ProviderStrategy(Result)], ids=["tool", "provider"])
def test_where_no_text_can_come_no_summary_is_asked_for(form: Any) -> None:
    """With structured output the model may only call tools or fill a form: the summary is made without it."""
    end = ServerAnswer([{"type": "tool_use", "id": "end", "name": "Result", "input": {"parts": 30}}])
    if isinstance(form, ProviderStrategy):
        end = ServerAnswer.text('{"parts": 30}')
    script = Script(30)
    with serving(lambda body: script(body) if script.asked < 30 else end) as served:
        ours = ContextMiddleware(budget=BUDGET)
        made = create_agent(served.model, [record], system_prompt=PROMPT, middleware=[ours], response_format=form)
        said = made.invoke(TASK, THREAD)
        assert served.summaries == 0 and len(breaks(served.bodies)) >= 1
    assert said["structured_response"] == Result(parts=30)


def test_a_summary_that_fails_does_not_stop_the_run() -> None:
    """The request for it is refused: a mechanical one takes its place, and the ledger has the failures."""
    script = Script(30)
    script.summary = lambda body: HttpError(529, "overloaded_error", "Overloaded")
    with serving(script) as served:
        made = agent(served, saver=InMemorySaver())
        made.invoke(TASK, THREAD)
        rows = ContextMiddleware.ledger(state(made))
        assert state(made)["agentmem_cuts"]
        assert [row.error is not None for row in rows if row.purpose == "summary"] == [True] * served.summaries
        assert served.summaries >= 2
        served.refused.clear()


def test_a_request_that_is_tried_again_pays_for_one_summary() -> None:
    """The answer behind a cut fails once, and LangChain tries again: the cut is kept, its summary not asked again."""
    script, failed = Script(24), list[int]()

    def reply(body: Any) -> Any:
        if script.asked == at and not failed and not is_summary(body):
            failed.append(1)
            return HttpError(529, "overloaded_error", "Overloaded")
        return script(body)

    with serving(script) as measured:
        agent(measured).invoke(TASK, THREAD)
        at = next(number for number, body in enumerate(measured.bodies) if is_summary(body))
        summaries = measured.summaries
    script.asked = 0
    with serving(reply) as served:
        retry = ModelRetryMiddleware(max_retries=2, initial_delay=0.0, jitter=False)
        made = agent(served, retry, saver=InMemorySaver())
        made.invoke(TASK, THREAD)
        rows = ContextMiddleware.ledger(state(made))
        assert failed and served.summaries == summaries
        assert sum(row.error is not None for row in rows) == 1
        assert len(state(made)["agentmem_cuts"]) == len(breaks(served.bodies))
        served.refused.clear()


def test_what_cannot_fit_is_an_error_that_names_it() -> None:
    """A message larger than the budget is not sent."""
    with serving(Script(0)) as served, pytest.raises(BudgetExceeded, match="main/1"):
        agent(served).invoke({"messages": [HumanMessage("word " * 30_000)]})


def test_a_budget_without_room_is_an_error_that_says_how_much_it_takes() -> None:
    """Tools and system that fill it are named at the first request, with the least that works."""
    with serving(Script(2)) as served:
        made = agent(served, budget=3_000)
        with pytest.raises(
            ConfigError, match=r"tools and system take 2,\d{3}. Raise the budget .* to \d,\d{3} or more"
        ):
            made.invoke(TASK, THREAD)
        assert served.bodies == []


@pytest.mark.parametrize("settings", [{"budget": "120k"}, {"budget": 0}, {"on_row": 3}, {"name": None}])
def test_settings_of_another_kind_are_refused(settings: Any) -> None:
    """By their name, when the middleware is made."""
    with pytest.raises(ConfigError, match=f"{next(iter(settings))} of ContextMiddleware must be"):
        ContextMiddleware(**settings)


def test_langchains_own_limits() -> None:
    """A trigger of messages and a number of messages to keep, as LangChain's summariser takes them."""
    with serving(Script(20)) as served:
        made = agent(served, saver=InMemorySaver(), budget=60_000, trigger=("messages", 12), keep=("messages", 6))
        made.invoke(TASK, THREAD)
        cuts = state(made)["agentmem_cuts"]
        assert len(cuts) >= 3
        behind = served.bodies[breaks(served.bodies)[0]]
        assert sum(one["role"] == "assistant" for one in behind["messages"]) == 3


@pytest.mark.parametrize("given", [("turns", 3), ("tokens", -1), ("fraction", 1.5), "tokens", {}, {"tokens": 0}])
def test_a_limit_in_no_form_of_theirs_is_refused(given: Any) -> None:
    """The error shows the forms."""
    with pytest.raises(ConfigError, match=r"\(\"tokens\", 80_000\)"):
        ContextMiddleware(trigger=given)


def test_a_message_put_in_by_another_middleware_is_shown() -> None:
    """One at the end of the request goes out behind ours; it is not kept, and breaks nothing before it."""

    class Hint(AgentMiddleware[Any, Any, Any]):
        """Adds a hint to each request."""

        def wrap_model_call(self, request: Any, handler: Any) -> Any:
            return handler(request.override(messages=[*request.messages, HumanMessage("A hint.")]))

    with serving(Script(4)) as served:
        made = agent(served, Hint())
        messages = made.invoke(TASK, THREAD)["messages"]
        assert all("A hint." in json.dumps(body["messages"][-1]) for body in served.bodies)
    assert "A hint." not in json.dumps([one.text for one in messages])


def test_a_prompt_that_changes_is_a_break_in_the_ledger() -> None:
    """The ledger says that a request did not extend the one before, and that no cut declares it."""
    turns = iter(range(100))

    @dynamic_prompt
    def clock(request: Any) -> str:
        return f"It is {next(turns)} o'clock. {PROMPT}"

    with serving(Script(4)) as served:
        made = create_agent(
            served.model, [record], middleware=[clock, ContextMiddleware(budget=BUDGET)], checkpointer=InMemorySaver()
        )
        made.invoke(TASK, THREAD)
        rows = ContextMiddleware.ledger(state(made))
    assert [row.break_ for row in rows] == ["first", *["break"] * 4]
