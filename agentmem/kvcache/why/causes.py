"""The causes for which a prefix is not read from the cache: how to recognise each, and how to fix it.

Anthropic's rules on which change invalidates what: https://platform.claude.com/docs/en/build-with-claude/prompt-caching
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from agentmem.kvcache.rules import Setting
from agentmem.kvcache.why.differences import FrameDifference, Place, texts
from agentmem.kvcache.why.lineage import RequestPair, in_place
from agentmem.kvcache.why.texts import only_volatile, permuted
from agentmem.types import Frame

CauseName = Literal[
    "volatile_text",
    "key_order",
    "tools_changed",
    "tool_order",
    "model_changed",
    "effort_changed",
    "history_edited",
    "compaction",
    "expiry",
    "below_minimum",
    "breakpoint_missing",
    "lookback_exceeded",
    "parallel_cold_start",
    "image_changed",
    "tool_choice_changed",
]


@dataclass(frozen=True, slots=True)
class CauseCase:
    """A loss to explain: a ``difference``, or, without one, an unchanged prefix that was not read.

    ``stored`` is false if the previous request left nothing in the cache that could be read.
    """

    pair: RequestPair
    difference: FrameDifference | None = None
    stored: bool = True


@dataclass(frozen=True, slots=True)
class Cause:
    """One cause: its name, its test, and the fix in one sentence, a template for the facts of a pair."""

    name: CauseName
    holds: Callable[[CauseCase], bool]
    fix: str


def _at(*places: Place) -> Callable[[CauseCase], bool]:
    return lambda case: case.difference is not None and case.difference.place in places


def _setting(*names: Setting) -> Callable[[CauseCase], bool]:
    return lambda case: case.difference is not None and case.difference.setting in names


def _compacted(case: CauseCase) -> bool:
    pair = case.pair
    return (_at("system")(case) and pair.compacted_in_system) or (
        _at("message")(case) and (pair.compacted or pair.compacted_in_system)
    )


def _image(case: CauseCase) -> bool:
    if not _at("message")(case):
        return _setting("images")(case)
    gone, come = case.pair.gone, case.pair.come
    if not any(map(_has_image, (*gone[:1], *come[:1]))):
        return False
    bare = [one for one in gone if not _has_image(one)]
    return [one for one in come if not _has_image(one)][: len(bare)] == bare or in_place(gone, come)


def _has_image(frame: Frame) -> bool:
    return b'"type":"image"' in frame.data


def _tool_order(case: CauseCase) -> bool:
    before, now = _names(case.pair.before.prompt.tools), _names(case.pair.now.prompt.tools)
    return _at("tool")(case) and before != now and sorted(before) == sorted(now)


def _names(tools: Sequence[Frame]) -> list[str]:
    return [str(tool.value.get("name", tool.value.get("type"))) for tool in tools]


def _key_order(case: CauseCase) -> bool:
    return _rewritten(case) and _same_tool(case) and permuted(*_texts(case))


def _volatile(case: CauseCase) -> bool:
    if not _rewritten(case) or not _same_tool(case):
        return False
    before, after = _texts(case)
    if _at("message")(case):
        return only_volatile(before, after) or any(only_volatile(before, _text(one)) for one in case.pair.come[-3:])
    return only_volatile(before, after, _ID if _at("tool")(case) else 1) or _at("system")(case)


_ID = 4
"""The least characters of a time or an id. A shorter number in a tool's description is its author's change."""


def _rewritten(case: CauseCase) -> bool:
    """True if there is another text in the same place, and not just a later block that moved up."""
    if not _at("message")(case):
        return _at("tool", "system")(case)
    return not any((one.role, one.data) in case.pair.kept for one in case.pair.come[:1])


def _same_tool(case: CauseCase) -> bool:
    """True if both sides are the same tool, and for everything that is not a tool."""
    return not _at("tool")(case) or _names(case.pair.before.prompt.tools) == _names(case.pair.now.prompt.tools)


def _texts(case: CauseCase) -> tuple[str, str]:
    return texts(case.difference) if case.difference else ("", "")


def _text(frame: Frame) -> str:
    return texts(FrameDifference("message", 0, 0, frame, frame))[0]


def _unread(case: CauseCase) -> bool:
    return case.difference is None and case.stored


def _cold(case: CauseCase) -> bool:
    before, now = case.pair.before, case.pair.now
    return _unread(case) and (now.at < before.begun or now.at == before.at)


def _expired(case: CauseCase) -> bool:
    before, now = case.pair.before, case.pair.now
    return _unread(case) and now.at - before.at > lifetime(case.pair)


def lifetime(pair: RequestPair, blocks: int | None = None) -> float:
    """The lifetime, in seconds, of the earlier request's first ``blocks``; None: of the prefix that both share."""
    mark = pair.before.mark(pair.shared if blocks is None else blocks)
    return pair.before.rules.lifetimes[mark.ttl if mark else "5m"]


def _below_minimum(case: CauseCase) -> bool:
    if case.difference or case.stored:
        return False
    before, shared = case.pair.before, case.pair.shared
    mark = before.mark(shared)
    if before.marked and mark is None:
        return before.tokens(shared) < before.rules.minimum
    return before.tokens(mark.position + 1 if mark else shared) < _NEARLY * before.rules.minimum


_NEARLY = 1.1
"""If nothing was stored, a count up to a tenth above the minimum may be an error of the estimate."""


def _unmarked(case: CauseCase) -> bool:
    """True if nothing was marked for storing, or no mark of this request is where it could read."""
    if case.difference or not case.pair.before.marked:
        return False
    if not case.stored:
        return not _below_minimum(case) and not _covered(case.pair)
    stored = case.pair.before.mark(case.pair.shared)
    return stored is not None and not _marks_from(case.pair, stored.position)


def _covered(pair: RequestPair) -> bool:
    """True if the last mark of the earlier request stands at the end of what both share, or nearly there."""
    mark, standing = pair.before.mark(pair.shared), pair.before.tokens(pair.shared)
    return mark is not None and standing - pair.before.tokens(mark.position + 1) <= uncovered(standing)


def uncovered(standing: int) -> float:
    """The tokens at the end of ``standing`` that no breakpoint has to cover: the last words of a turn."""
    return max(1024, 0.1 * standing)


def _too_far(case: CauseCase) -> bool:
    """True if the marks of this request are too many blocks after the stored prefix."""
    stored = case.pair.before.mark(case.pair.shared)
    if not _unread(case) or not case.pair.now.marked or stored is None:
        return False
    marks = _marks_from(case.pair, stored.position)
    return bool(marks) and min(marks) - stored.position >= case.pair.now.rules.lookback


def _marks_from(pair: RequestPair, position: int) -> list[int]:
    return [mark.position for mark in pair.now.path.breakpoints if mark.position >= position]


CAUSES: tuple[Cause, ...] = (
    # Something changed: the first cause that holds.
    Cause("model_changed", _at("model"), "Stay with one model: each has a cache of its own."),
    Cause(
        "tool_choice_changed",
        _setting("tool_choice"),
        "Send the same tool_choice with every request, and say in a message which tool to use.",
    ),
    Cause(
        "effort_changed",
        _setting("effort", "thinking", "speed"),
        "Choose effort, thinking and speed once for the whole conversation.",
    ),
    Cause(
        "compaction",
        _compacted,
        "{compactor}Compact less often and leave more room each time: every compaction writes the context anew.",
    ),
    Cause(
        "image_changed",
        _image,
        "Send pictures from the start or refer to them by a file's path, and never take one out of the history.",
    ),
    Cause("tool_order", _tool_order, "Send the tools in one fixed order, for example sorted by name."),
    Cause(
        "key_order",
        _key_order,
        "Write the same things in the same order: sort keys, sets and listings before they are put into the prompt.",
    ),
    Cause(
        "volatile_text",
        _volatile,
        "Take out what changes by itself (times, ids, counts, state), or say it in a new message at the end.",
    ),
    Cause(
        "tools_changed",
        lambda case: _at("tool")(case) or _setting("web_search")(case),
        "Keep the list of tools and their descriptions fixed, and refuse a tool that is not allowed when it is called.",
    ),
    Cause(
        "history_edited",
        lambda case: _at("message")(case) or _setting("citations")(case),
        "Never change or drop a message that was sent: append, and shorten a result before it is sent at all.",
    ),
    # Nothing changed, but it was not read: every cause that holds.
    Cause(
        "parallel_cold_start",
        _cold,
        "Send one request first and the others once its response has begun: until then there is nothing to read.",
    ),
    Cause(
        "expiry",
        _expired,
        "The prefix lay unused for {idle} and lives for {lifetime}: give it the one-hour lifetime, go on sooner, "
        "or keep it warm.",
    ),
    Cause(
        "below_minimum",
        _below_minimum,
        "The prefix of {tokens:,} tokens is below the {minimum:,} that this model caches: move the breakpoint further "
        "back, or do without caching here.",
    ),
    Cause(
        "breakpoint_missing",
        _unmarked,
        "Set a breakpoint (cache_control) on the last block of the system prompt and on the last of every request; "
        "under LangChain `ContextMiddleware` sets them.",
    ),
    Cause(
        "lookback_exceeded",
        _too_far,
        "{blocks} blocks came since the last breakpoint and only {lookback} are looked back over: mark the end of the "
        "request before as well.",
    ),
)
"""Every cause, its test and its fix, in the order in which they are tried."""

UNEXPLAINED = (
    "Nothing in the requests explains it: the provider let the prefix go before its time, or served it elsewhere."
)
UNEXPLAINED_BY_ITSELF = (
    "Nothing in the requests explains it, and the provider gave no reason: it caches by itself, as well as it can. The "
    "request went to another server, came while the one before was still under way, or the prefix was let go early. "
    "Requests of one conversation with one prompt_cache_key go to one server."
)
CUT_ANEW = (
    "agentmem compacted here again what it had compacted before, since it no longer knew of that: it keeps "
    "its cuts in the agent's state. Give the agent a checkpointer and each conversation its thread_id."
)
NOT_STORED = (
    "A breakpoint stands at its end, and yet the provider reports nothing as written: see whether it caches this model "
    "at all, and whether a proxy between drops the mark or the numbers."
)


def explain(case: CauseCase) -> list[Cause]:
    """The causes of ``case``: one for a difference; for an unchanged prefix, all that hold."""
    held = [cause for cause in CAUSES if cause.holds(case)]
    return held[:1] if case.difference else held


def fix(cause: Cause, pair: RequestPair) -> str:
    """The fix with the facts of ``pair`` filled in."""
    stored = pair.before.mark(pair.shared)
    position = stored.position if stored else 0
    marks = _marks_from(pair, position)
    return cause.fix.format(
        idle=_span(pair.now.at - pair.before.at),
        lifetime=_span(lifetime(pair)),
        tokens=pair.before.tokens(position + 1),
        minimum=pair.before.rules.minimum,
        blocks=min(marks) - position if marks else 0,
        lookback=pair.now.rules.lookback,
        compactor=f"{pair.compacted_by} compacted here. " if pair.compacted_by else "",
    )


def _span(seconds: float) -> str:
    return f"{seconds / 60:.0f} minutes" if seconds >= 90 else f"{seconds:.0f} seconds"
