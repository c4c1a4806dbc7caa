"""The last look at a request of ChatAnthropic: at most four marks go out, in an order that the API takes.

A middleware behind ours marks what we cannot see. So the model that a request goes to settles the marks of the finished
body: ours stay, and of the others as many as there is room for.
"""

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from langchain_core.language_models import BaseChatModel

from agentmem.kvcache.rules import MAX_BREAKPOINTS

Body = dict[str, Any]
KEY = "cache_control"


def guarded(model: BaseChatModel) -> BaseChatModel:
    """The same model, whose requests have their marks settled. It is still one of its class."""
    if not hasattr(type(model), "_get_request_payload"):
        return model
    made = model.model_copy()
    object.__setattr__(made, "__class__", _guarded(type(model)))
    return made


@cache
def _guarded(kind: Any) -> Any:
    def payload(self: Any, *given: Any, **named: Any) -> Body:
        return settled(kind._get_request_payload(self, *given, **named))

    return type(kind.__name__, (kind,), {"_get_request_payload": payload, "__module__": kind.__module__})


def settled(body: Body) -> Body:
    """The body with at most four marks, and none for an hour behind one for five minutes.

    Marks on tools leave first, since the system prompt's covers them; then that of the whole body, which is for the
    last message; then the earliest ones in messages.
    """
    tools = [one for one in body.get("tools") or () if KEY in one]
    system = [one for one in _blocks(body.get("system")) if KEY in one]
    said = [one for message in body.get("messages") or () for one in _marked(message)]
    count = len(tools) + len(system) + len(said) + (KEY in body)
    long_behind = any(_ttl(one) == "1h" for one in (*system, *said))
    if tools and system and (count > MAX_BREAKPOINTS or (long_behind and any(_ttl(one) != "1h" for one in tools))):
        body = {**body, "tools": [_bare(one) for one in body["tools"]]}
        count -= len(tools)
    if count > MAX_BREAKPOINTS and KEY in body:
        body = {name: value for name, value in body.items() if name != KEY}
        count -= 1
    if count > MAX_BREAKPOINTS:
        body = {**body, "messages": _without(body["messages"], count - MAX_BREAKPOINTS)}
    return body


def _without(messages: list[Body], many: int) -> list[Body]:
    """The messages without so many of their earliest marks."""
    made = []
    for message in messages:
        if many and any(True for _ in _marked(message)):
            content = []
            for one in message["content"]:
                drop = many > 0 and KEY in one
                many -= drop
                content.append(_bare(one) if drop else one)
            message = {**message, "content": content}
        made.append(message)
    return made


def _marked(message: Body) -> Iterator[Body]:
    return (one for one in _blocks(message.get("content")) if KEY in one)


def _blocks(content: Any) -> list[Body]:
    return [one for one in content if isinstance(one, dict)] if isinstance(content, list) else []


def _bare(block: Mapping[str, Any]) -> Body:
    return {name: value for name, value in block.items() if name != KEY}


def _ttl(block: Body) -> str:
    return str(block[KEY].get("ttl", "5m"))
