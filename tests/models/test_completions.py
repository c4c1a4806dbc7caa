"""OpenAI-compatible models through LangChain's own class, over real HTTP: a stream without an end broke off."""

from pathlib import Path
from typing import Any

import pytest

from agentmem.errors import ModelUnreachable
from agentmem.menu.menu import tool
from agentmem.models.langchain import LangChainModel
from agentmem.runtime.agent import Agent
from agentmem.types import Reply
from tests.models.completions import Chunk, called, completions, ended, said
from tests.models.requests import ask, request
from tests.runtime.agents import clock

ran: list[str] = []


@tool(effect="outside")
def wipe(path: str = "everything") -> str:
    """Wipes a path."""
    ran.append(path)
    return "wiped"


def connect(url: str) -> LangChainModel:
    from langchain_openai import ChatOpenAI

    made: Any = ChatOpenAI
    return LangChainModel(made(model="gpt-5.5", base_url=url, api_key="none", max_retries=0, stream_usage=False))


@pytest.mark.parametrize("chunks", [[said("The three causes are")], [called("wipe", "")], [called("wipe", '{"pa')], []])
def test_a_stream_without_a_reason_broke_off(chunks: list[Chunk]) -> None:
    """Half an answer is no answer, and half a call no call: ModelUnreachable, as on Anthropic's path."""
    with completions(chunks) as (url, _), pytest.raises(ModelUnreachable, match=r"broke off|No generation"):
        list(connect(url).stream(request(ask("go"))))


@pytest.mark.parametrize(
    ("chunks", "stop"),
    [
        ([said("Done."), ended("stop")], "end_turn"),
        ([said("Hal"), ended("length")], "max_tokens"),
        ([called("wipe", ""), ended("length")], "max_tokens"),
        ([called("wipe", "{}"), ended("tool_calls")], "tool_use"),
        ([said(""), ended("content_filter")], "refusal"),
    ],
)
def test_what_ends_a_stream(chunks: list[Chunk], stop: str) -> None:
    """The provider's reason decides, whether there are calls or not."""
    with completions(chunks) as (url, _):
        *_, last = connect(url).stream(request(ask("go")))
    assert isinstance(last, Reply)
    assert last.stop_reason == stop


def test_a_run_asks_again_and_runs_no_half_call(tmp_path: Path) -> None:
    """A call cut off before its arguments does not run with its defaults; a reply that broke off is asked for again."""
    replies = [
        [called("wipe", ""), ended("length")],
        [said("The three causes")],
        [said("The three causes are these."), ended("stop")],
    ]
    with completions(*replies) as (url, bodies):
        with Agent(connect(url), tmp_path, tools=[wipe], clock=clock) as agent:
            result = agent.run("Go.")
        assert (result.status, result.text, ran) == ("done", "The three causes are these.", [])
        assert len(bodies) == 3
