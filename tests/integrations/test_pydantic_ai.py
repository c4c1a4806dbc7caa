"""The same core under a pydantic-ai agent: what its model is sent, and what its history keeps."""

import asyncio
from typing import Any

from pydantic_ai import Agent
from pydantic_ai.messages import (
    ModelMessage,
    ModelMessagesTypeAdapter,
    ModelResponse,
    TextPart,
    ToolCallPart,
    ToolReturnPart,
    UserPromptPart,
)
from pydantic_ai.models.function import AgentInfo, FunctionModel

from agentmem.integrations.pydantic_ai import CUT, ContextCapability
from agentmem.tokens import count

BUDGET = 24_000
ASKED = "This is not part of the task"


def record(number: int) -> str:
    """The record of a part."""
    return f"part {number}: shelf {number % 17}\n" + "checked oiled boxed\n" * 260


class Parts:
    """A model that looks parts up one by one, and keeps what it was sent."""

    def __init__(self, parts: int, then: list[ToolCallPart] | None = None) -> None:
        self.parts, self.then, self.asked = parts, then or [], 0
        self.sent: list[list[ModelMessage]] = []

    def __call__(self, messages: list[ModelMessage], info: AgentInfo) -> ModelResponse:
        self.sent.append(list(messages))
        if ASKED in str(messages[-1].parts[-1]):
            return ModelResponse([TextPart("## Goal\n- Look up every part.\n\n## Facts\n- The parts are on shelves.")])
        self.asked += 1
        if self.asked <= self.parts:
            said = TextPart(f"I look up {self.asked - 1} now, since each of the parts has to be looked up.")
            return ModelResponse([said, ToolCallPart("record", {"number": self.asked - 1}, f"call_{self.asked}")])
        return ModelResponse([self.then.pop(0)] if self.then else [TextPart("done")])


def run(model: Parts, history: list[ModelMessage] | None = None, task: str = "Look up every part.") -> Any:
    agent = Agent(FunctionModel(model), tools=[record], capabilities=[ContextCapability(BUDGET)])
    return asyncio.run(agent.run(task, message_history=history))


def words(messages: list[ModelMessage]) -> list[str]:
    """What a model reads of messages, part by part."""
    return [str(getattr(part, "args", None) or getattr(part, "content", "")) for one in messages for part in one.parts]


def test_a_long_run_is_cut_and_its_history_is_whole() -> None:
    """What is sent stays in the budget and extends what was sent before, except at cuts; the history has it all."""
    model = Parts(45)
    result = run(model)
    read = [words(one) for one in model.sent]
    history = result.all_messages()
    cuts = [one for one in history if (one.metadata or {}).get(CUT)]
    broken = [at for at in range(1, len(read)) if read[at][: len(read[at - 1])] != read[at - 1]]
    assert len(cuts) >= 2 and len(broken) >= len(cuts)
    assert max(sum(count(text) for text in one) for one in read) < BUDGET
    results = [part.content for one in history for part in one.parts if isinstance(part, ToolReturnPart)]
    assert results == [record(at) for at in range(45)]


def test_a_summary_is_the_last_request_with_one_message_more() -> None:
    """So a provider reads it from its cache."""
    model = Parts(45)
    run(model)
    asked = [at for at, one in enumerate(model.sent) if ASKED in words(one)[-1]]
    assert asked
    for at in asked:
        assert words(model.sent[at])[:-1] == words(model.sent[at - 1])


def test_a_stored_history_goes_on_with_the_same_words() -> None:
    """Another capability on the history, read back from JSON, sends what the first one would."""
    model = Parts(45)
    first = run(model)
    before = words(model.sent[-1])
    stored = ModelMessagesTypeAdapter.validate_json(first.all_messages_json())
    again = Parts(0)
    run(again, stored, "And again?")
    sent = words(again.sent[-1])
    assert sent[: len(before)] == before and sent[-1] == "And again?"


def test_recall_brings_back_what_left() -> None:
    """The model's tool finds a record word for word by its reference."""
    model = Parts(
        40, [ToolCallPart("recall", {"what": "main/9"}, "r1"), ToolCallPart("recall", {"what": "main/900"}, "r2")]
    )
    result = run(model)
    parts = [part for one in result.all_messages() for part in one.parts if isinstance(part, ToolReturnPart)]
    assert parts[-2].content == record(3)
    assert "Nothing is stored under main/900" in str(parts[-1].content)


def test_the_task_stands_first() -> None:
    """The person's task is in view behind every cut."""
    model = Parts(45)
    run(model)
    assert all("Look up every part." in "\n".join(words(one)) for one in model.sent)
    assert all(isinstance(one[0].parts[0], UserPromptPart) for one in model.sent)
