"""What the reader of a page has already: the agents and models that its blocks take up."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from agentmem.testing import MessagesServer, ServerAnswer

PARTS = 8
"""How many parts the agent looks up."""


@contextmanager
def langchain() -> Iterator[dict[str, Any]]:
    """An agent of LangChain that looks up parts, with the time of day in its prompt; ``model`` and ``agent``.

    The agent, its middleware, the client and HTTP are real; a script on loopback answers.
    """
    from langchain.agents import create_agent
    from langchain.agents.middleware import dynamic_prompt
    from langchain_anthropic import ChatAnthropic
    from langchain_anthropic.middleware import AnthropicPromptCachingMiddleware

    hours = iter(range(1000))

    @dynamic_prompt
    def clock(request: Any) -> str:
        return f"It is {next(hours)} minutes past eight. You keep a store of parts." + " Be exact and brief." * 300

    def stock(part: str) -> str:
        """How many of a part are in the drawer."""
        return f"{part}: 7 in stock, shelf 3, last counted in March. " * 40

    with MessagesServer(_looking_up()) as server:
        asked: dict[str, Any] = {"base_url": server.url, "api_key": "none", "max_retries": 0}
        model = ChatAnthropic(model_name="claude-sonnet-5-5", timeout=60, stop=None, **asked)
        yield {
            "model": model,
            "stock": stock,
            "agent": create_agent(model, [stock], middleware=[clock, AnthropicPromptCachingMiddleware()]),
        }


def _looking_up() -> Callable[[Any], ServerAnswer]:
    def answer(body: Any) -> ServerAnswer:
        done = sum(message["role"] == "assistant" for message in body["messages"])
        if done >= PARTS:
            return ServerAnswer.text("P7 is low.")
        call = {"type": "tool_use", "id": f"call_{done}", "name": "stock", "input": {"part": f"P{done + 1}"}}
        return ServerAnswer([{"type": "text", "text": f"Part {done + 1} is next."}, call])

    return answer


GIVEN: Mapping[str, Callable[[], AbstractContextManager[dict[str, Any]]]] = {"langchain": langchain}
"""By the name in a block's mark ``given``."""
