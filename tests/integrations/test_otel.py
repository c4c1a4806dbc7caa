"""agentmem.integrations.otel, with OpenTelemetry's own SDK and exporter and a receiver on loopback."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from agentmem.answers.cache import AnswerCache
from agentmem.compaction.when import Compaction
from agentmem.errors import ConfigError, ModelOverloaded
from agentmem.integrations.otel import WRITE_NAMES, Telemetry
from agentmem.kvcache.simulated.events import ServerAnswer
from agentmem.kvcache.simulated.server import MessagesServer
from agentmem.models.anthropic import AnthropicModel
from agentmem.models.scripted import ScriptedModel
from agentmem.runtime.agent import Agent
from agentmem.runtime.events import ToolCalled
from agentmem.types import Request
from tests.integrations.otlp_receiver import Exported, OtlpReceiver
from tests.integrations.scripted_trace import delegating, export
from tests.runtime.test_compaction import BUDGET, GOOD, MEASURE
from tests.runtime.test_compaction import script as measuring

CONTENT = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"
NOTHING = "Nothing is in the drawer."
LOOK: list[Any] = [{"calls": [{"list": {"place": ""}}]}, NOTHING]
SERVED = [
    ServerAnswer([{"type": "tool_use", "id": "toolu_1", "name": "list", "input": {"place": ""}}]),
    ServerAnswer.text(NOTHING),
]


@pytest.fixture
def receiver() -> Iterator[OtlpReceiver]:
    """A receiver, closed at the end, after all who export to it."""
    with OtlpReceiver() as one:
        yield one
        for end in one.ends:
            end()


def test_a_run_is_a_tree_of_spans_and_metrics(receiver: OtlpReceiver, tmp_path: Path) -> None:
    """Agent, requests and tools with the conventions' names; tokens, cache reads, dollars and their price row."""
    exported = Exported(receiver)
    with MessagesServer(SERVED) as server:
        inner = AnthropicModel("claude-sonnet-5-5", base_url=server.url, api_key="none")
        model = exported.telemetry.model(inner)
        with inner, Agent(model, tmp_path, name="clerk") as agent:
            result = exported.telemetry.run(agent, "What is in the drawer?", thread="t")
    assert result.text == NOTHING
    spans = exported.spans()
    assert {name: len(found) for name, found in spans.items()} == {
        "invoke_agent clerk": 1,
        "chat claude-sonnet-5-5": 2,
        "execute_tool list": 1,
    }
    [run], [tool], (first, second) = (
        spans["invoke_agent clerk"],
        spans["execute_tool list"],
        spans["chat claude-sonnet-5-5"],
    )
    assert run["gen_ai.conversation.id"] == "t" and run["agentmem.status"] == "done" and run["part of"] is None
    assert {one["part of"] for one in (tool, first, second)} == {"invoke_agent clerk"}
    assert first[WRITE_NAMES["cache_write"]] > 1024 and "gen_ai.usage.cache_read.input_tokens" not in first
    assert second["gen_ai.usage.cache_read.input_tokens"] >= first[WRITE_NAMES["cache_write"]]
    assert second["gen_ai.usage.input_tokens"] > second["gen_ai.usage.cache_read.input_tokens"]
    assert first["agentmem.cost_usd"] + second["agentmem.cost_usd"] == pytest.approx(run["agentmem.cost_usd"])
    assert first["agentmem.price_row"].startswith("anthropic:claude-sonnet-5-5 (genai-prices")
    assert {"gen_ai.client.token.usage", "gen_ai.client.operation.duration"} <= {one.name for one in receiver.metrics}
    assert not [text for text in map(str, receiver.spans) if "drawer" in text], "content goes nowhere unasked"


def test_the_counter_of_writes_has_one_name_at_a_time(receiver: OtlpReceiver, tmp_path: Path) -> None:
    """The older one, if it is chosen, stands in the place of the newer."""
    exported = Exported(receiver, write_counter="cache_creation")
    with MessagesServer([ServerAnswer.text("Hello.")]) as server:
        inner = AnthropicModel("claude-sonnet-5-5", base_url=server.url, api_key="none")
        model = exported.telemetry.model(inner)
        with inner, Agent(model, tmp_path) as agent:
            exported.telemetry.run(agent, "Say hello. " * 900)
    [chat] = exported.spans()["chat claude-sonnet-5-5"]
    assert chat[WRITE_NAMES["cache_creation"]] > 1024
    assert WRITE_NAMES["cache_write"] not in chat
    with pytest.raises(ConfigError, match="it is one of cache_write, cache_creation"):
        Telemetry(write_counter="writes")  # type: ignore[arg-type]  # a user's mistake


def test_compactions_have_their_requests_below_them(receiver: OtlpReceiver, tmp_path: Path) -> None:
    """Each is one span with its reason and sizes; what answers the person stays the agent's."""
    exported = Exported(receiver)
    model = exported.telemetry.model(ScriptedModel(measuring, by_purpose={"summary": GOOD}))
    settings: dict[str, Any] = {"tools": [MEASURE], "system": "Be brief.", "budget": BUDGET, "archive": None}
    with Agent(model, tmp_path, compaction=Compaction(), **settings) as agent:
        exported.telemetry.run(agent, "Measure every module.", thread="t")
        cuts = sum(entry.kind == "compaction" for entry in agent.journal.entries("t"))
    spans = exported.spans()
    compactions, chats = spans["invoke_workflow compaction"], spans["chat scripted"]
    assert len(compactions) == cuts > 0
    assert all(
        one["agentmem.compaction.tokens_after"] < one["agentmem.compaction.tokens_before"] for one in compactions
    )
    parents = {(one["agentmem.purpose"], one["part of"]) for one in chats}
    assert parents == {("summary", "invoke_workflow compaction"), ("answer", "invoke_agent agent")}


def test_a_delegates_requests_are_its_own(receiver: OtlpReceiver, tmp_path: Path) -> None:
    """They are part of the delegate, which is part of the tool that began it."""
    exported = Exported(receiver)
    model = exported.telemetry.model(ScriptedModel(delegating))
    with Agent(model, tmp_path, tools=["recall", "delegate"]) as agent:
        assert exported.telemetry.run(agent, "How many screws?").text == "Seven it is."
    spans = exported.spans()
    parents = [one["part of"] for one in spans["chat scripted"]]
    assert sorted(parents) == ["invoke_agent agent", "invoke_agent agent", "invoke_agent delegate"]
    assert spans["invoke_agent delegate"][0]["part of"] == "execute_tool delegate"


def test_an_answer_says_where_it_came_from(receiver: OtlpReceiver, tmp_path: Path) -> None:
    """The first question is answered afresh, the second from the cache."""
    exported = Exported(receiver)
    with AnswerCache(tmp_path, exact_only=True) as cache:
        for _ in range(2):
            exported.telemetry.answer(cache, "When do you open?", lambda question: "We open at nine.")
    found = [value for spans in exported.spans().values() for value in spans]
    assert [(one["agentmem.answer.how"], one["agentmem.answer.hit"]) for one in found] == [
        ("fresh", False),
        ("exact", True),
    ]


def test_a_run_that_fails_or_is_left_ends_its_spans(receiver: OtlpReceiver, tmp_path: Path) -> None:
    """The error's type is on the run and on the request; who leaves the loop leaves no span open."""
    exported = Exported(receiver)

    def failing(request: Request) -> Any:
        raise ModelOverloaded("too much")

    model = exported.telemetry.model(ScriptedModel(failing))
    with Agent(model, tmp_path / "a") as agent, pytest.raises(ModelOverloaded):
        exported.telemetry.run(agent, "go")
    with Agent(exported.telemetry.model(ScriptedModel(LOOK)), tmp_path / "b", name="left") as agent:
        for event in exported.telemetry.stream(agent, "go"):
            if isinstance(event, ToolCalled):
                break
    spans = exported.spans()
    assert spans["invoke_agent agent"][0]["failed"] and spans["chat scripted"][0]["failed"]
    assert spans["chat scripted"][0]["error.type"].endswith("ModelOverloaded")
    assert not spans["invoke_agent left"][0]["failed"]


def test_asynchronous_requests_are_exported_too(receiver: OtlpReceiver, tmp_path: Path) -> None:
    """Without a run of ours around them, requests stand for themselves."""
    exported = Exported(receiver)
    with Agent(exported.telemetry.model(ScriptedModel(LOOK)), tmp_path) as agent:
        asyncio.run(agent.arun("go"))
    assert [one["agentmem.purpose"] for one in exported.spans()["chat scripted"]] == ["answer", "answer"]


PROGRAM = """
import sys
from pathlib import Path
from agentmem.models.scripted import ScriptedModel
from agentmem.runtime.agent import Agent
from tests.integrations.otlp_receiver import Exported, OtlpReceiver
from tests.integrations.scripted_trace import delegating, export
with OtlpReceiver() as receiver:
    exported = Exported(receiver)
    model = ScriptedModel([{"calls": [{"list": {"place": ""}}]}, "Nothing is in the drawer."])
    with Agent(exported.telemetry.model(model), Path(sys.argv[1])) as agent:
        exported.telemetry.run(agent, "What is in the drawer?")
    exported.end()
    print(len(receiver.spans), sum("drawer" in str(span) for span in receiver.spans))
"""


def test_content_goes_out_if_asked_for_and_langsmith_may_trace_beside(receiver: OtlpReceiver, tmp_path: Path) -> None:
    """OpenTelemetry's own variable asks; LangGraph traces the same run to LangSmith, and no span is lost or doubled."""
    langsmith = {"LANGSMITH_TRACING": "true", "LANGSMITH_ENDPOINT": receiver.url, "LANGSMITH_API_KEY": "none"}
    command = [sys.executable, "-W", "error", "-c", PROGRAM, str(tmp_path)]
    variables = {**os.environ, **langsmith, CONTENT: "SPAN_ONLY"}
    ran = subprocess.run(command, env=variables, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    whole, with_words = map(int, ran.stdout.split())
    assert whole == 4 and with_words >= 2


def test_the_trace_that_the_documentation_names_is_whole(receiver: OtlpReceiver, tmp_path: Path) -> None:
    """Whoever looks at it in a backend sees an agent, requests, a delegate below a tool, and two answers."""
    export(receiver.url, tmp_path)
    names = [span.name for span in receiver.spans]
    assert names.count("chat scripted") == 3 and names.count("retrieval agentmem.answers") == 2
    assert {"invoke_agent agent", "invoke_agent delegate", "execute_tool delegate"} <= set(names)
