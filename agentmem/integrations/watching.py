"""Watches what any agent sends: through its HTTP client, LangChain's callbacks, or a ScriptedModel.

    watch = ClientWatch()
    watch.add(anthropic.Anthropic())      # or an OpenAI client, an httpx client, any LangChain chat model
    ...
    watch.requests                        # the requests so far, ready for the diagnosis

`guards` asserts on what is collected here.
"""

import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from agentmem.errors import ConfigError
from agentmem.integrations.observing import Frames, completed, observe
from agentmem.integrations.wirelog import Line, record
from agentmem.kvcache.prompts import request_prompt
from agentmem.kvcache.rules import claude_rules
from agentmem.kvcache.why.observed import ObservedRequest
from agentmem.types import Request

Close = Callable[[], None]
_AS_CLAUDE = "claude-sonnet-5"
"""The model whose cache rules a scripted model gets: Anthropic's general row."""


class ClientWatch:
    """Collects requests until closed. ``cuts`` counts the cuts declared so far; each request keeps that count."""

    def __init__(self) -> None:
        self.cuts = 0
        self._lines: list[tuple[Line, str, int]] = []
        self._scripts: list[tuple[str, Any]] = []
        self._closers: list[Close] = []
        self._make = Frames()

    def add(self, target: Any, name: str = "") -> None:
        """Watch ``target`` from now on. Requests of one ``name`` count as one conversation, in their order.

        Raises ConfigError if ``target`` cannot be watched.
        """
        if _is_scripted(target):
            self._scripts.append((name, target))
            return

        def keep(line: Line) -> None:
            self._lines.append((line, name, self.cuts))

        try:
            self._closers.append(record(target, keep).close)
        except ConfigError:
            if not hasattr(target, "invoke"):
                raise
            self._closers.append(_call_back(target, keep))

    @property
    def requests(self) -> list[ObservedRequest]:
        """The requests that were answered so far, in order. Usage that was not reported is simulated."""
        observed = [
            replace(observe(line, number, self._make), thread=name, cuts=cuts)
            for number, (line, name, cuts) in enumerate(self._lines, 1)
            if line["status"] < 400
        ]
        scripted = [
            _of_request(request, number, name)
            for name, model in self._scripts
            for number, request in enumerate(model.requests, len(self._lines) + 1)
        ]
        return completed((*observed, *scripted))

    def close(self) -> None:
        """Stop watching. The requests so far are kept."""
        while self._closers:
            self._closers.pop()()


def _is_scripted(target: Any) -> bool:
    """True for a model of ours that keeps its requests."""
    kept = getattr(target, "requests", None)
    return isinstance(kept, list) and hasattr(target, "profile") and all(isinstance(one, Request) for one in kept)


def _of_request(request: Request, number: int, name: str) -> ObservedRequest:
    """A scripted model's request. It has no time, so each gets a second of its own."""
    rules = claude_rules(request.model if "claude" in request.model else _AS_CLAUDE)
    return ObservedRequest(number, float(number), request_prompt(request), rules, thread=name)


def _call_back(model: Any, keep: Callable[[Line], None]) -> Close:
    """Hook into the callbacks of a LangChain model itself, so that calls from any agent or chain are seen."""
    model = getattr(model, "bound", model)
    if not hasattr(model, "callbacks"):
        raise ConfigError(
            f"{type(model).__name__} takes no callbacks: pass the chat model itself, not what is built on it"
        )
    before: Any = model.callbacks
    handler = langchain_handler(keep)
    if before is not None and not isinstance(before, list):
        raise ConfigError("the model's callbacks are a manager: give it a list of handlers instead")
    model.callbacks = [*(before or ()), handler]

    def close() -> None:
        model.callbacks = before

    return close


def langchain_handler(keep: Callable[[Line], None]) -> Any:
    """A LangChain callback handler that calls ``keep`` with a line for each answered request of a chat model."""
    from langchain_core.callbacks import BaseCallbackHandler
    from langchain_core.messages import AIMessage, BaseMessage, convert_to_openai_messages
    from langchain_core.utils.function_calling import convert_to_openai_tool

    class Handler(BaseCallbackHandler):
        """Keeps each request until its answer, because the answer brings the usage."""

        def __init__(self) -> None:
            self.open: dict[Any, tuple[float, dict[str, Any]]] = {}

        def on_chat_model_start(
            self, serialized: dict[str, Any], messages: list[list[BaseMessage]], *, run_id: Any, **kwargs: Any
        ) -> None:
            given = kwargs.get("invocation_params") or {}
            body = {
                "model": str(given.get("model") or given.get("model_name") or given.get("_type") or "unknown"),
                "tools": [convert_to_openai_tool(tool) for tool in given.get("tools") or ()],
                "messages": convert_to_openai_messages(messages[0]),
                "tool_choice": given.get("tool_choice"),
            }
            self.open[run_id] = (time.time(), body)

        def on_llm_end(self, response: Any, *, run_id: Any, **_kwargs: Any) -> None:
            began, body = self.open.pop(run_id)
            said = response.generations[0][0].message
            used = said.usage_metadata if isinstance(said, AIMessage) else None
            keep(_line(began, body, dict(used) if used else None))

    return Handler()


def _line(began: float, body: dict[str, Any], used: dict[str, Any] | None) -> Line:
    """The line of a wire log. LangChain's input tokens include those read from and written to a cache."""
    usage = None
    if used:
        details = used.get("input_token_details") or {}
        usage = {
            "prompt_tokens": used["input_tokens"],
            "completion_tokens": used["output_tokens"],
            "prompt_tokens_details": {"cached_tokens": details.get("cache_read") or 0},
        }
    return {
        "at": began,
        "path": "/chat/completions",
        "request": body,
        "response": {"model": body["model"], "usage": usage},
        "status": 200,
        "seconds": time.time() - began,
    }


def names(requests: Iterable[ObservedRequest]) -> list[str]:
    """The names of the conversations, in order of first use."""
    return list(dict.fromkeys(one.thread for one in requests))
