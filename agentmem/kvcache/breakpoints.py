"""Places cache breakpoints. This is the only place that does, and never more than a provider allows.

Anthropic, and providers with the same rules, write a cache entry only at a breakpoint. From each breakpoint they look
back over at most 20 positions for an earlier entry. A turn with many parallel calls can be longer than that. So the end
of the previous request is marked again: there the match is exact, however long the turn.
"""

from collections.abc import Callable, Iterator, Sequence

from agentmem.kvcache.rules import MAX_BREAKPOINTS, UNMARKABLE
from agentmem.types import Mark, Ttl, Turn

HEAD: Ttl = "1h"
TAIL: Ttl = "5m"
"""The lifetimes to ask for: of tools and system, and of messages."""


def place(tools: int, system: int, turns: Sequence[Turn], asked: Sequence[Mark] = ()) -> tuple[Mark, ...]:
    """At most four marks in the order of the prompt, those of the 1 h lifetime first.

    ``tools`` and ``system`` are the numbers of tools and of system blocks. ``asked`` are marks that the caller wants:
    they get the places that ours leave free.
    """
    wanted = [mark for rule in _RULES for mark in rule(tools, system, turns)]
    chosen: dict[tuple[str, int, int], Mark] = {}
    for mark in (*wanted, *asked):
        if len(chosen) < MAX_BREAKPOINTS:
            chosen.setdefault((mark.segment, mark.index, mark.block), mark)
    return _long_before_short(sorted(chosen.values(), key=_position))


def _stable_head(tools: int, system: int, turns: Sequence[Turn]) -> Iterator[Mark]:
    if system:
        yield Mark("system", system - 1, 0, HEAD)
    elif tools:
        yield Mark("tool", tools - 1, 0, HEAD)


def _tail(tools: int, system: int, turns: Sequence[Turn]) -> Iterator[Mark]:
    if turns:
        yield from _last_block(turns, len(turns) - 1)


def _tail_before(tools: int, system: int, turns: Sequence[Turn]) -> Iterator[Mark]:
    reply = next((index for index in range(len(turns) - 1, 0, -1) if turns[index].role == "assistant"), 0)
    if reply:
        yield from _last_block(turns, reply - 1)


_RULES: tuple[Callable[[int, int, Sequence[Turn]], Iterator[Mark]], ...] = (_stable_head, _tail, _tail_before)
"""The rules that choose breakpoints, the most useful first. Each gives none, one or several marks."""


def _last_block(turns: Sequence[Turn], index: int) -> Iterator[Mark]:
    frames = turns[index].frames
    backwards = range(len(frames) - 1, -1, -1)
    markable = next((at for at in backwards if frames[at].value.get("type") not in UNMARKABLE), None)
    if markable is not None:
        yield Mark("message", index, markable, TAIL)


def _long_before_short(marks: Sequence[Mark]) -> tuple[Mark, ...]:
    """The marks, with 1 h changed to 5 min after the first 5 min mark: the API refuses a 1 h mark there."""
    short = next((at for at, mark in enumerate(marks) if mark.ttl == "5m"), len(marks))
    return tuple(
        m if at < short or m.ttl == "5m" else Mark(m.segment, m.index, m.block, "5m") for at, m in enumerate(marks)
    )


def _position(mark: Mark) -> tuple[int, int, int]:
    return ("tool", "system", "message").index(mark.segment), mark.index, mark.block
