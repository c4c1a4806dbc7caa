"""Searches everything that was said: first the bytes of each file, then the blocks of those that hold the words.

Nothing is indexed and no text is kept: the files themselves are looked through, the latest first, for a few seconds at
a time.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any

from agentmem.replay.source import BROKEN, opened
from agentmem.report.data import Gathered
from agentmem.report.markup import plain
from agentmem.ui.shelf import SessionShelf

PATIENCE = 4.0
"""Seconds after which a search ends, and says how far it came."""
MOST, OF_ONE = 100, 5
"""Places that are found at most, and those of one session where many are searched."""
_PIECE = 4_000_000
_BEFORE, _AFTER = 50, 110

Data = dict[str, Any]


@dataclass(frozen=True, slots=True)
class FoundPlace:
    """Where words were found: the turn that first had the block, its number and kind, and the text around."""

    turn: int
    block: int
    kind: str
    before: str
    match: str
    after: str

    def value(self) -> Data:
        """The same as JSON."""
        return {
            "turn": self.turn,
            "block": self.block,
            "kind": self.kind,
            "before": self.before,
            "match": self.match,
            "after": self.after,
        }


def search(shelf: SessionShelf, words: str, start: int = 0, patience: float = PATIENCE) -> Data:
    """The sessions in which ``words`` stand, as they are, in any case; ``start`` sessions are passed over.

    ``looked`` are the sessions that were searched, with those passed over, ``of`` all that there are.
    """
    needles, ends = _needles(words), monotonic() + patience
    families = shelf.families()
    found: list[Data] = []
    count, looked = 0, start
    for family, names in families[start:]:
        if count >= MOST or monotonic() > ends:
            break
        looked += 1
        if needles and any(_holds(Path(name), needles) for name in names):
            places = list(_first(within(shelf.whole(family.id), words), OF_ONE))
            count += len(places)
            if places:
                found.append({"id": family.id, "name": family.name, "places": [one.value() for one in places]})
    return {"words": words, "found": found, "looked": looked, "of": len(families)}


def within(one: Gathered, words: str) -> Iterator[FoundPlace]:
    """The places in one session, in the order in which they were said."""
    needle = words.strip().lower()
    if not needle:
        return
    first = one.table.first_turns()
    for number, frame in enumerate(one.table.frames):
        text = plain(frame)
        at = text.lower().find(needle)
        if at >= 0:
            end = at + len(needle)
            before, after = text[max(0, at - _BEFORE) : at], text[end : end + _AFTER]
            yield FoundPlace(first.get(number, 0), number, one.table.kinds[number], before, text[at:end], after)


def _first(places: Iterable[FoundPlace], most: int) -> Iterator[FoundPlace]:
    for one, _ in zip(places, range(most), strict=False):
        yield one


def _needles(words: str) -> Sequence[bytes]:
    """The words as they may stand in a JSON file."""
    text = words.strip().lower()
    if not text:
        return ()
    forms = (text, *(json.dumps(text, ensure_ascii=ascii)[1:-1] for ascii in (False, True)))
    return tuple({form.encode("utf-8", "replace").lower() for form in forms})


def _holds(path: Path, needles: Sequence[bytes]) -> bool:
    """Whether a file holds one of these, in any case. A database packs its texts, so it may always."""
    if path.suffix in (".db", ".sqlite", ".sqlite3", ".eval"):
        return True
    longest = max(map(len, needles))
    try:
        with opened(path) as file:
            return _in_pieces(file.read, needles, longest)
    except BROKEN:
        return False


def _in_pieces(read: Callable[[int], bytes], needles: Sequence[bytes], longest: int) -> bool:
    kept = b""
    while piece := read(_PIECE):
        text = kept + piece.lower()
        if any(needle in text for needle in needles):
            return True
        kept = text[-longest:]
    return False
