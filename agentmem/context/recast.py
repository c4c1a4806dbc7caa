"""What a cut makes of turns that were shown already: their frames as another model takes them, or without some."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from agentmem.context.fitting import THOUGHT, Move
from agentmem.context.view import Origin
from agentmem.context.withheld import MARK, Stead
from agentmem.kvcache.frames import frame
from agentmem.types import Frame, Text, Turn

Seen = Sequence[tuple[Turn, tuple[Origin, ...]]]
"""Turns with the origins of their frames."""
Places = Iterable[tuple[Origin, ...]]
_Kept = list[tuple[Frame, Origin]]


def moved(turns: Iterable[Turn], origins: Places, move: Move, thread: str) -> Seen:
    """Turns as another model takes them. One of which nothing is left says so, for roles alternate."""
    seen = list[tuple[Turn, tuple[Origin, ...]]]()
    for turn, places in zip(turns, origins, strict=True):
        if turn.role == "assistant":
            move.begins()
        kept = _Kept()
        for one, origin in zip(turn.frames, places, strict=True):
            value = move.shown(one.value, origin.seq, f"{thread}/{origin.seq}")
            if value is not None:
                kept.append((one if value == one.value else frame("message", value, turn.role), origin))
        seen.append(_turn(turn, kept or [(_text(THOUGHT, turn), places[0])]))
    return seen


def withheld(turns: Iterable[Turn], origins: Places, steads: Iterable[Stead]) -> Seen:
    """Turns with what is shown for some of their frames. Results stay before any text of their turn."""
    given = {(one.seq, one.nth): one.block for one in steads}
    counts: Counter[int] = Counter()
    seen = list[tuple[Turn, tuple[Origin, ...]]]()
    for turn, places in zip(turns, origins, strict=True):
        keys = list(_keys(places, counts))
        if not given.keys() & set(keys):
            seen.append((turn, places))
            continue
        kept = _Kept()
        for key, one, origin in zip(keys, turn.frames, places, strict=True):
            block = given.get(key)
            if block or key not in given:
                kept.append((frame("message", block.wire(), turn.role) if block else one, origin))
        kept.sort(key=lambda one: turn.role == "user" and one[0].value["type"] != "tool_result")
        seen.append(_turn(turn, kept or [(_text(MARK, turn), places[0])]))
    return seen


def _keys(places: Iterable[Origin], counts: Counter[int]) -> Iterator[tuple[int, int]]:
    """The entry of each frame, and its number among the frames that come from there."""
    for origin in places:
        yield origin.seq, counts[origin.seq]
        counts[origin.seq] += 1


def _turn(turn: Turn, kept: _Kept) -> tuple[Turn, tuple[Origin, ...]]:
    return Turn(turn.role, tuple(one for one, _ in kept)), tuple(origin for _, origin in kept)


def _text(text: str, turn: Turn) -> Frame:
    return frame("message", Text(text).wire(), turn.role)
