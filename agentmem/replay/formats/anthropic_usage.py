"""Usage as Anthropic's API writes it, in logs of every kind."""

from typing import Any

from agentmem.types import Usage


def read_usage(value: dict[str, Any]) -> Usage:
    """The usage of one reply. Where what was written is one figure, as it was before the 1 h lifetime, it is 5 min."""
    split = value.get("cache_creation") or {}
    long = int(split.get("ephemeral_1h_input_tokens") or 0)
    return Usage(
        "measured",
        uncached_tokens=int(value.get("input_tokens") or 0),
        cache_read_tokens=int(value.get("cache_read_input_tokens") or 0),
        cache_write_5m_tokens=int(value.get("cache_creation_input_tokens") or 0) - long,
        cache_write_1h_tokens=long,
        output_tokens=int(value.get("output_tokens") or 0),
    )
