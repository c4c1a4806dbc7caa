"""Stores kept answers in their database: put, found by key or number, and evicted by their sources."""

import hashlib
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agentmem.answers.database import Database
from agentmem.answers.home import AnswersFolder, AnswersHome
from agentmem.answers.questions import normalised
from agentmem.answers.values import Candidate, Labelled, Source
from agentmem.transcript.storage import in_parts
from agentmem.types import Clock, Vectors

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


COLUMNS = (
    "n",
    "scope",
    "tenant",
    "key",
    "kind",
    "content",
    "question",
    "answer",
    "created",
    "expires",
    "checked",
    "seconds",
    "usd",
    "digest",
)
_SUMMED = ("scope", "tenant", "key", "kind", "content", "question", "answer", "created", "expires")
"""The columns of the digest: all that decides whether, to whom and for how long an answer is served."""


@dataclass(frozen=True, slots=True)
class KeptEntry:
    """One kept answer.

    ``n`` numbers the entries in their order (0: not stored yet), and is never reused. ``checked`` is the last time, in
    seconds since the epoch, at which the answer was found to be right. ``seconds``, ``usd`` and ``tokens`` are its
    cost; ``tokens`` is only written: hits show it.
    """

    scope: str
    tenant: str
    key: str
    kind: str
    content: str
    question: str
    answer: str
    created: float
    expires: float
    checked: float
    seconds: float | None = None
    usd: float | None = None
    n: int = 0
    sources: tuple[Source, ...] = field(default=(), compare=False)
    tokens: int | None = field(default=None, compare=False)

    @property
    def id(self) -> str:
        """The entry's name for people."""
        return str(self.n)

    @property
    def digest(self) -> str:
        """The checksum of the entry."""
        summed = hashlib.sha256()
        for name in _SUMMED:
            data = str(getattr(self, name)).encode("utf-8", "surrogatepass")
            summed.update(len(data).to_bytes(8, "big") + data)
        for one in sorted(self.sources, key=lambda one: one.name):
            summed.update(f"\0{one.name}\0{one.revision}\0{one.page}".encode("utf-8", "surrogatepass"))
        return summed.hexdigest()[:32]

    def candidate(self, similarity: float) -> Candidate:
        """The entry as a candidate for a decision."""
        return Candidate(self.id, self.question, self.answer, similarity, self.kind)

    def row(self) -> tuple[Any, ...]:
        """The values of its columns, without the number."""
        return tuple(getattr(self, name) for name in COLUMNS[1:])


def entry_of(row: Mapping[str, Any], sources: tuple[Source, ...]) -> KeptEntry | None:
    """The entry in a row; None if it does not match its checksum."""
    values = {name: row[name] for name in COLUMNS if name != "digest"}
    try:
        entry = KeptEntry(**values, sources=sources)
        return entry if entry.digest == row["digest"] else None
    except (TypeError, ValueError, UnicodeError):
        return None


_NAMES = ", ".join(COLUMNS)
_OWN = ", ".join(COLUMNS[1:])
_MARKS = ", ".join("?" * len(COLUMNS[1:]))
_MOST = 500
"""The most values in one statement."""
_ALL = 2**62


@dataclass(frozen=True, slots=True)
class Numbered:
    """Vectors of a scope in their order: their places ``v``, and their entries' numbers ``n``."""

    v: "NDArray[np.int64]"
    n: "NDArray[np.int64]"
    vectors: "NDArray[np.float16]"


class AnswerStore:
    """The kept answers. Safe for several threads and processes. Raises AnswersError."""

    def __init__(self, where: Path | AnswersHome, clock: Clock = time.time) -> None:
        self.home: AnswersHome = AnswersFolder(where) if isinstance(where, Path) else where
        self.clock = clock
        try:
            self.database = Database(self.home)
        except BaseException:
            self.home.close()
            raise

    def close(self) -> None:
        """Close the database. May be called twice."""
        self.database.close()
        self.home.close()

    # Keeping

    def put(
        self, entry: KeptEntry, embedder: str = "", vector: "Vectors | None" = None, since: int | None = None
    ) -> int:
        """Store an entry in place of one with the same key. Returns its number.

        With ``since``, an epoch, it is not stored (0) if one of its sources was invalidated after that.
        """
        with self.database.transaction():
            if since is not None and self._invalidated(entry.sources, since):
                return 0
            return self._insert(entry, embedder, vector)

    def put_many(self, entries: Sequence[KeptEntry], embedder: str, vectors: Vectors) -> None:
        """Store many entries in one transaction."""
        with self.database.transaction():
            for entry, vector in zip(entries, vectors, strict=True):
                self._insert(entry, embedder, vector)

    def embed(self, n: int, scope: str, embedder: str, vector: Vectors) -> None:
        """Store an embedder's vector for an entry, if the entry still exists."""
        with self.database.transaction():
            self._embed(n, scope, embedder, vector)

    def check(self, n: int) -> None:
        """Record that an answer was found to be right now."""
        self.database.run("UPDATE entries SET checked = ? WHERE n = ?", self.clock(), n)

    # Finding

    def by_key(self, key: str) -> KeptEntry | None:
        """The live entry of an exact key. A damaged one is removed, and not returned."""
        return next(iter(self._live(f"SELECT {_NAMES} FROM entries WHERE key = ? AND expires > ?", key)), None)

    def by_numbers(self, scope: str, numbers: Sequence[int]) -> dict[int, KeptEntry]:
        """The live entries of a scope with these numbers, by number."""
        found: dict[int, KeptEntry] = {}
        for marks, some in in_parts(numbers, _MOST):
            # the plus stops the planner from using the index on scope, which it would read whole
            where = f"n IN ({marks}) AND {{unindexed}}scope = ? AND {{unindexed}}expires > ?"
            sql = f"SELECT {_NAMES} FROM entries WHERE {where}"
            found |= {entry.n: entry for entry in self._live(sql, *some, scope)}
        return found

    def longest_unchecked(self, scope: str, before: float, most: int) -> list[KeptEntry]:
        """The live entries of a scope that were checked or made longest ago, all before the time ``before``."""
        where = "scope = ? AND checked <= ? AND expires > ?"
        sql = f"SELECT {_NAMES} FROM entries WHERE {where} ORDER BY checked LIMIT {int(most)}"
        return self._live(sql, scope, before)

    def holds(self, scope: str) -> bool:
        """True if a scope has an entry."""
        return bool(self.database.run("SELECT 1 FROM entries WHERE scope = ? LIMIT 1", scope))

    def count(self) -> int:
        """The number of live entries."""
        return _whole(self.database.run("SELECT COUNT(*) FROM entries WHERE expires > ?", self.clock()))

    def scopes(self, tenant: str | None = None) -> list[str]:
        """The scopes with live entries, the fullest first; of all tenants, or of one."""
        sql = (
            "SELECT scope FROM entries WHERE expires > ? AND (CAST(? AS TEXT) IS NULL OR tenant = ?)"
            " GROUP BY scope ORDER BY COUNT(*) DESC, scope"
        )
        return [str(row[0]) for row in self.database.run(sql, self.clock(), tenant, tenant)]

    def questions(self, most: int) -> list[str]:
        """The newest questions."""
        rows = self.database.run("SELECT question FROM entries ORDER BY n DESC LIMIT ?", most)
        return [str(row[0]) for row in rows]

    def vectors(self, embedder: str, scope: str, after: int, most: int = _ALL) -> Numbered:
        """The vectors of a scope after place ``after``: the oldest ``most`` of them."""
        sql = "SELECT v, n, vector FROM vectors WHERE embedder = ? AND scope = ? AND v > ? ORDER BY v LIMIT ?"
        return _numbered(self.database.run(sql, embedder, scope, after, most))

    def vectors_of(self, embedder: str, numbers: Sequence[int]) -> dict[int, Vectors]:
        """The vectors of these entries, by number."""
        sql = "SELECT v, n, vector FROM vectors WHERE embedder = ? AND n IN ({})"
        parts = [_numbered(self.database.run(sql.format(m), embedder, *some)) for m, some in in_parts(numbers, _MOST)]
        return {int(n): row for part in parts for n, row in zip(part.n, part.vectors, strict=True)}

    def count_vectors(self, embedder: str, scope: str, most: int) -> int:
        """The number of vectors of a scope, counted up to ``most``."""
        sql = "SELECT COUNT(*) FROM (SELECT 1 FROM vectors WHERE embedder = ? AND scope = ? LIMIT ?) AS some"
        return _whole(self.database.run(sql, embedder, scope, most))

    def largest_scope(self, embedder: str) -> int:
        """The number of vectors of the fullest scope."""
        sql = "SELECT COUNT(*) FROM vectors WHERE embedder = ? GROUP BY scope ORDER BY 1 DESC LIMIT 1"
        rows = self.database.run(sql, embedder)
        return _whole(rows) if rows else 0

    def without_vector(self, embedder: str, most: int, after: int = 0) -> list[KeptEntry]:
        """The first live entries with a number above ``after`` that have no vector of this embedder."""
        sql = (
            f"SELECT {_NAMES} FROM entries e WHERE expires > ? AND n > ? AND NOT EXISTS"
            f" (SELECT 1 FROM vectors w WHERE w.n = e.n AND w.embedder = ?) ORDER BY n LIMIT {int(most)}"
        )
        return self._entries(self.database.run(sql, self.clock(), after, embedder))

    # Removing

    def evict(self, numbers: Iterable[int]) -> int:
        """Remove entries. Returns how many existed."""
        with self.database.transaction():
            return sum(self._removed("n = ?", n) for n in numbers)

    def invalidate(self, source: str, page: bool | None = None) -> int:
        """Remove every answer made from a source, and record the invalidation. Returns their number."""
        with self.database.transaction():
            self.database.run("INSERT INTO events (source, at) VALUES (?, ?)", source, self.clock())
            which = "" if page is None else f" AND page = {int(page)}"
            return self._removed(f"n IN (SELECT n FROM sources WHERE name = ?{which})", source)

    def drop(self, scope: str, kept: str, asked: str, embedder: str, vector: Vectors) -> None:
        """Record that the answer to ``kept`` is wrong for ``asked``, and so for what is like it."""
        sql = (
            "INSERT INTO dropped VALUES (?, ?, ?, ?, ?, ?)"
            " ON CONFLICT (scope, kept, asked, embedder) DO UPDATE SET vector = excluded.vector, at = excluded.at"
        )
        self.database.run(sql, scope, normalised(kept), asked, embedder, _halved(vector), self.clock())

    def dropped(self, scope: str, embedder: str) -> list[tuple[str, Vectors]]:
        """The kept questions whose answers were dropped, as exact keys see them, with the vectors of who asked."""
        import numpy as np

        sql = "SELECT kept, vector FROM dropped WHERE scope = ? AND embedder = ?"
        rows: list[Any] = self.database.run(sql, scope, embedder)
        return [(row[0], np.frombuffer(row[1], np.float16).astype(np.float32)) for row in rows]

    def remove_tenant(self, tenant: str) -> int:
        """Remove every answer of a tenant. Returns their number."""
        with self.database.transaction():
            return self._removed("tenant = ?", tenant)

    def own(self, scope: str, owner: str) -> None:
        """Record whose part of a scope this is: see `values.owner_of`."""
        self.database.run("INSERT INTO owned VALUES (?, ?) ON CONFLICT DO NOTHING", scope, owner)

    def remove_owner(self, owner: str) -> int:
        """Remove every answer that is one user's alone. Returns their number."""
        with self.database.transaction():
            gone = self._removed("scope IN (SELECT scope FROM owned WHERE owner = ?)", owner)
            self.database.run("DELETE FROM owned WHERE owner = ?", owner)
        return gone

    def clear(self) -> int:
        """Remove every answer. Returns their number."""
        with self.database.transaction():
            return self._removed("1 = 1")

    def sweep(self) -> int:
        """Remove expired entries. Returns their number."""
        with self.database.transaction():
            return self._removed("expires <= ?", self.clock())

    def pages(self) -> dict[str, set[str]]:
        """The pages that answers were made from, each with its revisions."""
        pages: dict[str, set[str]] = {}
        for name, revision in self.database.run("SELECT DISTINCT name, revision FROM sources WHERE page = 1"):
            pages.setdefault(str(name), set()).add(str(revision))
        return pages

    @property
    def epoch(self) -> int:
        """A number that grows with every invalidation."""
        return _whole(self.database.run("SELECT COALESCE(MAX(epoch), 0) FROM events"))

    # Counting

    def count_up(self, counts: Mapping[tuple[str, str], float]) -> None:
        """Add to the counters, in one commit."""
        if not counts:
            return
        sql = (
            "INSERT INTO counts VALUES (?, ?, ?)"
            " ON CONFLICT (name, kind) DO UPDATE SET value = counts.value + excluded.value"
        )
        with self.database.transaction():
            for (name, kind), value in counts.items():
                self.database.run(sql, name, kind, value)

    def counts(self) -> dict[tuple[str, str], float]:
        """The counters, by name and query type."""
        return {(str(row[0]), str(row[1])): _real(row[2]) for row in self.database.run("SELECT * FROM counts")}

    def serve(self, hits: Sequence[tuple[int, str, str, float | None, float]], most: int) -> None:
        """Store hits: the entry's number, what was asked, how it was found, the cosine, the time. ``most`` stay."""
        sql = "INSERT INTO served (n, asked, how, similarity, at) SELECT n, ?, ?, ?, ? FROM entries WHERE n = ?"
        with self.database.transaction():
            for n, *rest in hits:
                self.database.run(sql, *rest, n)
            self.database.run("DELETE FROM served WHERE s <= (SELECT MAX(s) FROM served) - ?", most)

    def served(self, most: int) -> list[Any]:
        """The latest hits: when, tenant, asked, kept question, how, cosine, age, tokens, dollars, seconds."""
        sql = (
            "SELECT h.at, e.tenant, h.asked, e.question, h.how, h.similarity, h.at - e.created, t.tokens, e.usd,"
            " e.seconds FROM served h JOIN entries e ON e.n = h.n LEFT JOIN spent t ON t.n = h.n"
            " ORDER BY h.s DESC LIMIT ?"
        )
        return self.database.run(sql, most)

    def label(self, pair: Labelled) -> None:
        """Store the result of an audit, for the calibration."""
        given = (
            pair.left,
            pair.right,
            int(pair.same),
            pair.kind,
            pair.similarity,
            pair.served,
            pair.fresh,
            self.clock(),
        )
        self.database.run("INSERT INTO labels VALUES (?, ?, ?, ?, ?, ?, ?, ?)", *given)

    def labels(self) -> list[Labelled]:
        """The results of audits."""
        rows: list[Any] = self.database.run("SELECT asked, kept, same, kind, similarity, served, fresh FROM labels")
        return [Labelled(one[0], one[1], bool(one[2]), one[3], one[4], one[5], one[6], "audit") for one in rows]

    def mark(self, name: str) -> float:
        """A stored number; 0 if there is none."""
        rows = self.database.run("SELECT value FROM marks WHERE name = ?", name)
        return _real(rows[0][0]) if rows else 0.0

    def set_mark(self, name: str, value: float) -> None:
        """Store a number."""
        sql = "INSERT INTO marks VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value"
        self.database.run(sql, name, value)

    def claim(self, name: str, every: float) -> bool:
        """True if the last claim is at least ``every`` seconds ago. If several processes claim, one succeeds."""
        now = self.clock()
        sql = (
            "INSERT INTO marks VALUES (?, ?)"
            " ON CONFLICT (name) DO UPDATE SET value = excluded.value WHERE marks.value <= ? RETURNING 1"
        )
        return bool(self.database.run(sql, name, now, now - every))

    # Within a transaction

    def _insert(self, entry: KeptEntry, embedder: str, vector: "Vectors | None") -> int:
        self._removed("key = ?", entry.key)
        n = _whole(self.database.run(f"INSERT INTO entries ({_OWN}) VALUES ({_MARKS}) RETURNING n", *entry.row()))
        for one in entry.sources:
            self.database.run("INSERT INTO sources VALUES (?, ?, ?, ?)", n, one.name, one.revision, int(one.page))
        if vector is not None:
            self._embed(n, entry.scope, embedder, vector)
        if entry.tokens is not None:
            self.database.run("INSERT INTO spent VALUES (?, ?)", n, entry.tokens)
        return n

    def _embed(self, n: int, scope: str, embedder: str, vector: Vectors) -> None:
        self.database.run(
            "INSERT INTO vectors (n, embedder, scope, vector) SELECT n, ?, ?, ? FROM entries WHERE n = ?"
            " ON CONFLICT DO NOTHING",
            *(embedder, scope, _halved(vector), n),
        )

    def _removed(self, where: str, *values: object) -> int:
        return len(self.database.run(f"DELETE FROM entries WHERE {where} RETURNING n", *values))

    def _invalidated(self, sources: Sequence[Source], since: int) -> bool:
        sql = "SELECT 1 FROM events WHERE epoch > ? AND source = ?"
        return any(self.database.run(sql, since, one.name) for one in sources)

    def _live(self, sql: str, *values: object) -> list[KeptEntry]:
        return self._entries(self.database.run(sql, *values, self.clock()))

    def _entries(self, rows: Sequence[Sequence[Any]]) -> list[KeptEntry]:
        sources = self._sources([row[0] for row in rows])
        found = [entry_of(dict(zip(COLUMNS, row, strict=True)), sources.get(row[0], ())) for row in rows]
        if damaged := [row[0] for row, entry in zip(rows, found, strict=True) if entry is None]:
            self.evict(damaged)
            self.count_up({("damaged", ""): float(len(damaged))})
        return [entry for entry in found if entry is not None]

    def _sources(self, numbers: Sequence[int]) -> dict[int, tuple[Source, ...]]:
        """The sources of entries, by number."""
        found: dict[int, tuple[Source, ...]] = {}
        marks = ", ".join("?" * len(numbers))
        sql = f"SELECT n, name, revision, page FROM sources WHERE n IN ({marks}) ORDER BY n, name"
        rows: list[Any] = self.database.run(sql, *numbers) if numbers else []
        for n, name, revision, page in rows:
            found[n] = (*found.get(n, ()), Source(name, revision, bool(page)))
        return found


def _numbered(rows: Sequence[Sequence[Any]]) -> Numbered:
    import numpy as np

    vectors = np.frombuffer(b"".join(row[2] for row in rows), np.float16)
    wide = len(rows[0][2]) // 2 if rows else 0
    numbers = [np.fromiter((row[at] for row in rows), np.int64, len(rows)) for at in (0, 1)]
    return Numbered(numbers[0], numbers[1], vectors.reshape(len(rows), wide))


def _halved(vector: Vectors) -> bytes:
    import numpy as np

    return vector.astype(np.float16).tobytes()


def _whole(rows: Sequence[Sequence[object]]) -> int:
    return int(_real(rows[0][0]))


def _real(value: object) -> float:
    return float(value) if isinstance(value, int | float) else 0.0
