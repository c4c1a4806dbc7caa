"""Usage as OpenAI's APIs write it, and as servers like them do: chat completions and responses."""

from typing import Any

from agentmem.types import Usage


def is_openai_usage(value: dict[str, Any]) -> bool:
    """Whether a usage object has the names of OpenAI's APIs."""
    return "prompt_tokens" in value or "completion_tokens" in value or "input_tokens_details" in value


def read_openai_usage(value: dict[str, Any]) -> Usage:
    """The usage of one reply: what was cached is part of the prompt's tokens, as the API counts."""
    details = value.get("prompt_tokens_details") or value.get("input_tokens_details") or {}
    whole = int(value.get("prompt_tokens") or value.get("input_tokens") or 0)
    read = min(whole, int(details.get("cached_tokens") or value.get("prompt_cache_hit_tokens") or 0))
    output = int(value.get("completion_tokens") or value.get("output_tokens") or 0)
    return Usage("measured", uncached_tokens=whole - read, cache_read_tokens=read, output_tokens=output)
