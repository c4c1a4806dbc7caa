"""Names the middleware that broke a prefix: taps between the middlewares of a LangChain agent compare what each made.

stack = watched([clock, ContextMiddleware(budget=120_000)])
create_agent(model, tools, middleware=stack).invoke(...)
print(stack.said())
"""

import logging
import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Any

from langchain.agents.middleware.types import AgentMiddleware, ModelRequest
from langchain_core.messages import AIMessage

from agentmem.integrations.langchain import NOSTREAM
from agentmem.integrations.langchain_prefix import options_value, system_values, tool_value
from agentmem.kvcache.frames import Frames
from agentmem.kvcache.prompts import body_prompt
from agentmem.kvcache.rules import rules_for
from agentmem.kvcache.why.causes import CauseCase, explain, fix
from agentmem.kvcache.why.differences import byte, differences, location, texts
from agentmem.kvcache.why.lineage import RequestPair
from agentmem.kvcache.why.observed import ObservedRequest
from agentmem.kvcache.why.texts import excerpts, one_line
from agentmem.models.langchain import chat_profile
from agentmem.models.langchain_blocks import message_blocks

_log = logging.getLogger("agentmem.langchain")
STATE = "the agent's state"
"""The name of what changes a request before the first middleware is asked: an edit of messages in the state."""
_NOT_SENT: tuple[str, ...] = ("images", "web_search", "citations")
"""Settings that a cache derives from the blocks, so they have no bytes of their own."""


@dataclass(frozen=True, slots=True)
class PrefixBreak:
    """One break: in which request, by which middleware, in which part, and the fix.

    ``segment`` is model, tool, system, options or message, ``block`` its number there (None for the whole part), and
    ``byte`` the place in the wire form. ``before`` and ``after`` are short excerpts.
    """

    request: int
    middleware: str
    segment: str
    block: int | None
    byte: int
    before: str
    after: str
    cause: str
    fix: str

    @property
    def text(self) -> str:
        """The break in a few lines."""
        where = self.segment if self.block is None else f"{self.segment}, block {self.block}"
        place = f"{where}, at byte {self.byte:,} of the whole prompt"
        return "\n".join(
            (
                f"request {self.request}: {self.middleware} broke the prefix in {place}",
                f"  - {self.before}",
                f"  + {self.after}",
                f"  {self.cause}: {self.fix}",
            )
        )


class WatchedStack(list[AgentMiddleware[Any, Any, Any]]):
    """Middlewares with taps between them, and the ``breaks`` that were found so far."""

    def __init__(self, middlewares: Iterable[AgentMiddleware[Any, Any, Any]]) -> None:
        given = list(middlewares)
        self.breaks: list[PrefixBreak] = []
        self._taps = [_Tap(self, 0, STATE), *(_Tap(self, at, one.name) for at, one in enumerate(given, 1))]
        super().__init__([self._taps[0]])
        for one, tap in zip(given, self._taps[1:], strict=True):
            self += [one, tap]

    def said(self) -> str:
        """All breaks in words."""
        return "\n".join(one.text for one in self.breaks) or "Every request extends the one before it."

    def ended(self, conversation: str) -> None:
        """The last tap was reached: the first one that saw a break names who made it."""
        for tap in self._taps:
            if found := tap.found(conversation):
                self.breaks.append(found)
                _log.warning("%s", found.text)
                return


def watched(middlewares: Iterable[AgentMiddleware[Any, Any, Any]]) -> WatchedStack:
    """The same middlewares, in their order, with what finds out which of them broke a prefix.

    Give the list to `create_agent`. Each break is logged as a warning and kept in ``breaks``; a cut that a compaction
    makes is none. It compares whole requests between all middlewares, so it is for development.
    """
    return WatchedStack(middlewares)


class _Tap(AgentMiddleware[Any, Any, Any]):
    """Sees the request as the middleware before it made it."""

    def __init__(self, stack: WatchedStack, place: int, after: str) -> None:
        super().__init__()
        self._stack, self._place, self._after = stack, place, after
        self._make = Frames()
        self._seen: dict[str, list[ObservedRequest]] = {}

    @property
    def name(self) -> str:
        """A name of its own: the place in the list and the middleware before it."""
        return f"watched-{self._place}-{self._after}"

    def wrap_model_call(self, request: ModelRequest[Any], handler: Callable[[ModelRequest[Any]], Any]) -> Any:
        """Looks at the request and passes it on."""
        self._look(request)
        return handler(request)

    async def awrap_model_call(
        self, request: ModelRequest[Any], handler: Callable[[ModelRequest[Any]], Awaitable[Any]]
    ) -> Any:
        """`wrap_model_call` for asyncio."""
        self._look(request)
        return await handler(request)

    def found(self, conversation: str) -> PrefixBreak | None:
        """The break between the last two requests that this tap saw; None if the later extends the earlier."""
        pair = self._seen.get(conversation, [])[-2:]
        return _break(RequestPair(*pair), self._after) if len(pair) == 2 else None

    def _look(self, request: ModelRequest[Any]) -> None:
        if NOSTREAM in (request.model.tags or ()):  # a question beside the conversation, such as for a summary
            return
        state = request.state["messages"]
        conversation = str(state[0].id) if state else ""
        seen = self._seen.setdefault(conversation, [])
        seen.append(self._observed(request, seen[-1].number + 1 if seen else 1))
        del seen[:-2]
        if self._place == len(self._stack) // 2:
            self._stack.ended(conversation)

    def _observed(self, request: ModelRequest[Any], number: int) -> ObservedRequest:
        profile = chat_profile(request.model)
        body = {
            "model": profile.name,
            "tools": [tool_value(one) for one in request.tools],
            "system": system_values(request.system_message),
            "messages": [
                {
                    "role": "assistant" if isinstance(one, AIMessage) else "user",
                    "content": [block.wire() for block in message_blocks(one)],
                }
                for one in request.messages
            ],
            "tool_choice": options_value(request.tool_choice, request.model_settings) or None,
        }
        prompt, now = body_prompt(body, self._make), time.time()
        return ObservedRequest(number, now, prompt, rules_for(profile.provider, profile.name), begun=now, ended=now)


def _break(pair: RequestPair, after: str) -> PrefixBreak | None:
    if pair.same_head and not pair.come:  # a request from an earlier state: what it shows was shown before
        return None
    found = next((one for one in differences(pair) if one.setting not in _NOT_SENT), None)
    cause = next(iter(explain(CauseCase(pair, found))), None) if found else None
    if found is None or cause is None or cause.name == "compaction":
        return None
    segment, block = location(found, pair.now)
    before, now = map(one_line, excerpts(*texts(found)))
    place = byte(found, pair.now)
    return PrefixBreak(pair.now.number, after, segment, block, place, before, now, cause.name, fix(cause, pair))
