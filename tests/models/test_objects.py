"""Objects that are passed as a model: LangChain's are taken, others are refused with what to pass instead."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_anthropic import ChatAnthropic
from langchain_core.embeddings import FakeEmbeddings
from langchain_core.language_models import FakeListLLM
from langchain_core.messages import AIMessageChunk
from langchain_core.output_parsers import StrOutputParser
from langchain_core.runnables import RunnableLambda

from agentmem import Agent, Budget, Limits, Role, ScriptedModel, Team
from agentmem.errors import ConfigError
from agentmem.models.langchain import LangChainModel
from agentmem.models.objects import as_model
from agentmem.team.roles import role_of
from agentmem.types import Model, Options
from tests.models.chat import Provider, Whole
from tests.models.requests import READ, ask, request


def provider() -> Provider:
    return Provider(chunks=[AIMessageChunk(content="hello")])


def claude() -> ChatAnthropic:
    return ChatAnthropic(model_name="claude-sonnet-4-5", api_key="none", timeout=None, stop=None)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "make",
    [
        provider,
        lambda: provider().bind(user="u"),
        lambda: provider().with_config(tags=["t"]),
        lambda: provider().bind(user="u").with_config(tags=["t"]).bind(seed=1),
        Whole,
    ],
    ids=["object", "bind", "with_config", "both", "not streaming"],
)
def test_an_agent_runs_on_a_langchain_object(tmp_path: Path, make: Any) -> None:
    """As it is, and with whatever was bound to it."""
    with Agent(make(), tmp_path) as agent:
        result = agent.run("say hello")
    assert (result.status, result.text) in [("done", "hello"), ("done", "whole")]


def test_the_classes_of_providers_are_taken(tmp_path: Path) -> None:
    """With the provider and the name that prices and cache rules are found by."""
    with Agent(claude(), tmp_path) as agent:
        assert (agent.model.profile.provider, agent.model.profile.name) == ("anthropic", "claude-sonnet-4-5")
    role = Role(claude(), limits=Limits(max_turns=3))
    assert isinstance(role.model, LangChainModel)
    assert isinstance(role_of(claude()).model, LangChainModel)
    (tmp_path / "repo").mkdir()
    with Team(claude(), role, tmp_path / "repo", place=tmp_path / "place", isolation="none", budget=Budget()) as team:
        assert isinstance(team.settings.coder.model, LangChainModel)


def test_what_is_bound_reaches_the_provider() -> None:
    """With tools and without; it goes before the request's own options."""
    one = provider()
    model = as_model(one.bind(user="u", max_tokens=7).with_config(tags=["t"]))
    list(model.stream(request(ask("go"), options=Options(max_tokens=99, temperature=0.5))))
    list(model.stream(request(ask("go"), tools=(READ,))))
    for _, sent in one.asked:
        assert (sent["user"], sent["max_tokens"]) == ("u", 7)
    assert one.asked[0][1]["temperature"] == 0.5 and one.asked[1][1]["tools"]


def test_a_model_of_ours_is_taken_as_it_is() -> None:
    """No wrapper around it."""
    model = ScriptedModel(["x"])
    assert as_model(model) is model


REFUSED: tuple[tuple[Any, str], ...] = (
    (None, "None is no model: pass a Model"),
    (5, "5 is no model"),
    (object(), "builtins.object is no model"),
    (ChatAnthropic, "the class ChatAnthropic is no model: make an object of it"),
    (ScriptedModel, "the class ScriptedModel is no model"),
    (len, "a function cannot answer"),
    (lambda request: "x", "a function cannot answer"),
    (provider().with_retry(), "its own max_retries"),
    (provider().with_fallbacks([provider()]), "pass one chat model"),
    (provider() | StrOutputParser(), "pass the chat model itself"),
    (provider().bind_tools([{"name": "t", "input_schema": {}}]), r"tools bound .* Agent\(tools=...\)"),
    (provider().bind(tool_choice="any"), r"Options\(tool_choice=...\)"),
    (FakeListLLM(responses=["x"]), "knows no messages"),
    (FakeListLLM(responses=["x"]).bind(stop=["y"]), "knows no messages"),
    (FakeEmbeddings(size=3), "makes vectors"),
    (RunnableLambda(lambda one: one), "no LangChain chat model"),
)


@pytest.mark.parametrize(("given", "says"), REFUSED, ids=[str(at) for at in range(len(REFUSED))])
def test_what_is_no_model_is_refused_with_what_to_pass(tmp_path: Path, given: Any, says: str) -> None:
    """By an Agent, a Role and a Team alike, before anything is made."""
    for take in (lambda: Agent(given, tmp_path / "w"), lambda: Role(given), lambda: Team(given, "local", tmp_path)):
        with pytest.raises(ConfigError, match=says):
            take()


def test_a_client_of_an_sdk_is_refused_by_name() -> None:
    """It is what people hold who come from there."""
    import anthropic
    import openai

    for client, says in (
        (anthropic.Anthropic(api_key="none"), "AnthropicModel"),
        (openai.OpenAI(api_key="none"), "openai:"),
    ):
        with client, pytest.raises(ConfigError, match=says) as caught:
            as_model(client)
        assert "none" not in str(caught.value).lower().replace("none of", "")


def test_a_model_left_configurable_is_refused() -> None:
    """LangChain makes one where no name is given."""
    from langchain.chat_models import init_chat_model

    with pytest.raises(ConfigError, match="left configurable"):
        as_model(init_chat_model(temperature=0))


@given(
    st.none() | st.booleans() | st.integers() | st.floats() | st.binary() | st.lists(st.integers()) | st.builds(object)
)
def test_nothing_else_gets_through(value: Any) -> None:
    """Whatever it is, the error is ours."""
    with pytest.raises(ConfigError, match="is no model"):
        as_model(value)


def test_options_go_with_a_name_only() -> None:
    """On an object they would be lost."""
    with pytest.raises(ConfigError, match="set temperature on the LangChain object"):
        LangChainModel(provider(), temperature=0.5)


def typed(tmp_path: Path, ours: Model) -> list[Agent]:
    """What type checkers of users see: all of these are models."""
    return [Agent(one, tmp_path) for one in (ours, claude(), claude().bind(stop=["x"]), "local")]
