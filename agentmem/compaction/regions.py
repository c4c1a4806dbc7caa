"""Which lines of files stay in view, and how they are shown: around the last edits, and what was read last.

Files are taken by when a call last touched them. A file's lines are those around its edits, the latest first, then
those that were read last.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from agentmem.compaction.files import KnownFile, KnownLine, Stretch
from agentmem.tokens import count

HEAD = (
    "[Lines of files as they were last seen in this conversation, with the edits made in it. Programs and people may "
    "have changed them since: read a file again where that matters. The number behind a file names the entry that "
    "touched it last; recall {thread}/NUMBER brings that entry back.]"
)
PAD = 15
"""Lines that are shown around an edit."""
LEAST = 3
"""Lines of a stretch that is worth showing, if it has so many."""
_GAP = 4  # tokens of the line between two stretches
_FILE = 30  # and of a file's heading
_LEAST = 50  # tokens of a file that is worth showing


def regions(files: Iterable[KnownFile], room: int, each: int) -> list[KnownFile]:
    """What is shown of some files, latest first, in ``room`` tokens: files with fewer stretches.

    Each gets up to ``each`` tokens, and what is left then goes to the latest.
    """
    latest = sorted((one for one in files if one.stretches), key=lambda one: -one.touched)
    shares = list[int]()
    for file in latest:
        share = min(each, room - _FILE, tokens(file))
        if share < _LEAST:
            break
        shares.append(share)
        room -= share + _FILE
    for at, file in enumerate(latest[: len(shares)]):
        more = min(room, tokens(file) - shares[at])
        shares[at] += more
        room -= more
    parts = (_part(file, share) for file, share in zip(latest, shares, strict=False))
    return [part for part in parts if part.stretches]


def tokens(file: KnownFile) -> int:
    """Tokens of all lines of a file."""
    return sum(size(line) for one in file.stretches for line in one.lines) + _GAP * len(file.stretches)


def _part(file: KnownFile, room: int) -> KnownFile:
    """What is shown of a file in ``room`` tokens."""
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
    """Tokens of a line."""
    return count(line.text) + 1


def _wanted(file: KnownFile) -> Iterator[tuple[int, int]]:
    """Lines by worth, as the number of their stretch and their place in it: around edits, then what was read."""
    every = [(place, one.lines) for place, one in enumerate(file.stretches)]
    edits = [run for place, lines in every for run in _runs(place, [line.changed for line in lines])]
    for _, place, first, last in sorted(edits, key=lambda run: -run[0]):
        most = len(file.stretches[place].lines)
        yield from ((place, at) for at in range(max(0, first - PAD), min(most, last + PAD)))
    reads = [run for place, lines in every for run in _runs(place, [line.seen for line in lines])]
    for _, place, first, last in sorted(reads, key=lambda run: -run[0]):
        yield from ((place, at) for at in range(first, last))


def _runs(place: int, marks: Sequence[int]) -> Iterator[tuple[int, int, int, int]]:
    """Stretches of lines with one mark that is not 0: the mark, the stretch's number, first, and behind the last."""
    start = 0
    for at in range(1, len(marks) + 1):
        if at == len(marks) or marks[at] != marks[start]:
            if marks[start]:
                yield marks[start], place, start, at
            start = at


def _picked(one: Stretch, places: Sequence[int]) -> Iterator[Stretch]:
    """The stretches that some of a stretch's lines make."""
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
    """The text of what is shown."""
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
