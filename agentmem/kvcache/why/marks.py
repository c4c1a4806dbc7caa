"""The marks by which a compaction of another package is known: what it writes into the conversation in place of it.

The texts are those of the packages themselves, as of November 2026: LangChain 1.4 (SummarizationMiddleware,
ContextEditingMiddleware), deepagents 0.7, and our own.
"""

import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType

from agentmem.types import Frame

SUMMARIES: Mapping[str, re.Pattern[str]] = MappingProxyType(
    {
        "agentmem": re.compile(r"\[What was said and done before this, in short: entries "),
        "LangChain's SummarizationMiddleware": re.compile(r"Here is a summary of the conversation to date:\s"),
        "deepagents' SummarizationMiddleware": re.compile(
            r"You are in the middle of a conversation that has been summarized\.\s"
        ),
    }
)
"""How each begins the text that stands for what is gone."""
CLEARED: Mapping[str, re.Pattern[str]] = MappingProxyType(
    {
        "LangChain's ContextEditingMiddleware": re.compile(
            r'"content":(?:"\[cleared\]"|\[\{[^{}]*"text":"\[cleared\]")'
        ),
        "deepagents' SummarizationMiddleware": re.compile(r"\.\.\.\(argument truncated\)"),
    }
)
"""What each leaves of a block that it emptied or cut in its place, in the block's JSON."""


def summarised_by(frames: Iterable[Frame]) -> str | None:
    """Whose summary one of these blocks is; None if none is marked as one."""
    texts = [str(one.value.get("text", "")) for one in frames if one.value.get("type") == "text"]
    return next((who for who, mark in SUMMARIES.items() if any(mark.match(text) for text in texts)), None)


def cleared_by(before: Frame, after: Frame) -> str | None:
    """Who emptied the block ``before``, so that ``after`` stands in its place; None if nobody that is known did."""
    if (before.role, before.value.get("type")) != (after.role, after.value.get("type")):
        return None
    one, other = (frame.data.decode() for frame in (before, after))
    return next((who for who, mark in CLEARED.items() if mark.search(other) and not mark.search(one)), None)
