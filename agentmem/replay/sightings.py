"""Where parts of calls stand: each text is looked through once, however many requests it is in.

A name stands where no letter, digit, underscore or dash adjoins it; a folder where its names follow each other in a
path; a file behind its folder's last name, in a path, on a line after that folder, or in the result of a call that was
given the folder. A line stands where a text has it whole, behind nothing but what tools put in front of lines.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from agentmem.replay.call_needs import NAME, PIECES, TOKEN, CallPart, components
from agentmem.replay.needed import BESIDE

PREFIXES = (
    re.compile(r"\s*\d+[→\t:-]"),  # a numbered line
    re.compile(r"[^\s:]+?[:-]\d+[:-]"),  # a line that a search found, or one beside it
    re.compile(r"[^\s:]+:"),  # the same without its number
    re.compile(r"[+ -]"),  # a line of a diff
)
"""What tools put in front of a line."""
ALONE = ""
"""Stands for the words beside a name that stands alone on its line."""

_MOST = 100_000  # tokens whose parts are kept, so that those of long texts take no more memory than they may
_WORD = re.compile(r"\w+")
_COMPANION = re.compile(r"\w{3,}")


@dataclass(slots=True)
class Vocabulary:
    """The parts that any call needs, each with its number, and what finds them in texts."""

    every: list[CallPart] = field(default_factory=list)
    numbers: dict[CallPart, int] = field(default_factory=dict)
    names: dict[str, int] = field(default_factory=dict)
    folders: dict[str, int] = field(default_factory=dict)
    files: dict[str, int] = field(default_factory=dict)
    whole: dict[str, int] = field(default_factory=dict)
    open: dict[str, list[int]] = field(default_factory=dict)
    parents: set[str] = field(default_factory=set)
    known: dict[str, tuple[int, ...]] = field(default_factory=dict)
    openers: dict[str, tuple[int, ...]] = field(default_factory=dict)

    def number(self, part: CallPart) -> int:
        """The number of a part, a new one where it is new. All parts come before the first text."""
        if part not in self.numbers:
            self.numbers[part] = len(self.every)
            self.every.append(part)
            self._enter(part, self.numbers[part])
        return self.numbers[part]

    def _enter(self, part: CallPart, number: int) -> None:
        if part.kind == "line":
            if part.left or part.right:
                self.open.setdefault(max(_WORD.findall(part.text), key=len), []).append(number)
            else:
                self.whole[part.text] = number
            return
        {"name": self.names, "folder": self.folders, "file": self.files}[part.kind][part.text] = number
        if part.kind == "file":
            self.parents.add(part.text.partition("/")[0])

    def held(self, text: str, under: Iterable[str] = ()) -> set[int]:
        """The parts that stand in a text; ``under`` are the last names of the folders that it lists."""
        found: set[int] = set()
        maybe: set[int] = set()
        leads = False
        for token in set(TOKEN.findall(text)):
            found.update(self.known[token] if token in self.known else self._known(token))
            if self.open:
                maybe.update(self.openers[token] if token in self.openers else self._openers(token))
            leads = leads or ("/" in token and self.parents.issuperset(components(token)[-1:]))
        own = [one for one in under if one in self.parents]
        if leads or own:
            found.update(self._listed(text, own))
        if self.whole:
            found.update(number for line in text.split("\n") for number in self._whole(line))
        found.update(number for number in maybe if number not in found and stands_open(text, self.every[number]))
        return found

    def _known(self, token: str) -> tuple[int, ...]:
        if len(self.known) > _MOST:
            self.known.clear()
        names = components(token)
        found = {self.names[one] for name in names for one in runs_of(name) if one in self.names}
        if "/" in token:
            found.update(self.folders[one] for one in stretches(names) if one in self.folders)
            pairs = (f"{one}/{other}" for one, other in pairwise(names))
            found.update(self.files[one] for one in pairs if one in self.files)
        self.known[token] = tuple(found)
        return self.known[token]

    def _openers(self, token: str) -> tuple[int, ...]:
        if len(self.openers) > _MOST:
            self.openers.clear()
        found = tuple(number for word in _WORD.findall(token) for number in self.open.get(word, ()))
        self.openers[token] = found
        return found

    def _listed(self, text: str, own: Sequence[str]) -> Iterator[int]:
        """Files that stand on a line after their folder, or in the result of a call that was given it."""
        for line in text.split("\n"):
            led: tuple[str, ...] = ()
            for token in TOKEN.findall(line):
                names = components(token)
                for parent in (*own, *led) if names else ():
                    number = self.files.get(f"{parent}/{names[0]}")
                    if number is not None:
                        yield number
                if "/" in token and names:
                    led = (names[-1],)

    def _whole(self, line: str) -> Iterator[int]:
        for head in heads(line):
            number = self.whole.get(line[head:])
            if number is not None:
                yield number


def runs_of(word: str) -> Iterator[str]:
    """Every name in a word: whole pieces that follow each other."""
    for name in NAME.findall(word):
        pieces = name.split(".")
        for start in range(len(pieces)):
            for stop in range(start + 1, min(len(pieces), start + PIECES) + 1):
                yield ".".join(pieces[start:stop])


def stretches(names: Sequence[str]) -> Iterator[str]:
    """Every folder in a path, from any of its names on."""
    for start in range(len(names)):
        for stop in range(start + 1, len(names) + 1):
            yield "/".join(names[start:stop])


def heads(line: str) -> Iterator[int]:
    """Where what a line says may begin: at once, or behind what tools put in front of it."""
    yield 0
    for prefix in PREFIXES:
        found = prefix.match(line)
        if found:
            yield found.end()


def stands_open(text: str, part: CallPart) -> bool:
    """Whether a line that may begin or end within a longer one stands in a text, its words whole."""
    at = text.find(part.text)
    while at >= 0:
        end = at + len(part.text)
        if _begins(text, at, part) and _ends(text, end, part):
            return True
        at = text.find(part.text, at + 1)
    return False


def _begins(text: str, at: int, part: CallPart) -> bool:
    if part.left:
        return at == 0 or not (_WORD.match(text[at]) and _WORD.match(text[at - 1]))
    start = text.rfind("\n", 0, at) + 1
    return at - start in heads(text[start : text.find("\n", at) % (len(text) + 1)])


def _ends(text: str, end: int, part: CallPart) -> bool:
    if part.right:
        return end == len(text) or not (_WORD.match(text[end]) and _WORD.match(text[end - 1]))
    return end == len(text) or text[end] == "\n"


def beside(text: str, name: str) -> set[str]:
    """The words beside a name, wherever it stands in a text; ALONE where there are none."""
    found: set[str] = set()
    whole = re.compile(rf"(?<!\w)(?<!\w-){re.escape(name)}(?!-?\w)")
    for line in text.split("\n") if name in text else ():
        for one in whole.finditer(line):
            found.update(_near(line, one.start(), one.end()) or (ALONE,))
    return found


def _near(line: str, start: int, end: int) -> list[str]:
    """The words that stand whole within BESIDE characters of a stretch of a line, and not in it."""
    first, last = max(0, start - BESIDE), min(len(line), end + BESIDE)
    around = (*_COMPANION.finditer(line, 0, start), *_COMPANION.finditer(line, end))
    return [one[0] for one in around if first <= one.start() and one.end() <= last]
