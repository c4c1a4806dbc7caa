"""Withholds blocks that a provider refused: an entry shows them as references from then on.

The entry holds the replacements, so that a view never depends on the version that made them. A withheld block is kept
as it was said, and can be read back by its reference. The place comes from the provider's error.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from agentmem import images
from agentmem.context.view import OF_ONE_MODEL, View
from agentmem.errors import ModelRejected
from agentmem.kvcache.frames import canonical
from agentmem.transcript.transcript import pack, unpack
from agentmem.types import Block, Draft, Entry, Json, Text

MARK = "[Withheld: "
"""The beginning of every text that replaces a withheld block."""
SAYS = MARK + "{what} stood here. The provider refused it: {why}. It is kept as {reference}.]"

_WHY = 200  # characters of the provider's words
_SIZE = re.compile(r"too many images|too large|maximum size|exceeds? the", re.IGNORECASE)
_MANY = re.compile(r"many-image", re.IGNORECASE)
_PICTURE = re.compile(r"image|picture|photo|media|vision", re.IGNORECASE)
_THINKING_FIRST = re.compile(r"Expected `thinking`")


@dataclass(frozen=True, slots=True)
class Stead:
    """The replacement for the ``nth`` frame that comes from entry ``seq``; None: nothing is shown."""

    seq: int
    nth: int
    block: Block | None


_Key = tuple[int, int]
"""An entry, and the number of a frame among those that come from it."""


@dataclass(frozen=True, slots=True)
class _Spot:
    """A frame of a view: its turn, its place there, the entry it comes from, and its value."""

    turn: int
    place: int
    seq: int
    nth: int
    value: Json

    @property
    def kind(self) -> str:
        return str(self.value["type"])


def draft(view: View, thread: str, error: ModelRejected) -> Draft | None:
    """The entry that withholds the blocks that ``error`` blames in the request of ``view``.

    None if no such block can be found, or all are withheld already: sending again would not help.
    """
    if not view.ready:
        return None
    spots = list(_spots(view))
    why = _reason(error)
    inside: dict[_Key, list[int]] = {}
    blamed: dict[_Key, _Spot] = {}
    for spot, inner in _blamed(spots, error):
        blamed[spot.seq, spot.nth] = spot
        inside.setdefault((spot.seq, spot.nth), []).extend([] if inner is None else [inner])
    made: dict[_Key, Stead] = {}
    for key, spot in blamed.items():
        for one, block in _instead(spots, spot, inside[key], why, thread):
            made[one.seq, one.nth] = Stead(one.seq, one.nth, block)
    return withheld(why, tuple(made.values())) if made else None


def withheld(why: str, steads: Sequence[Stead]) -> Draft:
    """A cut: from here on ``steads`` replace these frames."""
    places = [[one.seq, one.nth] for one in steads]
    blocks = [one.block and pack(one.block) for one in steads]
    return Draft("withheld", canonical({"reason": why, "places": places, "blocks": blocks}))


def read_withheld(entry: Entry) -> tuple[Stead, ...]:
    """The replacements that `withheld` wrote."""
    pairs = zip(entry.value["places"], entry.value["blocks"], strict=True)
    return tuple(Stead(seq, nth, block and unpack(block)) for (seq, nth), block in pairs)


def _spots(view: View) -> Iterator[_Spot]:
    counts: dict[int, int] = {}
    for at, (turn, origins) in enumerate(zip(view.turns, view.origins, strict=True)):
        for place, (frame, origin) in enumerate(zip(turn.frames, origins, strict=True)):
            nth = counts.get(origin.seq, 0)
            counts[origin.seq] = nth + 1
            yield _Spot(at, place, origin.seq, nth, frame.value)


# The blocks to blame.

Blame = tuple[_Spot, int | None]
"""A frame, and the block inside a tool's result if only that is meant."""


def _blamed(spots: Sequence[_Spot], error: ModelRejected) -> list[Blame]:
    """The blocks of the first rule that finds one that is not withheld yet."""
    found = ([one for one in blame(spots, error) if not _is_withheld(*one)] for blame in _WAYS)
    return next((blamed for blamed in found if blamed), [])


def _named(spots: Sequence[_Spot], error: ModelRejected) -> list[Blame]:
    """The block that the error names, and similar ones that would be refused next."""
    if error.place is None or error.place.block is None:
        return []
    named = [one for one in spots if (one.turn, one.place) == error.place[:2]]
    if not named:
        return []
    spot, inner = named[0], error.place.inner
    if _MANY.search(str(error)):
        return _pictures(spots)[: -images.MANY // 2]
    if _THINKING_FIRST.search(str(error)):
        return [(one, None) for one in spots if one.turn == spot.turn and one.kind == "tool_use"]
    if spot.kind == "tool_result" and inner is None and _PICTURE.search(str(error)):
        return [one for one in _pictures(spots) if one[0] is spot] or [(spot, None)]
    if spot.kind in _READABLE:
        return [(spot, inner if inner is not None and inner < len(spot.value.get("content", ())) else None)]
    return [(one, None) for one in spots if one.kind == spot.kind]


def _in_message(spots: Sequence[_Spot], error: ModelRejected) -> list[Blame]:
    """In the message that the error names: its pictures if the error is about pictures, else its only block."""
    if error.place is None or error.place.block is not None:
        return []
    inside = [one for one in spots if one.turn == error.place.message]
    if _PICTURE.search(str(error)):
        return _pictures(inside)
    return [(inside[0], None)] if len(inside) == 1 else []


def _too_much(spots: Sequence[_Spot], error: ModelRejected) -> list[Blame]:
    """The older half of the pictures of a request with too many pictures or bytes."""
    pictures = _pictures(spots) if error.place is None and _SIZE.search(str(error)) else []
    return pictures[: (len(pictures) + 1) // 2]


def _newest_pictures(spots: Sequence[_Spot], error: ModelRejected) -> list[Blame]:
    """The pictures that are new in this request, if a picture is meant and no place is named."""
    last = spots[-1].turn
    meant = error.place is None and _PICTURE.search(str(error))
    return _pictures([one for one in spots if one.turn == last]) if meant else []


_WAYS: tuple[Callable[[Sequence[_Spot], ModelRejected], list[Blame]], ...] = (
    _named,
    _in_message,
    _too_much,
    _newest_pictures,
)
"""The rules that find the blocks to blame, tried in this order."""


def _pictures(spots: Sequence[_Spot]) -> list[Blame]:
    found: list[Blame] = []
    for one in spots:
        if one.kind == "image":
            found.append((one, None))
        elif one.kind == "tool_result":
            found += [(one, at) for at, inner in enumerate(one.value["content"]) if inner["type"] == "image"]
    return found


def _is_withheld(spot: _Spot, inner: int | None) -> bool:
    content = spot.value["content"] if spot.kind == "tool_result" else [spot.value]
    texts = content if inner is None else [content[inner]]
    return bool(texts) and all(str(one.get("text", "")).startswith(MARK) for one in texts)


# The replacements.


def _instead(
    spots: Sequence[_Spot], spot: _Spot, inside: Sequence[int], why: str, thread: str
) -> Iterator[tuple[_Spot, Block | None]]:
    """The replacements for a frame, and for frames that need it."""

    def text(one: _Spot, value: Json) -> Text:
        return Text(SAYS.format(what=_described(value), why=why, reference=f"{thread}/{one.seq}"))

    if spot.kind == "tool_result":
        yield spot, _result(spot, inside, lambda value: text(spot, value).wire())
    elif spot.kind in ("text", "image"):
        yield spot, text(spot, spot.value)
    elif spot.kind == "tool_use":
        yield spot, text(spot, spot.value)
        yield from ((one, text(one, one.value)) for one in spots if _answers(one, spot))
    else:
        partners = [one for one in spots if one.turn == spot.turn and one is not spot and _partners(one, spot)]
        alone = all(one.kind == spot.kind or one in partners for one in spots if one.turn == spot.turn)
        first = alone and not any(one.place < spot.place for one in spots if one.turn == spot.turn)
        yield spot, text(spot, spot.value) if first else None
        yield from ((one, None) for one in partners)


def _result(spot: _Spot, inside: Sequence[int], text: Callable[[Json], Json]) -> Block:
    """The result with texts in place of the blocks ``inside``, or with one text in place of all if there are none."""
    content = [text(one) if at in inside else one for at, one in enumerate(spot.value["content"])]
    return unpack({**spot.value, "content": content if inside else [text(spot.value)]})


def _answers(one: _Spot, call: _Spot) -> bool:
    return one.turn == call.turn + 1 and one.kind == "tool_result" and one.value["tool_use_id"] == call.value["id"]


def _partners(one: _Spot, other: _Spot) -> bool:
    """True if one is a call of a provider's own tool and the other its result."""
    ids = {one.value.get("id"), one.value.get("tool_use_id")} - {None}
    return bool(ids & ({other.value.get("id"), other.value.get("tool_use_id")} - {None}))


def _described(value: Json) -> str:
    match value["type"]:
        case "image":
            return images.described(value["source"]["media_type"], value["source"]["data"])
        case "tool_use":
            return f"a call of {value['name']}"
        case "tool_result":
            return "a tool's result"
        case "text":
            return "a text"
        case kind if kind in OF_ONE_MODEL:
            return "a thought"
        case kind:
            return f"a block of type {kind}"


_READABLE = frozenset({"text", "image", "tool_use", "tool_result"})


def _reason(error: ModelRejected) -> str:
    """The provider's words, short and on one line, without our own words before them."""
    said = " ".join(str(error).partition(": ")[2].split()) or "no reason given"
    return said if len(said) <= _WHY else f"{said[:_WHY]}…"
