"""The line of a long text that fits some words best. FTS5 copies a text for each match it marks: so it gets pieces."""

import re
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing

from agentmem.pages.cache import TOKENIZER
from agentmem.pages.endings import NEWLINE

OPEN, CLOSE = "\x01", "\x02"
"""Around each match."""
SHORT = 8_000
"""Characters of a text that is marked whole."""
_PIECE = 1_000
_MARKED = re.compile(f"{OPEN}([^{CLOSE}]*){CLOSE}")


def best_line(marked: str) -> tuple[int, str]:
    """The line with the most different matches, marked: how many lines are before it, and the line."""
    lines = NEWLINE.split(marked)
    best = max(range(len(lines)), key=lambda index: matches(lines[index]))
    return (best, lines[best]) if matches(lines[best]) else (0, lines[0])


def best_line_of(text: str, words: Sequence[str]) -> tuple[int, str]:
    """The same of a text that is not marked yet, in time in proportion to it."""
    found = (0, text[:_PIECE].partition("\n")[0])
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute(f"CREATE VIRTUAL TABLE pieces USING fts5(body, line UNINDEXED, tokenize = '{TOKENIZER}')")
        connection.executemany("INSERT INTO pieces (line, body) VALUES (?, ?)", pieces(text))
        marked = (
            f"SELECT line, highlight(pieces, 0, '{OPEN}', '{CLOSE}') FROM pieces WHERE pieces MATCH ? ORDER BY rowid"
        )
        most = 0
        for line, piece in connection.execute(marked, (" OR ".join(words),)):
            before, best = best_line(piece)
            if matches(best) > most:
                most, found = matches(best), (line + before, best)
    return found


def pieces(text: str) -> Iterator[tuple[int, str]]:
    """Lines together up to a bound, longer lines cut, between words where it can be; with each its line's number."""
    held, first = "", 0
    for line, one in enumerate(_lines(text)):
        for part in _cut(one):
            if held and len(held) + len(part) > _PIECE:
                yield first, held
                held = ""
            first = first if held else line
            held += part
    if held:
        yield first, held


def _cut(line: str) -> list[str]:
    parts, at = list[str](), 0
    while len(line) - at > _PIECE:
        end = line.rfind(" ", at + 1, at + _PIECE) + 1 or at + _PIECE
        parts.append(line[at:end])
        at = end
    return [*parts, line[at:]]


def _lines(text: str) -> Iterator[str]:
    at = 0
    for match in NEWLINE.finditer(text):
        yield text[at : match.end()]
        at = match.end()
    yield text[at:]


def matches(line: str) -> int:
    """How many different words are marked in a line."""
    return len({word.casefold() for word in _MARKED.findall(line)}) if OPEN in line else 0
