"""Cache marks in each provider's form, in the requests that its own class makes."""

from collections.abc import Iterator
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain_anthropic import ChatAnthropic
from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage, ToolMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_openai import ChatOpenAI
from pydantic import SecretStr

from agentmem.integrations.langchain import ContextMiddleware
from agentmem.integrations.langchain_marks import MARKERS, formed, marked, marker_of
from agentmem.models.langchain import chat_profile
from tests.integrations.looking_up import BUDGET, PROMPT, TASK, record
from tests.models.chat import Provider

MARKS = ("cache_control", "prompt_cache_breakpoint", "cachePoint")


class Looking(Provider):
    """A model of some provider that looks one part up and then is done; it keeps what it was asked."""

    def bind_tools(self, tools: Any, **given: Any) -> Any:
        return self.bind(tools=tools, **given)

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **given: Any,
    ) -> ChatResult:
        self.asked.append((messages, given))
        done = sum(isinstance(one, AIMessage) for one in messages)
        calls: Any = [{"name": "record", "args": {"number": done}, "id": f"call_{done}"}] if done < 2 else []
        return ChatResult(generations=[ChatGeneration(message=AIMessage("Looking.", tool_calls=calls))])


class ChatBedrockConverse(Looking):
    """A model by the name of Bedrock's class."""


def asked(model: Looking) -> list[tuple[list[BaseMessage], dict[str, Any]]]:
    """What the model was asked in a run with ours."""
    ours = ContextMiddleware(budget=BUDGET)
    create_agent(model, [record], system_prompt=PROMPT, middleware=[ours]).invoke(TASK)
    return model.asked


def found(messages: list[BaseMessage], key: str) -> list[int]:
    """The places of messages with a mark."""
    return [
        at
        for at, one in enumerate(messages)
        if isinstance(one.content, list) and any(isinstance(block, dict) and key in block for block in one.content)
    ]


def test_openai_gets_breakpoints_and_a_key() -> None:
    """From 5.6: on the system prompt, the end and the end before; one key for the whole conversation."""
    requests = asked(Looking(name_of_provider="openai", name_of_model="gpt-5.6"))
    assert [found(messages, "prompt_cache_breakpoint") for messages, _ in requests] == [[0, 1], [0, 1, 3], [0, 3, 5]]
    keys = {given["prompt_cache_key"] for _, given in requests}
    assert len(keys) == 1 and keys.pop().startswith("agentmem-")
    assert asked(Looking(name_of_model="gpt-5.6"))[0][1]["prompt_cache_key"] not in keys


def test_openais_class_sends_them() -> None:
    """What ChatOpenAI makes of such messages has the breakpoints, in every kind of message."""
    model: Any = ChatOpenAI(model="gpt-5.6", api_key=SecretStr("x"))
    marker = marker_of(model, chat_profile(model))
    assert marker is not None and marker.name == "openai"
    call: Any = {"name": "record", "args": {}, "id": "c"}
    said: list[Any] = [
        SystemMessage("Be brief."),
        HumanMessage("Hi"),
        AIMessage("", tool_calls=[call]),
        ToolMessage("x", tool_call_id="c"),
    ]
    sent = [one if isinstance(one, AIMessage) else marked(formed(one), marker, "5m") for one in said]
    body = model._get_request_payload(sent)
    assert str(body["messages"]).count("'prompt_cache_breakpoint': {'mode': 'explicit'}") == 3


def test_converse_gets_cache_points() -> None:
    """A block of its own behind the end of what is to be cached; for Nova only where no result stands."""
    for name, behind in (
        ("anthropic.claude-sonnet-5-v1:0", [[0, 1, 3], [0, 3, 5]]),
        ("amazon.nova-pro-v1:0", [[0, 1], [0]]),
    ):
        requests = asked(ChatBedrockConverse(name_of_provider="amazon_bedrock", name_of_model=name))
        assert [found(messages, "cachePoint") for messages, _ in requests] == [[0, 1], *behind]
        assert requests[0][0][1].content[-1] == {"cachePoint": {"type": "default"}}


@pytest.mark.parametrize(
    ("provider", "name"),
    [("openai", "gpt-5.5"), ("mistralai", "mistral-large"), ("openai", "qwen3-coder"), ("amazon_bedrock", "x.llama")],
)
def test_others_get_their_content_as_it_was(provider: str, name: str) -> None:
    """Where nothing can be marked, texts stay texts: some classes take no lists."""
    kind = ChatBedrockConverse if provider == "amazon_bedrock" else Looking
    requests = asked(kind(name_of_provider=provider, name_of_model=name))
    for messages, given in requests:
        assert all(isinstance(one.content, str) for one in messages)
        assert "prompt_cache_key" not in given


def test_a_users_own_key_stays() -> None:
    """A key that somebody set is not replaced."""
    model = Looking(name_of_model="gpt-5.6")

    class Keyed(ContextMiddleware):
        """Ours behind a setting."""

        def wrap_model_call(self, request: Any, handler: Any) -> Any:
            return super().wrap_model_call(request.override(model_settings={"prompt_cache_key": "mine"}), handler)

    create_agent(model, [record], system_prompt=PROMPT, middleware=[Keyed(budget=BUDGET)]).invoke(TASK)
    assert {given["prompt_cache_key"] for _, given in model.asked} == {"mine"}


CONTENTS: dict[str, Any] = {
    "text": "hello",
    "a list of text": ["hello"],
    "a marked block": [{"type": "text", "text": "hello", "cache_control": {"type": "ephemeral"}}],
    "a cache point": [{"type": "text", "text": "hello"}, {"cachePoint": {"type": "default"}}],
}


@pytest.mark.parametrize("name", CONTENTS)
def test_content_has_one_form(name: str) -> None:
    """Whoever wrote it in whatever way, with marks or without, it goes out as the same blocks."""
    assert formed(HumanMessage(CONTENTS[name])).content == [{"type": "text", "text": "hello"}]


def bare(message: Any) -> Any:
    return formed(message).content


@pytest.mark.parametrize("marker", MARKERS, ids=lambda one: one.name)
def test_a_mark_changes_nothing_else(marker: Any) -> None:
    """Without its mark a marked message is the formed one; an empty one carries none."""
    for message in messages():
        once = formed(message)
        assert bare(marked(once, marker, "5m")) == once.content
        if not message.content:
            assert marked(once, marker, "5m").content == message.content


def messages() -> Iterator[Any]:
    yield HumanMessage("hello")
    yield ToolMessage([{"type": "text", "text": "a"}, {"type": "text", "text": ""}], tool_call_id="c")
    yield ToolMessage("", tool_call_id="c")
    yield HumanMessage([{"type": "image", "base64": "aGk=", "mime_type": "image/png"}])


def test_claudes_class_is_known_by_its_name() -> None:
    """ChatAnthropic, and what is made from it, take Anthropic's marks."""
    model = ChatAnthropic(model_name="claude-sonnet-5-5", api_key=SecretStr("x"), timeout=None, stop=None)
    found = marker_of(model, chat_profile(model))
    assert found is not None and found.name == "anthropic"
