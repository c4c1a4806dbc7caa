"""Keeps what a conversation knows of a file: stretches of lines that were read, with every later edit applied.

A line that a later call replaced is dropped. If an edit cannot be placed, the lines that it may have touched are
dropped. If a read shows other lines than the known ones, somebody else changed the file, and only what was read stays.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

_SAME = 3  # the lines that two stretches must share to count as the same


class KnownLine(NamedTuple):
    """A line, the entry that showed it last, and the entry that changed it last; 0: none."""

    text: str
    seen: int
    changed: int = 0


@dataclass(frozen=True, slots=True)
class Stretch:
    """Lines that follow each other. ``start`` is the number of the first, None where it is not known. ``loose``: the
    first and the last may be parts of longer lines, as an edit may begin and end within one.
    """

    lines: tuple[KnownLine, ...]
    start: int | None = None
    loose: bool = False

    @property
    def end(self) -> int | None:
        return None if self.start is None else self.start + len(self.lines)

    @property
    def text(self) -> str:
        return "".join(f"{line.text}\n" for line in self.lines)

    @property
    def known(self) -> str:
        """The certain part of the text: the last line of a loose stretch may be longer."""
        return self.text[:-1] if self.loose else self.text


@dataclass(frozen=True, slots=True)
class KnownFile:
    """A file as it is known. ``touched`` is the entry of the last call that read or changed it, ``changed`` of the
    last that changed it, ``doubt`` of the last command that may have.
    """

    path: str
    stretches: tuple[Stretch, ...] = ()
    touched: int = 0
    changed: int = 0
    doubt: int = 0

    def written(self, text: str, seq: int) -> "KnownFile":
        """The file after all of it was written."""
        lines = tuple(KnownLine(line, seq, seq) for line in _split(text))
        return replace(self, stretches=_some(Stretch(lines, 1)), touched=seq, changed=seq)

    def lost(self, seq: int) -> "KnownFile":
        """The file after an unknown change."""
        return replace(self, stretches=(), touched=seq, changed=seq)

    def appended(self, text: str, seq: int) -> "KnownFile":
        """The file with ``text`` added at its end; the line before may have changed."""
        lines = tuple(KnownLine(line, seq, seq) for line in _split(text))
        kept = (replace(one, lines=one.lines[:-1]) for one in self.stretches)
        return replace(self, stretches=_some(*kept, Stretch(lines, loose=True)), touched=seq, changed=seq)

    def replaced(self, old: str, new: str, every: bool, seq: int) -> "KnownFile":
        """The file after ``new`` replaced ``old``."""
        if not old:
            return self.lost(seq)
        changed = replace(self, touched=seq, changed=seq)
        places = [one.known.count(old) for one in self.stretches]
        found = sum(places)
        unsure = _overlaps_itself(old) or (not every and found > 1)
        if found == 1 and not every and not unsure:
            at = places.index(1)
            return replace(changed, stretches=_some(*_moved(self.stretches, at, old, new, seq)))
        kept = [one for one, count in zip(self.stretches, places, strict=True) if not (unsure and count)]
        applied = [_applied(one, old, new, seq, every=True) for one in kept] if every else kept
        apart = [piece for one in applied for piece in _apart(one, old)]
        shifted = old.count("\n") != new.count("\n")
        stretches = [replace(one, start=None) if shifted else one for one in apart]
        said = () if every and found and not unsure else (_said(new, seq),)
        return replace(changed, stretches=_some(*stretches, *said))

    def read(self, start: int | None, lines: Sequence[str], whole: bool, seq: int) -> "KnownFile":
        """The file after a result has shown lines of it, from number ``start`` on; ``whole``: all its lines."""
        shown = Stretch(tuple(KnownLine(line, seq) for line in lines), start)
        touched = replace(self, touched=seq)
        if whole:
            marks = {line.text: line.changed for one in self.stretches for line in one.lines if line.text.strip()}
            kept = tuple(line._replace(changed=marks.get(line.text, 0)) for line in shown.lines)
            return replace(touched, stretches=_some(replace(shown, lines=kept)))
        if start is None and any(shown.text in one.text for one in self.stretches):
            return touched
        others = []
        for one in self.stretches:
            if one.start is None and (inside := _inside(one, shown)):
                shown = inside
                continue
            merged = _merged(one, shown)
            if merged is None:
                return replace(touched, stretches=_some(Stretch(tuple(KnownLine(line, seq) for line in lines), start)))
            if merged is shown:
                others.append(_beside(one, shown) if one.start is None else one)
            shown = merged
        return replace(touched, stretches=_some(*others, shown))


def _some(*stretches: Stretch) -> tuple[Stretch, ...]:
    return tuple(one for one in stretches if any(line.text.strip() for line in one.lines))


def _split(text: str) -> list[str]:
    return text.removesuffix("\n").split("\n")


def _said(new: str, seq: int) -> Stretch:
    """The stretch that an edit alone shows of a file: the text that it put there."""
    return Stretch(tuple(KnownLine(line, seq, seq) for line in _split(new)), loose=True)


def _firm(one: Stretch) -> Stretch:
    """The stretch without lines that may be partial: an edit beside them may have changed the rest."""
    return replace(one, lines=one.lines[1:-1], start=None, loose=False) if one.loose else one


def _overlaps_itself(old: str) -> bool:
    """True if two places of ``old`` can overlap, so that the intended one is not certain."""
    return any(old.endswith(old[:length]) for length in range(1, len(old)))


def _moved(stretches: Sequence[Stretch], at: int, old: str, new: str, seq: int) -> Iterator[Stretch]:
    """The stretches after an edit in the one at ``at``. Later stretches get other numbers."""
    edited, shift = stretches[at], new.count("\n") - old.count("\n")
    for place, one in enumerate(stretches):
        if place == at:
            yield _applied(one, old, new, seq)
        elif one.start is not None and edited.start is not None:
            yield replace(one, start=one.start + (shift if one.start > edited.start else 0))
        else:
            for piece in _apart(one, old):
                yield replace(piece, start=None) if shift else piece


def _applied(one: Stretch, old: str, new: str, seq: int, *, every: bool = False) -> Stretch:
    """The stretch with ``new`` where ``old`` stood. Where ``every`` place is meant, one at the very end is not certain,
    as a file may end without a line break: what stands there is dropped.
    """
    text, lines, at = one.text, list(one.lines), 0
    while (found := text.find(old, at)) >= 0:
        if every and found + len(old) == len(text):
            text = text[: text.rfind("\n", 0, found) + 1]
            lines = lines[: text.count("\n")]
            break
        text = text[:found] + new + text[found + len(old) :]
        at = found + len(new)
        lines = _relined(text, lines, text.count("\n", 0, found), new.count("\n"), seq)
        if not text.endswith("\n"):  # its end has joined a line that is not known
            text = text[: text.rfind("\n") + 1]
            lines = lines[: text.count("\n")]
        if not every:  # behind it the last line of a loose stretch may go on
            break
    return replace(one, lines=tuple(lines))


def _relined(text: str, before: Sequence[KnownLine], first: int, more: int, seq: int) -> list[KnownLine]:
    """The lines of ``text``. Those up to ``first``, and those after ``more`` others, stay as they were."""
    after = text.removesuffix("\n").split("\n") if text else []
    behind = len(after) - first - more - 1
    kept = list(before[len(before) - behind :]) if behind > 0 else []
    return [*before[:first], *(KnownLine(line, seq, seq) for line in after[first : len(after) - len(kept)]), *kept]


def _apart(loose: Stretch, old: str) -> Iterator[Stretch]:
    """The parts of a stretch that an edit of ``old`` cannot have touched, if the stretch does not have all of it."""
    one = _firm(loose)
    wanted, lines = old.split("\n"), [line.text for line in one.lines]
    touched = {at for shift in range(1 - len(lines), len(wanted)) for at in _overlap(lines, wanted, shift)}
    start = 0
    for at in (*sorted(touched), len(lines)):
        if at > start:
            yield replace(one, lines=one.lines[start:at], start=None if one.start is None else one.start + start)
        start = at + 1


def _overlap(lines: Sequence[str], wanted: Sequence[str], shift: int) -> Iterable[int]:
    """The lines that ``wanted`` covers if line i is its line i + ``shift`` and all agree."""
    first, last = max(0, -shift), min(len(lines), len(wanted) - shift)
    if first == -shift and last == len(wanted) - shift:
        return ()
    fits = all(_agrees(lines[at], wanted, at + shift) for at in range(first, last))
    return range(first, last) if fits else ()


def _agrees(line: str, wanted: Sequence[str], at: int) -> bool:
    if at == 0:
        return line.endswith(wanted[0])
    return line.startswith(wanted[at]) if at == len(wanted) - 1 else line == wanted[at]


def _inside(one: Stretch, shown: Stretch) -> Stretch | None:
    """``shown`` with the marks of a stretch inside it; None if the stretch is not inside."""
    text = shown.text.removesuffix("\n")
    at = text.find(one.text.removesuffix("\n"))
    if at < 0:
        return None
    first = text.count("\n", 0, at)
    lines = list(shown.lines)
    for place, line in enumerate(one.lines, first):
        lines[place] = lines[place]._replace(changed=max(line.changed, lines[place].changed))
    return replace(shown, lines=tuple(lines))


def _beside(one: Stretch, shown: Stretch) -> Stretch:
    """A stretch without a number, minus the lines at its ends that ``shown`` probably has too."""
    mine, theirs = [line.text for line in one.lines], [line.text for line in shown.lines]
    for length in range(min(len(mine), len(theirs)), _SAME - 1, -1):
        if mine[:length] == theirs[-length:]:
            return replace(one, lines=one.lines[length:])
        if mine[-length:] == theirs[:length]:
            return replace(one, lines=one.lines[:-length])
    return one


def _merged(one: Stretch, shown: Stretch) -> Stretch | None:
    """Two stretches in one; ``shown`` itself if they are apart, None if they contradict each other."""
    if one.start is None or one.end is None or shown.start is None or shown.end is None:
        return shown
    first, last = max(one.start, shown.start), min(one.end, shown.end)
    if first > last:
        return shown
    mine = one.lines[first - one.start : last - one.start]
    theirs = shown.lines[first - shown.start : last - shown.start]
    if any(a.text != b.text for a, b in zip(mine, theirs, strict=True)):
        return None
    both = tuple(b._replace(changed=max(a.changed, b.changed)) for a, b in zip(mine, theirs, strict=True))
    head = (one if one.start < shown.start else shown).lines
    tail = (one if one.end > shown.end else shown).lines
    begin, end = min(one.start, shown.start), max(one.end, shown.end)
    return Stretch(head[: first - begin] + both + tail[len(tail) - (end - last) :], begin)
