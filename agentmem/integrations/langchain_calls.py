"""LangChain's callbacks as lines of a wire log, for models whose HTTP client is out of reach.

A Claude model's request is written in the form of its own API, with marks and the split of cache writes; others in that
of chat completions. A request that fails is a line with its status, and is not kept open.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.messages import AIMessage, BaseMessage, SystemMessage, convert_to_openai_messages
from langchain_core.utils.function_calling import convert_to_openai_tool

from agentmem.integrations.wirelog import Line
from agentmem.kvcache.claude import claude_name
from agentmem.models.langchain_blocks import message_blocks

Keep = Callable[[Line], None]
FAILED = 500
"""The status of a request whose error tells none."""


class CallHandler(BaseCallbackHandler):
    """Calls ``keep`` with a line for each request of a chat model, once it has ended."""

    def __init__(self, keep: Keep) -> None:
        self._keep = keep
        self.open: dict[Any, tuple[float, dict[str, Any]]] = {}

    def on_chat_model_start(
        self, serialized: dict[str, Any], messages: list[list[BaseMessage]], *, run_id: Any, **kwargs: Any
    ) -> None:
        """Keeps the request until it ends, because the end brings the usage."""
        self.open[run_id] = (time.time(), _body(kwargs.get("invocation_params") or {}, messages[0]))

    def on_llm_end(self, response: Any, *, run_id: Any, **kwargs: Any) -> None:
        """The answer. One whose beginning was not seen is passed over."""
        began, body = self.open.pop(run_id, (0.0, None))
        if body is None:
            return
        said = next((one.message for each in response.generations for one in each if hasattr(one, "message")), None)
        used = said.usage_metadata if isinstance(said, AIMessage) else None
        self._keep(_line(began, body, dict(used) if used else None))

    def on_llm_error(self, error: BaseException, *, run_id: Any, **kwargs: Any) -> None:
        """The request failed: it is a line without usage."""
        began, body = self.open.pop(run_id, (0.0, None))
        if body is not None:
            status = getattr(error, "status_code", None)
            self._keep(_line(began, body, None, status if isinstance(status, int) else FAILED))


def _body(given: Mapping[str, Any], messages: Sequence[BaseMessage]) -> dict[str, Any]:
    model = str(given.get("model") or given.get("model_name") or given.get("_type") or "unknown")
    tools = list(given.get("tools") or ())
    if claude_name(model):
        return _claude_body(model, tools, given, messages)
    return {
        "model": model,
        "tools": [convert_to_openai_tool(tool) for tool in tools],
        "messages": convert_to_openai_messages(messages),
        "tool_choice": given.get("tool_choice"),
    }


def _claude_body(
    model: str, tools: Sequence[Any], given: Mapping[str, Any], messages: Sequence[BaseMessage]
) -> dict[str, Any]:
    system = [value for one in messages if isinstance(one, SystemMessage) for value in _values(one)]
    said = [one for one in messages if not isinstance(one, SystemMessage)]
    body: dict[str, Any] = {
        "model": model,
        "tools": [dict(tool) if "function" not in tool else tool["function"] for tool in tools],
        "system": system,
        "messages": [
            {"role": "assistant" if isinstance(one, AIMessage) else "user", "content": list(_values(one))}
            for one in said
        ],
    }
    kept = {name: given[name] for name in ("tool_choice", "thinking", "cache_control") if given.get(name)}
    return {**body, **kept}


def _values(message: BaseMessage) -> Iterator[dict[str, Any]]:
    """The blocks of a message; a mark on any of them stands on the last."""
    values = [block.wire() for block in message_blocks(message)]
    parts = [] if isinstance(message.content, str) else message.content
    marks = [one["cache_control"] for one in parts if isinstance(one, dict) and one.get("cache_control")]
    if marks and values:
        values[-1] = {**values[-1], "cache_control": marks[-1]}
    yield from values


def _line(began: float, body: dict[str, Any], used: Mapping[str, Any] | None, status: int = 200) -> Line:
    return {
        "at": began,
        "path": "/v1/messages" if claude_name(body["model"]) else "/chat/completions",
        "request": body,
        "response": {"model": body["model"], "usage": _usage(used) if used else None},
        "status": status,
        "seconds": time.time() - began,
    }


def _usage(used: Mapping[str, Any]) -> dict[str, Any]:
    """The usage in Anthropic's form. LangChain's input tokens include those read from and written to a cache."""
    details = used.get("input_token_details") or {}
    read = details.get("cache_read") or 0
    short, long = (details.get(f"ephemeral_{ttl}_input_tokens") or 0 for ttl in ("5m", "1h"))
    written = max(short + long, details.get("cache_creation") or 0)
    return {
        "input_tokens": max(0, used["input_tokens"] - read - written),
        "cache_read_input_tokens": read,
        "cache_creation_input_tokens": written,
        "cache_creation": {"ephemeral_5m_input_tokens": short, "ephemeral_1h_input_tokens": long},
        "output_tokens": used["output_tokens"],
    }
