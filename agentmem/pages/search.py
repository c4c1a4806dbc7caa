"""Full-text search over the sections of all pages, by SQLite's FTS5 ranked by bm25.

Only `workspace` uses it. It is a module of its own because it holds the SQL of the index.
"""

import re
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from itertools import pairwise

from agentmem.checking import shown
from agentmem.errors import WorkspaceError
from agentmem.pages import address
from agentmem.pages.cache import TOKENIZER, Cache
from agentmem.pages.endings import NEWLINE
from agentmem.pages.markdown import SectionTree
from agentmem.pages.page import Page

OPEN, CLOSE = "\x01", "\x02"
"""Marks around each match."""
SHORT = 8_000
"""Characters. A longer text is not marked as a whole, but in pieces."""
_PIECE = 1_000
_MARKED = re.compile(f"{OPEN}([^{CLOSE}]*){CLOSE}")


def best_line(marked: str) -> tuple[int, str]:
    """The line with the most different matches, marked, and the number of lines before it."""
    lines = NEWLINE.split(marked)
    best = max(range(len(lines)), key=lambda index: matches(lines[index]))
    return (best, lines[best]) if matches(lines[best]) else (0, lines[0])


def best_line_of(text: str, words: Sequence[str]) -> tuple[int, str]:
    """`best_line` of a text that is not marked yet, in linear time."""
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
    """The text in pieces of whole lines, each with the number of its first line.

    Longer lines are cut, between words if possible.
    """
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
    """The number of different words marked in a line."""
    return len({word.casefold() for word in _MARKED.findall(line)}) if OPEN in line else 0


_WEIGHTS = "4.0, 6.0, 1.0"  # a word in the page's name, in a heading of the path, in the text
_TERM = re.compile(r'"([^"]+)"|([^\s"]+)')
_COMMON = re.compile(
    r"an?|about|and|any|are|as|at|be|but|by|can|could|did|do|does|for|from|had|has|have|how|i|if|in|into|is|its?|me|my"
    r"|of|or|our|should|so|than|that|the|their|them|then|there|these|they|this|to|was|we|were|what|when|where|which"
    r"|who|why|will|with|would|you|your",
    re.IGNORECASE,
)
"""Very common words. They are left out of a query that has others."""
_WIDEST = 240  # characters of a snippet
_BEFORE = 80  # at most so many of them before the first match
_WORDS = 64
"""The most different words of a query that are used, from its start: each costs one look at every match."""

_RANKED = f"""
SELECT name, section, line,
    CASE WHEN length(body) <= {SHORT} THEN highlight(sections, 2, '{OPEN}', '{CLOSE}') END, -rank, rowid
FROM sections WHERE sections MATCH ? AND rank MATCH 'bm25({_WEIGHTS})' ORDER BY rank LIMIT ?
"""
_LITERAL = """
SELECT name, section, line, substr(body, 1, at - 1) || ? || substr(body, at, ?) || ? || substr(body, at + ?), 1.0, 0
FROM (SELECT *, instr(lower(body), lower(?)) AS at FROM sections) WHERE at > 0 ORDER BY name, line LIMIT ?
"""

_KEPT = "SELECT path, body, section, line FROM sections WHERE rowid BETWEEN ? AND ? ORDER BY rowid"

_Row = tuple[str, str | None, int, str | None, float, int]
_Part = tuple[str, str, str | None, int]
"""A section as it is kept: the headings above it, its text, its path and its first line."""


@dataclass(frozen=True, slots=True)
class PageHit:
    """A section that was found. ``line`` and ``snippet`` are its best matching line, in the file's own words.

    ``section`` is its path in the page (None: the text before the first heading). Scores fall from hit to hit. They
    compare only within one search.
    """

    page: str
    section: str | None
    line: int
    snippet: str
    score: float

    @property
    def address(self) -> str:
        """The address to read the section by."""
        return address.join(self.page, self.section)


def update(
    cache: Cache,
    revisions: Mapping[str, str],
    read: Callable[[str], Page | None],
    tree: Callable[[Page], SectionTree] = lambda page: page.tree,
) -> None:
    """Bring the index to these revisions. ``read`` gives the pages that are new to it, ``tree`` a page's sections."""
    with cache.transaction() as connection:
        indexed = dict(connection.execute("SELECT name, revision FROM indexed"))
        for name in indexed.keys() - revisions.keys():
            _forget(connection, name)
        for name, revision in revisions.items():
            if indexed.get(name) != revision:
                page = read(name)
                if page is None:
                    _forget(connection, name)
                else:
                    _put(connection, page, list(_rows(page, tree(page))))


def search(cache: Cache, query: str, limit: int) -> tuple[PageHit, ...]:
    """The best hits: sections with all of the words, then with any word, else with the literal text.

    Raises WorkspaceError for an empty query, and for one that is no text.
    """
    if not isinstance(query, str):
        raise WorkspaceError(f"the query must be a text, and {shown(query)} is not")
    query = query.replace("\0", " ").encode("utf-8", "replace").decode().strip()
    terms = [phrase or word for phrase, word in _TERM.findall(query)]
    words = [term for term in terms if any(map(str.isalnum, term))]
    rare = [_quoted(term) for term in words if not _COMMON.fullmatch(term)] or list(map(_quoted, words))
    rare = list(dict.fromkeys(rare))[:_WORDS]
    if not query:
        raise WorkspaceError("The search is empty. Give one or more words to look for.")
    hits = dict[tuple[str, str | None], PageHit]()
    with cache.reading() as connection:
        for find in _TIERS:
            if len(hits) < limit and (find is not _literal or not hits):
                lowest = min((hit.score for hit in hits.values()), default=None)
                found = (_hit(connection, row, rare) for row in find(connection, query, rare, limit))
                for hit in _falling(found, lowest):
                    hits.setdefault((hit.page, hit.section), hit)
    return tuple(hits.values())[:limit]


def _all_words(connection: sqlite3.Connection, query: str, words: list[str], limit: int) -> list[_Row]:
    return connection.execute(_RANKED, (" ".join(words), limit)).fetchall() if words else []


def _any_word(connection: sqlite3.Connection, query: str, words: list[str], limit: int) -> list[_Row]:
    return connection.execute(_RANKED, (" OR ".join(words), limit)).fetchall() if len(words) > 1 else []


def _literal(connection: sqlite3.Connection, query: str, words: list[str], limit: int) -> list[_Row]:
    size = len(query)
    return connection.execute(_LITERAL, (OPEN, size, CLOSE, size, query, limit)).fetchall()


_TIERS = (_all_words, _any_word, _literal)


def _quoted(term: str) -> str:
    """A term as an FTS5 string, so that nothing in it is an operator."""
    return '"' + term.replace('"', '""') + '"'


def _falling(hits: Iterable[PageHit], lowest: float | None) -> list[PageHit]:
    """Hits of a later tier, with scores scaled below those of the tier before."""
    found = list(hits)
    if lowest is None or not found or found[0].score < lowest:
        return found
    scale = lowest / found[0].score
    return [replace(hit, score=hit.score * scale) for hit in found]


def _hit(connection: sqlite3.Connection, row: _Row, words: Sequence[str]) -> PageHit:
    name, section, first, marked, score, number = row
    if marked is None:
        (body,) = connection.execute("SELECT body FROM sections WHERE rowid = ?", (number,)).fetchone()
        before, line = best_line_of(body, words)
    else:
        before, line = best_line(marked)
    return PageHit(name, section, first + before, _snippet(line), score)


def _snippet(marked: str) -> str:
    start = max(0, marked.find(OPEN) - _BEFORE)
    plain = marked.replace(OPEN, "").replace(CLOSE, "")
    return plain[start : start + _WIDEST].strip()


def _forget(connection: sqlite3.Connection, name: str) -> None:
    row = connection.execute("SELECT first, last FROM indexed WHERE name = ?", (name,)).fetchone()
    if row:
        connection.execute("DELETE FROM sections WHERE rowid BETWEEN ? AND ?", row)
        connection.execute("DELETE FROM indexed WHERE name = ?", (name,))


def _put(connection: sqlite3.Connection, page: Page, rows: Sequence[_Part]) -> None:
    """Index a page. Of one that has as many sections as before, those that are as they were stay."""
    found = connection.execute("SELECT first, last FROM indexed WHERE name = ?", (page.name,)).fetchone()
    kept = list[_Part]()
    if found and found[1] - found[0] + 1 == len(rows):
        kept = connection.execute(_KEPT, found).fetchall()
    if len(kept) != len(rows):
        _forget(connection, page.name)
        first = connection.execute("SELECT coalesce(max(last), 0) + 1 FROM indexed").fetchone()[0]
        new = list(enumerate(rows, first))
    else:
        first = found[0]
        new = [(first + at, row) for at, (row, was) in enumerate(zip(rows, kept, strict=True)) if row != was]
        connection.executemany("DELETE FROM sections WHERE rowid = ?", [(number,) for number, _ in new])
    every = [(number, page.name, *row) for number, row in new]
    connection.executemany("INSERT INTO sections (rowid, name, path, body, section, line) VALUES (?,?,?,?,?,?)", every)
    last = first + len(rows) - 1
    connection.execute("INSERT OR REPLACE INTO indexed VALUES (?,?,?,?)", (page.name, page.revision, first, last))


def _rows(page: Page, tree: SectionTree) -> Iterator[_Part]:
    """One row for each part of a page: the headings above it, its text, its path and its first line."""
    yield "", page.data[: tree.stop].decode(), None, 1
    for section, (start, stop) in zip(tree.sections, pairwise(tree.cuts()[2:]), strict=True):
        titles = " / ".join(title for title, _ in section.path)
        yield titles, page.data[start:stop].decode(), address.of(section), section.line
