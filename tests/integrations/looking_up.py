"""An agent that looks things up, for tests of middleware: a scripted model behind the loopback Messages API."""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from langchain.tools import tool
from langchain_anthropic import ChatAnthropic
from pydantic import SecretStr

from agentmem.kvcache.prompts import body_prompt
from agentmem.kvcache.simulated.faults import Reply
from agentmem.models.anthropic_request import check_body
from agentmem.testing import MessagesServer, ServerAnswer

BUDGET = 24_000
ASKED = "This is not part of the task"
"""How the instruction for a summary begins."""
TASK: Any = {"messages": [{"role": "user", "content": "Look up every part, then say done."}]}
PROMPT = "You look parts up, one by one. " + "Be exact and brief. " * 300
SUMMARY = "## Goal\n- Look up every part.\n\n## Facts\n- The parts are on shelves."


@tool
def record(number: int) -> str:
    """The record of a part."""
    return f"part {number}: shelf {number % 17}, code Q{number * 7919 % 100_003:06d}\n" + "checked oiled boxed\n" * 150


def call(number: int, name: str = "record", **arguments: Any) -> dict[str, Any]:
    """A call in a reply."""
    return {"type": "tool_use", "id": f"call_{number}_{name}", "name": name, "input": arguments or {"number": number}}


def last_text(body: Any) -> str:
    """The text of the last block of a request, if it is one."""
    content = body["messages"][-1]["content"]
    return content if isinstance(content, str) else str(content[-1].get("text", ""))


def is_summary(body: Any) -> bool:
    """True for a request for a summary."""
    return ASKED in last_text(body)


class Script:
    """Looks ``parts`` up, ``at_once`` in each turn, and says done; then it answers further questions with done."""

    def __init__(self, parts: int, at_once: int = 1, then: Sequence[dict[str, Any]] = ()) -> None:
        self.parts, self.at_once, self.then = parts, at_once, list(then)
        self.summary: Callable[[Any], Reply] = lambda body: ServerAnswer.text(SUMMARY)
        self.asked = 0

    def __call__(self, body: Any) -> Reply:
        if is_summary(body):
            return self.summary(body)
        done = sum(
            block["type"] == "tool_result" or block.get("name") == "Result"
            for message in body["messages"]
            for block in (message["content"] if isinstance(message["content"], list) else ())
        )
        self.asked += 1
        numbers = range(self.asked * self.at_once - self.at_once, min(self.asked * self.at_once, self.parts))
        if numbers:
            text = f"I look up {', '.join(map(str, numbers))} now, since each of the parts has to be looked up."
            return ServerAnswer([{"type": "text", "text": text}, *map(call, numbers)])
        if self.then:
            return ServerAnswer([self.then.pop(0)])
        return ServerAnswer.text(f"done after {done}")


class Served:
    """A server with a model on it, and what it has seen."""

    def __init__(self, server: MessagesServer) -> None:
        self.server = server
        self.refused: list[Any] = []
        self.usage: list[dict[str, int]] = []
        self.model = ChatAnthropic(
            model_name="claude-sonnet-5-5",
            base_url=server.url,
            api_key=SecretStr("none"),
            max_retries=0,
            timeout=60,
            stop=None,
        )

    def told(self, path: str, status: int, body: Any) -> None:
        """Takes in a response."""
        if status == 200:
            self.usage.append(body["usage"])
        else:
            self.refused.append(body)

    @property
    def bodies(self) -> list[Any]:
        """The bodies that were received."""
        return self.server.bodies

    @property
    def summaries(self) -> int:
        """The number of requests for a summary."""
        return sum(map(is_summary, self.bodies))


@contextmanager
def serving(reply: Callable[[Any], Reply]) -> Iterator[Served]:
    """A strict server with a model on it. No request may have been refused in the end."""
    with MessagesServer(reply, validate=check_body) as server:
        served = Served(server)
        server.told = served.told
        yield served
        assert served.refused == []


def keys(body: Any) -> list[Any]:
    """The cache's key of a request, frame by frame."""
    return [(one.segment, one.role, one.data) for one in body_prompt(body).frames]


def breaks(bodies: Sequence[Any]) -> list[int]:
    """The requests that do not extend the one before."""
    made = [keys(body) for body in bodies]
    return [at for at in range(1, len(made)) if made[at][: len(made[at - 1])] != made[at - 1]]


def marks(body: Any) -> int:
    """The number of cache marks in a request."""
    return json.dumps(body).count('"cache_control"')
