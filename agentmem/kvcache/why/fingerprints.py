"""Fingerprints of requests: the hashes and counts that a provider keeps to tell later how the next one differs.

The reasons are those of Anthropic's cache diagnostics
(https://platform.claude.com/docs/en/build-with-claude/cache-diagnostics). They compare requests and do not say whether
an entry was still there: a miss without a reason has expired.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from agentmem.kvcache.prompts import Prompt
from agentmem.kvcache.rules import Setting
from agentmem.types import Frame, Usage

Reason = Literal[
    "model_changed",
    "tools_changed",
    "system_changed",
    "messages_changed",
    "previous_message_not_found",
    "unavailable",
]


@dataclass(frozen=True, slots=True)
class CacheMiss:
    """The reason why a prefix was not reused. ``tokens`` estimates how many would have been read; None if unknown."""

    reason: Reason
    tokens: int | None = None


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """Hashes of one request's parts. ``messages`` is the chained hash of ``count`` blocks; ``cached`` is in tokens."""

    model: tuple[str, str | None]
    tools: int
    system: int
    settings: int
    messages: int
    count: int
    cached: int


def fingerprint(prompt: Prompt, usage: Usage) -> Fingerprint:
    """The fingerprint of a request that used ``usage``."""
    return Fingerprint(
        model=(prompt.model, prompt.settings.get("speed")),
        tools=_chain(prompt.tools),
        system=_chain(prompt.system),
        settings=hash(tuple(prompt.settings.get(name) for name in _INCOMPARABLE)),
        messages=_chain(prompt.messages),
        count=len(prompt.messages),
        cached=usage.input_tokens - usage.uncached_tokens,
    )


def compare(before: Fingerprint | None, now: Fingerprint, prompt: Prompt, usage: Usage) -> CacheMiss | None:
    """The first difference, in the order of the key; None if the request only extends the one ``before``.

    ``now`` is the fingerprint of ``prompt``, which used ``usage``. If several parts differ, the first in the order of
    the prompt is given; the provider does not document its order.
    """
    if before is None:
        return CacheMiss("previous_message_not_found")
    lost = max(0, before.cached - usage.cache_read_tokens)
    differences = (
        (before.model != now.model, CacheMiss("model_changed", lost)),
        (before.tools != now.tools, CacheMiss("tools_changed", lost)),
        (before.system != now.system, CacheMiss("system_changed", lost)),
        (before.settings != now.settings, CacheMiss("unavailable")),
        (before.messages != _chain(prompt.messages[: before.count]), CacheMiss("messages_changed", lost)),
    )
    return next((miss for differs, miss in differences if differs), None)


_INCOMPARABLE: tuple[Setting, ...] = ("tool_choice", "thinking", "effort")
"""A difference in these makes two requests impossible to compare: "unavailable"."""


def _chain(frames: Iterable[Frame]) -> int:
    chain = 0
    for frame in frames:
        chain = hash((chain, frame.role, frame.data))
    return chain
