"""LangChain's callbacks as lines of a wire log: answers, failures, and usage with what was written to the cache."""

from typing import Any
from uuid import uuid4

import anthropic
import pytest
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage, ToolMessage
from langchain_core.outputs import ChatGeneration, LLMResult

from agentmem.integrations.guards import CacheMeter
from agentmem.integrations.langchain_calls import CallHandler
from agentmem.integrations.observing import observe
from agentmem.integrations.watching import ClientWatch
from agentmem.kvcache.simulated.faults import HttpError
from agentmem.testing import ServerAnswer
from tests.integrations.looking_up import TASK, Script, serving


def test_an_answer_is_a_line_with_all_its_usage() -> None:
    """What was read from the cache and written to it, by lifetime, is the provider's."""
    with serving(Script(0)) as served:
        meter = CacheMeter()
        meter.watch(served.model)
        long = {"type": "text", "text": "Be brief. " * 2_000, "cache_control": {"type": "ephemeral", "ttl": "1h"}}
        for _ in range(2):
            served.model.invoke([SystemMessage([long]), HumanMessage("Hi")])
        first, second = served.usage
        used = meter.usage
    assert used.cache_write_1h_tokens == first["cache_creation_input_tokens"] > 1_000
    assert used.cache_read_tokens == second["cache_read_input_tokens"] == used.cache_write_1h_tokens
    assert meter.cost_usd


def test_a_failed_request_is_not_kept_open() -> None:
    """It is a line with the provider's status, and no request of the diagnosis; the next one is seen."""
    answers: Any = iter([HttpError(529, "overloaded_error", "Overloaded"), ServerAnswer.text("Hello.")])
    lines: list[Any] = []
    with serving(lambda body: next(answers)) as served:
        handler = CallHandler(lines.append)
        served.model.callbacks = [handler]
        with pytest.raises(anthropic.APIStatusError):
            served.model.invoke("Hi")
        served.model.invoke("Hi")
        served.refused.clear()
    assert [one["status"] for one in lines] == [529, 200]
    assert handler.open == {}


def test_a_failure_without_a_status_counts_as_one() -> None:
    """An error of any other kind ends its request too."""
    lines: list[Any] = []
    handler, run = CallHandler(lines.append), uuid4()
    handler.on_chat_model_start({}, [[HumanMessage("Hi")]], run_id=run)
    handler.on_llm_error(TimeoutError("late"), run_id=run)
    assert [one["status"] for one in lines] == [500] and handler.open == {}


def test_an_end_whose_beginning_was_not_seen_is_passed_over() -> None:
    """A handler that was added in the middle of a request does not stop it; nor does a second end."""
    lines: list[Any] = []
    handler = CallHandler(lines.append)
    answer = LLMResult(generations=[[ChatGeneration(message=AIMessage("Hello."))]])
    handler.on_llm_end(answer, run_id=uuid4())
    handler.on_llm_error(ValueError("x"), run_id=uuid4())
    assert lines == []


def test_claudes_requests_keep_their_own_form() -> None:
    """Blocks, calls, results and marks stand as its API has them."""
    lines: list[Any] = []
    handler, run = CallHandler(lines.append), uuid4()
    call: Any = {"name": "look", "args": {"at": "map"}, "id": "c"}
    mark = {"type": "ephemeral"}
    said = [
        SystemMessage("Be brief."),
        HumanMessage([{"type": "text", "text": "Look.", "cache_control": mark}]),
        AIMessage("I look.", tool_calls=[call]),
        ToolMessage("a map", tool_call_id="c"),
    ]
    params = {"model": "claude-sonnet-5-5", "tools": [{"name": "look", "input_schema": {"type": "object"}}]}
    handler.on_chat_model_start({}, [said], run_id=run, invocation_params=params)
    handler.on_llm_end(LLMResult(generations=[[ChatGeneration(message=AIMessage("Done."))]]), run_id=run)
    body = lines[0]["request"]
    assert body["system"] == [{"type": "text", "text": "Be brief."}]
    assert body["messages"][0]["content"] == [{"type": "text", "text": "Look.", "cache_control": mark}]
    assert body["messages"][1]["content"][1]["name"] == "look"
    assert body["messages"][2]["content"][0]["tool_use_id"] == "c"
    assert observe(lines[0], 1).prompt.model == "claude-sonnet-5-5"


def test_a_watch_counts_answered_requests_alone() -> None:
    """A failed one is in no request of the diagnosis."""
    answers: Any = iter([HttpError(500, "api_error", "no"), ServerAnswer.text("Hello.")])
    with serving(lambda body: next(answers)) as served:
        watch = ClientWatch()
        watch.add(served.model)
        with pytest.raises(anthropic.APIStatusError):
            served.model.invoke(TASK["messages"])
        served.model.invoke(TASK["messages"])
        assert len(watch.requests) == 1
        watch.close()
        served.refused.clear()
