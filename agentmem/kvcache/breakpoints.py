"""Where cache breakpoints stand. One owner places them, and never more than a provider takes.

Anthropic (and what follows its rules) writes a cache entry only at a breakpoint, and from each breakpoint looks back
over at most 20 positions for one that was written earlier. A turn with many parallel calls can be longer than that, so
the end of the request before is marked again: the match there is exact, however long the turn.
"""

from collections.abc import Callable, Iterator, Sequence

from agentmem.kvcache.rules import MAX_BREAKPOINTS, UNMARKABLE
from agentmem.types import Mark, Ttl, Turn

HEAD: Ttl = "1h"
TAIL: Ttl = "5m"
"""How long an entry is asked to live: that of tools and system, and that of the messages."""


def place(tools: int, system: int, turns: Sequence[Turn], asked: Sequence[Mark] = ()) -> tuple[Mark, ...]:
    """At most four marks, in the order of the prompt, those with the 1 h lifetime first.

    ``tools`` and ``system`` are how many of each there are; ``asked`` are marks that somebody else wants: they get
    what our own leave free.
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
"""What is worth a breakpoint, most worth first. Each rule gives none, one or more marks."""


def _last_block(turns: Sequence[Turn], index: int) -> Iterator[Mark]:
    frames = turns[index].frames
    backwards = range(len(frames) - 1, -1, -1)
    markable = next((at for at in backwards if frames[at].value.get("type") not in UNMARKABLE), None)
    if markable is not None:
        yield Mark("message", index, markable, TAIL)


def _long_before_short(marks: Sequence[Mark]) -> tuple[Mark, ...]:
    """A 1 h mark behind a 5 min one is refused by the API: it becomes a 5 min one."""
    short = next((at for at, mark in enumerate(marks) if mark.ttl == "5m"), len(marks))
    return tuple(
        m if at < short or m.ttl == "5m" else Mark(m.segment, m.index, m.block, "5m") for at, m in enumerate(marks)
    )


def _position(mark: Mark) -> tuple[int, int, int]:
    return ("tool", "system", "message").index(mark.segment), mark.index, mark.block
