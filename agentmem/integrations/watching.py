"""Watches what any agent sends: through its HTTP client, LangChain's callbacks, or a ScriptedModel.

    watch = ClientWatch()
    watch.add(anthropic.Anthropic())      # or an OpenAI client, an httpx client, any LangChain chat model
    ...
    watch.requests                        # the requests so far, ready for the diagnosis

`guards` asserts on what is collected here.
"""

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from agentmem.errors import ConfigError
from agentmem.integrations.observing import completed, observe
from agentmem.integrations.wirelog import Line, record
from agentmem.kvcache.frames import Frames
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
    from agentmem.integrations.langchain_calls import CallHandler

    before: Any = model.callbacks
    handler = CallHandler(keep)
    if before is not None and not isinstance(before, list):
        raise ConfigError("the model's callbacks are a manager: give it a list of handlers instead")
    model.callbacks = [*(before or ()), handler]

    def close() -> None:
        model.callbacks = before

    return close


def names(requests: Iterable[ObservedRequest]) -> list[str]:
    """The names of the conversations, in order of first use."""
    return list(dict.fromkeys(one.thread for one in requests))
