"""The marks by which a compaction of another package is known: what it writes into the conversation in place of it.

The texts are those of the packages themselves, as of November 2026: LangChain 1.4 (SummarizationMiddleware,
ContextEditingMiddleware), deepagents 0.7, and our own.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType

from agentmem.types import Frame

OURS = "agentmem"
SUMMARIES: Mapping[str, re.Pattern[str]] = MappingProxyType(
    {
        OURS: re.compile(
            r"\[(?:"
            r"\S+/\d+, said by the person(?:\]|, in part: )|"
            r"What was said and done before this, in short: entries |"
            r"Index of what left the view: |"
            r"\S+/\d+, kept as it was: the result of |"
            r"Commands that were run, the last first|"
            r"Files that calls touched, and how each stands now)"
        ),
        "LangChain's SummarizationMiddleware": re.compile(r"Here is a summary of the conversation to date:\s"),
        "deepagents' SummarizationMiddleware": re.compile(
            r"You are in the middle of a conversation that has been summarized\.\s"
        ),
    }
)
"""How each begins a text that stands for what is gone. Ours are several, and the first in a request may be any: what
people said comes before the summary, and what an earlier cut kept of it stays where it was."""
CLEARED: Mapping[str, re.Pattern[str]] = MappingProxyType(
    {
        "LangChain's ContextEditingMiddleware": re.compile(
            r'"content":(?:"\[cleared\]"|\[\{[^{}]*"text":"\[cleared\]")'
        ),
        "deepagents' SummarizationMiddleware": re.compile(r"\.\.\.\(argument truncated\)"),
    }
)
"""What each leaves of a block that it emptied or cut in its place, in the block's JSON."""


def summarised_by(gone: Sequence[Frame], come: Sequence[Frame]) -> str | None:
    """Whose summary begins ``come`` and is none of ``gone``'s blocks; None if none is marked as one."""
    known = {(one.role, one.data) for one in gone}
    new = (one for one in _opening(come) if (one.role, one.data) not in known)
    return next((who for one in new if (who := _marked(one))), None)


def is_ours(frames: Sequence[Frame]) -> bool:
    """True if what stands at the beginning of ``frames`` was written by a compaction of ours."""
    return any(_marked(one) == OURS for one in _opening(frames))


def _opening(frames: Sequence[Frame]) -> Iterable[Frame]:
    """The blocks before the first that a model said: where a compaction writes."""
    end = next((at for at, one in enumerate(frames) if one.role == "assistant"), len(frames))
    return frames[:end] or frames[:2]


def _marked(one: Frame) -> str | None:
    text = str(one.value.get("text", "")) if one.value.get("type") == "text" else ""
    return next((who for who, mark in SUMMARIES.items() if mark.match(text)), None)


def cleared_by(before: Frame, after: Frame) -> str | None:
    """Who emptied the block ``before``, so that ``after`` stands in its place; None if nobody that is known did."""
    if (before.role, before.value.get("type")) != (after.role, after.value.get("type")):
        return None
    one, other = (frame.data.decode() for frame in (before, after))
    return next((who for who, mark in CLEARED.items() if mark.search(other) and not mark.search(one)), None)
