"""The wire: what a view puts on it, as frames in bytes and as a Request."""

from collections.abc import Sequence

from agentmem.context.window import View
from agentmem.errors import BudgetExceeded, TranscriptError
from agentmem.kvcache import frames
from agentmem.kvcache.breakpoints import place
from agentmem.types import Mark, Request


def wire(view: View) -> bytes:
    """The content of the provider's cache key: length-prefixed frames. Extended, never changed, but by a cut."""
    return frames.wire(view.frames)


def request(
    view: View, *, estimate: int, limit: int, thread: str, previous_id: str | None = None, purpose: str = "answer"
) -> Request:
    """The request that a view stands for.

    ``estimate`` is its size in the provider's tokens and ``limit`` the budget in the same; above it this raises
    BudgetExceeded, naming the largest turns.
    """
    if not view.ready:
        raise TranscriptError("no request can be made: nothing was said yet, or a tool call waits for its result")
    if estimate > limit:
        raise BudgetExceeded(estimate, limit, largest(view, thread))
    tools = tuple(one for one in view.prefix if one.segment == "tool")
    system = tuple(one for one in view.prefix if one.segment == "system")
    return Request(
        model=view.settings.model,
        tools=tools,
        system=system,
        turns=view.turns,
        options=view.settings.options,
        marks=place(len(tools), len(system), view.turns),
        previous_id=previous_id,
        purpose=purpose,
        estimate=estimate,
    )


def marks(view: View, asked: Sequence[Mark] = ()) -> tuple[Mark, ...]:
    """Where the breakpoints of this view stand."""
    tools = sum(1 for one in view.prefix if one.segment == "tool")
    system = sum(1 for one in view.prefix if one.segment == "system")
    return place(tools, system, view.turns, asked)


def largest(view: View, thread: str, count: int = 5) -> list[tuple[str, int]]:
    """The largest parts of a view as (reference, tokens), largest first."""
    parts = [(f"{thread}/{start}", turn.tokens) for turn, start in zip(view.turns, view.starts, strict=True)]
    parts.append(("tools, system and pinned pages", sum(one.tokens for one in view.prefix)))
    return sorted(parts, key=lambda part: -part[1])[:count]
