"""The archive's tables: the pieces with their words, and for each embedder their vectors.

    pieces(key, thread, seq, place, day, speaker, part, sha256, kind, lead, words)
    vectors-EMBEDDER(key, thread, seq, place, day, speaker, kind, vector, sentences)

``sentences`` are the vectors of a piece's parts, its sentences and stretches, a byte for each dimension. ``place``
counts the pieces along a transcript, so that neighbours are one apart; ``words`` is what is searched: the first
``lead`` characters of it say what the piece is about, the rest is its exact text. A thread's pieces are written and
embedded in order, so what is still to be done is what comes after the last.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from agentmem.errors import ArchiveError
from agentmem.recall.pieces import Piece, speaker
from agentmem.recall.places import TablesPlace
from agentmem.recall.sentences import embedded, nearest, unpacked
from agentmem.recall.tables import IndexPlan, Table, Tables, either, key_field, quoted
from agentmem.types import Embedder, Vectors

if TYPE_CHECKING:
    import pyarrow as pa

BATCH = 2000
"""Pieces in one commit."""
EMBEDDED = 256
"""Pieces that are embedded for one commit."""
SLICE = 32
"""Pieces between two looks at whether to stop: about a second's work."""
_PIECES = "pieces"
_FORMAT = "sentences and stretches"
"""What the tables of vectors hold beside the vector: other ones are left by an older agentmem, and are made anew."""
HIT = ("place", "day", "speaker", "kind")
PIECE = ("thread", "seq", "part", "sha256", "kind", "day", "lead", "words")


@dataclass(frozen=True, slots=True)
class ShelfSpan:
    """The part of a transcript that stands in one thread: its entries up to ``last``."""

    thread: str
    last: int

    @property
    def where(self) -> str:
        return f"thread = {quoted(self.thread)} AND seq <= {self.last}"


@dataclass(frozen=True, slots=True)
class End:
    """The last entry that has pieces: its thread, number and hash, the day then, and the place of its first piece."""

    thread: str
    seq: int
    sha256: str
    day: str
    place: int


class ShelfHit(NamedTuple):
    """A place that a search gave, with its score, and what ranking needs of it."""

    place: int
    day: str
    speaker: str
    kind: str
    score: float


class Shelf:
    """What is archived of all threads. Every writer may add the same pieces again; they are there once."""

    def __init__(self, where: Path | TablesPlace, embedder: Embedder | None) -> None:
        self.embedder = embedder
        self.tables = Tables(where)

    @property
    def pieces(self) -> Table:
        return self.tables.table(_PIECES, PIECES)

    @property
    def vectors(self) -> Table:
        """The vectors of this embedder: another one has a table of its own. Only where there is an embedder."""
        return self.tables.table(self._name, self._plan)

    def end(self, spans: Sequence[ShelfSpan]) -> End | None:
        """Where the pieces of a transcript end; None when it has none."""
        found = self.rows(self.pieces, inside(spans), ("seq", "place"))
        if not found.num_rows:
            return None
        seq, place = found["seq"].to_pylist(), found["place"].to_pylist()
        last = max(seq)
        first = min(at for at, one in zip(place, seq, strict=True) if one == last)
        row = self.rows(self.pieces, f"({inside(spans)}) AND place = {first}", ("thread", "sha256", "day")).to_pylist()[
            0
        ]
        return End(row["thread"], last, row["sha256"], row["day"], first)

    def count(self) -> int:
        """How many pieces there are."""
        return self.tables.retried(lambda: int(self.pieces.count_rows()))

    def add(self, pieces: Iterator[Piece], place: int) -> int:
        """Write pieces, which follow each other from ``place`` on, in batches; gives the place after the last."""
        while batch := list(islice(pieces, BATCH)):
            self.tables.add(self.pieces, [_row(piece, at) for at, piece in enumerate(batch, place)])
            place += len(batch)
        return place

    def forget(self, thread: str) -> None:
        """Delete a thread's pieces, and its vectors of every embedder. Their bytes leave with the old versions."""
        if not self.tables.exists():
            return
        for name in self.tables.names():
            plan = PIECES if name == _PIECES else self._plan
            self.tables.delete(self.tables.table(name, plan), f"thread = {quoted(thread)}")
            self.tables.maintain(name, plan, kept=timedelta(0))

    def clear(self) -> None:
        """Delete everything, also what cannot be read."""
        try:
            for name in self.tables.names():
                self.tables.delete(self.tables.table(name, PIECES if name == _PIECES else self._plan), "true")
        except ArchiveError:
            self.tables.remove()

    # Vectors.

    def embed_some(self, stop: Callable[[], bool] = lambda: False) -> bool:
        """Embed the next pieces of some thread, in one commit. False when all pieces have their vectors.

        When it is told to ``stop``, what is embedded by then is kept.
        """
        if self.embedder is None:
            return False
        known, found = self.tables.retried(lambda: (_counts(self.vectors), _counts(self.pieces)))
        thread = next((thread for thread, count in found.items() if known.get(thread, 0) < count), None)
        if thread is None:
            return False
        mine = f"thread = {quoted(thread)}"
        done = max(self.rows(self.vectors, mine, ("place",))["place"].to_pylist(), default=-1)
        places = self.rows(self.pieces, f"{mine} AND place > {done}", ("place",))["place"].to_pylist()
        if not places:  # a writer was killed and its thread written again: what is there does not fit
            self.tables.delete(self.vectors, mine)
            return True
        last = sorted(places)[:EMBEDDED][-1]
        rows = self.rows(self.pieces, f"{mine} AND place >= {done} AND place <= {last}", (*PIECE, "place", "speaker"))
        self._embed(sorted(rows.to_pylist(), key=lambda row: int(row["place"])), done, stop)
        return True

    def embedded(self, spans: Sequence[ShelfSpan]) -> bool:
        """True when every piece of the spans has its vector."""
        if self.embedder is None:
            return False
        where = inside(spans)
        return self.tables.retried(lambda: bool(self.vectors.count_rows(where) == self.pieces.count_rows(where)))

    # Searching.

    def speakers(self, spans: Sequence[ShelfSpan]) -> list[str]:
        """Who speaks in the spans, where texts say so."""
        found = self.rows(self.pieces, f"({inside(spans)}) AND speaker != ''", ("speaker",))
        return sorted(set(found["speaker"].to_pylist()))

    def by_words(self, words: str, spans: Sequence[ShelfSpan], most: int) -> list[ShelfHit]:
        """The pieces that share words with the question, by BM25."""

        def ask() -> "pa.Table":
            query = self.pieces.search(words, query_type="fts", fts_columns="words")
            query = query.where(inside(spans), prefilter=True).select([*HIT, "_score"])
            return query.limit(most).to_arrow()

        return _hits(self.tables.retried(ask), "_score")

    def by_meaning(self, vector: Vectors, spans: Sequence[ShelfSpan], most: int) -> list[ShelfHit]:
        """The pieces whose vectors are nearest, scored by their own cosine or that of their nearest sentence."""

        def ask() -> "pa.Table":
            query = self.vectors.search(vector, vector_column_name="vector").distance_type("dot")
            query = query.where(inside(spans), prefilter=True).select([*HIT, "sentences", "_distance"])
            return query.limit(most).to_arrow()

        found = self.tables.retried(ask)
        near = nearest(*unpacked(found["sentences"].to_pylist(), len(vector)), vector)
        hits = [
            hit._replace(score=max(1 - hit.score, float(best)))
            for hit, best in zip(_hits(found, "_distance"), near, strict=True)
        ]
        return sorted(hits, key=lambda hit: -hit.score)

    def by_text(self, text: str, spans: Sequence[ShelfSpan], most: int) -> list[ShelfHit]:
        """The pieces that have the text, letter for letter."""
        where = f"({inside(spans)}) AND contains(substr(words, lead + 1), {quoted(text)})"
        return _hits(self.rows(self.pieces, where, HIT, most))

    def at(self, places: Sequence[int], spans: Sequence[ShelfSpan]) -> dict[int, Piece]:
        """The pieces at these places, those that there are."""
        if not places:
            return {}
        where = f"({inside(spans)}) AND place IN ({', '.join(map(str, places))})"
        found = self.rows(self.pieces, where, (*PIECE, "place")).to_pylist()
        return {row["place"]: piece_of(row) for row in found}

    # Maintenance.

    def maintain(self) -> None:
        """Join fragments, update indices, drop old versions and the vectors of other embedders. For the one owner."""
        self.tables.maintain(_PIECES, PIECES)
        if self.embedder is not None:
            self.tables.maintain(self._name, self._plan)
            for name in self.tables.names():
                if name not in (_PIECES, self._name):
                    self.tables.drop(name)

    def _embed(self, rows: Sequence[Mapping[str, Any]], done: int, stop: Callable[[], bool]) -> None:
        """Embed the rows after place ``done``; the one before is there for its text."""
        import numpy as np
        import pyarrow as pa

        assert self.embedder is not None
        pieces = [piece_of(row) for row in rows]
        before = [None, *pieces[:-1]]
        new = [at for at, row in enumerate(rows) if row["place"] > done]
        made, sentence = list[Vectors](), list[bytes]()
        while len(made) * SLICE < len(new) and not (made and stop()):
            some = new[len(made) * SLICE :][:SLICE]
            whole, parts = embedded(self.embedder, [(pieces[at], before[at]) for at in some])
            made.append(whole)
            sentence.extend(parts)
        new = new[: len(made) * SLICE]
        flat = pa.array(np.ascontiguousarray(np.concatenate(made), np.float32).reshape(-1))
        table = pa.table(
            {name: [rows[at][name] for at in new] for name in ("thread", "seq", *HIT)}
            | {"key": [pieces[at].key for at in new], "sentences": sentence}
            | {"vector": pa.FixedSizeListArray.from_arrays(flat, self.embedder.dimensions)}
        )
        self.tables.add(self.vectors, table.select(self.vectors.schema.names).cast(self.vectors.schema))

    def rows(self, table: Table, where: str, columns: Sequence[str], most: int | None = None) -> "pa.Table":
        """These columns of the rows that fit, in no order."""
        return self.tables.retried(lambda: table.search().where(where).select(list(columns)).limit(most).to_arrow())

    @property
    def _name(self) -> str:
        name = self.embedder.name if self.embedder else ""
        return f"vectors-{hashlib.sha256(f'{name}/{_FORMAT}'.encode()).hexdigest()[:12]}"

    @property
    def _plan(self) -> IndexPlan:
        return IndexPlan(self._vectors_schema, names=("thread",), vector="vector")

    def _vectors_schema(self) -> "pa.Schema":
        import pyarrow as pa

        dimensions = self.embedder.dimensions if self.embedder else 0
        own = [pa.field("vector", pa.list_(pa.float32(), dimensions)), pa.field("sentences", pa.binary())]
        return pa.schema([key_field("key"), *_common(), *own])


def piece_of(row: Mapping[str, Any]) -> Piece:
    """The piece in a row."""
    lead, words = row["lead"], row["words"]
    about = words[:lead].removeprefix(f"{row['day']}\n").removesuffix("\n")
    own = {name: row[name] for name in ("thread", "seq", "part", "sha256", "kind", "day")}
    return Piece(**own, about=about, text=words[lead:])


def _row(piece: Piece, place: int) -> dict[str, Any]:
    own = {name: getattr(piece, name) for name in ("key", "thread", "seq", "part", "sha256", "kind", "day")}
    who = speaker(piece.text) if piece.kind in ("user", "assistant") else ""
    return {**own, "place": place, "speaker": who, "lead": len(piece.lead), "words": piece.lead + piece.text}


def _hits(found: "pa.Table", score: str = "") -> list[ShelfHit]:
    columns = [found[name].to_pylist() for name in HIT]
    scores = found[score].to_pylist() if score else [0.0] * found.num_rows
    return list(map(ShelfHit, *columns, scores))


def inside(spans: Sequence[ShelfSpan]) -> str:
    """SQL for the rows of the spans."""
    return either([span.where for span in spans])


def _counts(table: Table) -> dict[str, int]:
    """How many rows each thread has."""
    found = table.search().select(["thread"]).limit(None).to_arrow()
    counted = found["thread"].value_counts().to_pylist()
    return {one["values"]: one["counts"] for one in counted}


def _common() -> "list[pa.Field]":
    import pyarrow as pa

    numbers = [pa.field(name, pa.int64()) for name in ("seq", "place")]
    texts = [pa.field(name, pa.string()) for name in ("day", "speaker", "kind")]
    return [pa.field("thread", pa.string()), *numbers, *texts]


def _pieces_schema() -> "pa.Schema":
    import pyarrow as pa

    texts = [pa.field(name, pa.string()) for name in ("sha256", "words")]
    return pa.schema([key_field("key"), *_common(), pa.field("part", pa.int64()), pa.field("lead", pa.int64()), *texts])


PIECES = IndexPlan(_pieces_schema, words="words", names=("thread",))
