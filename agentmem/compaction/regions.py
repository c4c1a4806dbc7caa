"""Chooses the lines of files that stay in view, and shows them: around the last edits, and what was read last.

Files come in the order of their last call, the latest first. A file's lines are those that calls looked at closely,
around edits and in short reads, the latest first; then those of long reads.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import lru_cache

from agentmem.compaction.files import KnownFile, KnownLine, Stretch
from agentmem.tokens import count

HEAD = (
    "[Lines of files as they were last seen in this conversation, with the edits made in it. Programs and people may "
    "have changed them since: read a file again where that matters. The number behind a file names the entry that "
    "touched it last; recall {thread}/NUMBER brings that entry back.]"
)
PAD = 10
"""The lines that are shown around an edit."""
CLOSE = 120
"""The most lines of a read that looks at a place; longer ones look over the file."""
LEAST = 3
"""The fewest lines of a stretch to show, unless it is shorter itself."""
_GAP = 4  # tokens of the line between two stretches
_FILE = 30  # tokens of a file's heading
_LEAST = 50  # the fewest tokens of a file to show


def regions(files: Iterable[KnownFile], room: int, each: int) -> list[KnownFile]:
    """The files with the stretches that are shown, the latest first, in ``room`` tokens.

    Each file gets up to ``each`` tokens; the tokens that are left go to the latest.
    """
    latest = sorted((one for one in files if one.stretches), key=lambda one: -one.touched)
    shares = list[int]()
    for file in latest:
        share = _tokens(file, min(each, room - _FILE))
        if share < _LEAST:
            break
        shares.append(share)
        room -= share + _FILE
    for at, file in enumerate(latest[: len(shares)]):
        more = _tokens(file, shares[at] + room) - shares[at]
        shares[at] += more
        room -= more
    parts = (_part(file, share) for file, share in zip(latest, shares, strict=False))
    return [part for part in parts if part.stretches]


def _tokens(file: KnownFile, most: int) -> int:
    """The tokens of a file's lines, at most ``most``: counting stops there."""
    found = _GAP * len(file.stretches)
    for line in (line for one in file.stretches for line in one.lines):
        if found >= most:
            break
        found += size(line)
    return min(found, most)


def _part(file: KnownFile, room: int) -> KnownFile:
    """The file with the stretches that are shown in ``room`` tokens."""
    taken: list[set[int]] = [set() for _ in file.stretches]
    for place, at in _wanted(file):
        if at in taken[place]:
            continue
        room -= size(file.stretches[place].lines[at]) + (0 if {at - 1, at + 1} & taken[place] else _GAP)
        if room < 0:
            break
        taken[place].add(at)
    kept = (one for place, lines in enumerate(taken) for one in _picked(file.stretches[place], sorted(lines)))
    return replace(file, stretches=tuple(kept))


def size(line: KnownLine) -> int:
    """The tokens of a line."""
    return _counted(line.text) + 1


_counted = lru_cache(maxsize=1 << 14)(count)  # from one compaction to the next most lines are the same


def _wanted(file: KnownFile) -> Iterator[tuple[int, int]]:
    """Lines in order of worth, each as its stretch's number and its place there: last edits and close reads first."""
    looks = list[tuple[bool, int, int, int, int]]()
    for place, one in enumerate(file.stretches):
        most = len(one.lines)
        for seq, first, last in _runs([line.changed for line in one.lines]):
            looks.append((False, -seq, place, max(0, first - PAD), min(most, last + PAD)))
        for seq, first, last in _runs([line.seen for line in one.lines]):
            looks.append((last - first > CLOSE, -seq, place, first, last))
    for _, _, place, first, last in sorted(looks):
        yield from ((place, at) for at in range(first, last))


def _runs(marks: Sequence[int]) -> Iterator[tuple[int, int, int]]:
    """Runs of lines with the same mark other than 0: the mark, the first line, and the end."""
    start = 0
    for at in range(1, len(marks) + 1):
        if at == len(marks) or marks[at] != marks[start]:
            if marks[start]:
                yield marks[start], start, at
            start = at


def _picked(one: Stretch, places: Sequence[int]) -> Iterator[Stretch]:
    """The stretches made of some lines of a stretch."""
    start = 0
    for at in range(1, len(places) + 1):
        if at == len(places) or places[at] != places[at - 1] + 1:
            first, last = places[start], places[at - 1] + 1
            start = at
            if last - first >= min(LEAST, len(one.lines)):
                loose = one.loose and (first == 0 or last == len(one.lines))
                number = None if one.start is None else one.start + first
                yield Stretch(one.lines[first:last], number, loose)


def rendered(chosen: Sequence[KnownFile], thread: str) -> str:
    """The text of the chosen files."""
    if not chosen:
        return ""
    parts = [HEAD.format(thread=thread)]
    for file in chosen:
        doubt = f"; a command at {file.doubt} may have changed it" if file.doubt > file.touched else ""
        parts.append(f"\n{file.path} (entry {file.touched}{doubt})")
        for one in sorted(file.stretches, key=_order):
            parts.append(_heading(one))
            parts.extend(line.text for line in one.lines)
    return "\n".join(parts)


def _order(one: Stretch) -> tuple[bool, int]:
    return one.start is None, one.start or 0


def _heading(one: Stretch) -> str:
    if one.start is None:
        return "[an edit; its first and last line may be parts of lines]" if one.loose else "[lines]"
    return f"[lines {one.start}-{one.start + len(one.lines) - 1}]"
