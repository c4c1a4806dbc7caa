"""The arguments of a tool call as a model wrote them, made fit for a transcript."""

import json

from agentmem.kvcache.frames import canonical
from agentmem.types import ToolCall

UNREADABLE = "INVALID_JSON"
"""The key under which arguments that are no JSON object are kept, cut off by max_tokens for example: so Anthropic's
guide to streaming them recommends. No tool is run with it, and the model reads why."""


def call_arguments(text: str) -> str:
    """A call's arguments as the compact text of a JSON object, in the model's order; nothing at all is ``{}``."""
    try:
        value = json.loads(text) if text.strip() else {}
        compact = canonical(value if isinstance(value, dict) else {UNREADABLE: text})
    except (ValueError, RecursionError):
        compact = canonical({UNREADABLE: text})
    return compact.decode("utf-8", "surrogatepass")


def is_unreadable(call: ToolCall) -> bool:
    """True when the model's arguments were no JSON object."""
    value = call.parsed
    return value is None or list(value) == [UNREADABLE]
