"""Long-term memory across threads: a LangGraph BaseStore on LanceDB.

    items(key, namespace, name, value, words, created, updated, expires, ttl)
    vectors-EMBEDDER(key, item, namespace, vector)

Searches rank by words (BM25) and, with an embedder, by meaning. Both are scaled to 1 and averaged. Reads in a batch see
the state before its writes, as in LangGraph's own stores.
"""

import asyncio
import hashlib
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import islice
from pathlib import Path

from langgraph.store.base import (
    BaseStore,
    GetOp,
    IndexConfig,
    Item,
    ListNamespacesOp,
    Op,
    PutOp,
    Result,
    SearchItem,
    SearchOp,
    TTLConfig,
    ensure_embeddings,
    validate_op_namespace,
)

from agentmem.memory.records import (
    ITEMS,
    Record,
    age,
    fits,
    item_of,
    key_of,
    matches,
    namespace_where,
    record_of,
    scored,
    texts_of,
    vector_schema,
)
from agentmem.recall import ranking
from agentmem.recall.tables import IndexPlan, Table, Tables, quoted
from agentmem.types import Clock, Embedder

MOST = 1000
"""The most items from each of the two searches."""
FEWEST = 64
"""Items that are read at once, at least."""
SWEEP = 10.0
"""Minutes between two removals of expired items, unless the TTL settings say otherwise."""
COMMITS = 50
"""Writes between two runs of maintenance."""

Key = tuple[tuple[str, ...], str]


class LanceStore(BaseStore):
    """A LangGraph BaseStore in a folder. Several threads and processes may use it at once.

    Args:
        folder: the folder of the tables. It is made if missing.
        embedder: adds search by meaning.
        index: LangGraph's index settings: the fields to search. An ``embed`` there replaces the embedder.
        ttl: LangGraph's settings of time to live, in minutes.

    Raises:
        ArchiveError: the folder cannot be used.

    Example:
        >>> store = LanceStore(Path(".agentmem/memory"))
        >>> store.put(("users", "anna"), "tea", {"text": "Anna drinks Earl Grey."})
        >>> store.search(("users",), query="earl grey")
    """

    supports_ttl = True

    def __init__(
        self,
        folder: Path,
        *,
        embedder: Embedder | None = None,
        index: IndexConfig | None = None,
        ttl: TTLConfig | None = None,
        clock: Clock = time.time,
    ) -> None:
        self.tables = Tables(folder)
        self.ttl_config = ttl
        self._clock = clock
        self._fields = list((index or {}).get("fields") or ["$"])
        embed = (index or {}).get("embed") or (embedder and (lambda texts: embedder.embed(list(texts)).tolist()))
        self._embeddings = ensure_embeddings(embed) if embed else None
        self._dimensions = index["dims"] if index else embedder.dimensions if embedder else 0
        self._space = _space(embedder, index)
        self._writing = threading.Lock()
        self._swept, self._commits = clock(), 0

    def batch(self, ops: Iterable[Op]) -> list[Result]:
        """Run operations. Returns their results in the same order."""
        asked = _checked(ops)
        if self._embeddings is None:
            return self._carried_out(asked, {}, {})
        documents, queries = self._to_embed(asked)
        vectors = self._embeddings.embed_documents(documents) if documents else []
        sought = {query: self._embeddings.embed_query(query) for query in queries}
        return self._carried_out(asked, dict(zip(documents, vectors, strict=True)), sought)

    async def abatch(self, ops: Iterable[Op]) -> list[Result]:
        """`batch`, without blocking the event loop."""
        asked = _checked(ops)
        if self._embeddings is None:
            return await asyncio.to_thread(self._carried_out, asked, {}, {})
        documents, queries = self._to_embed(asked)
        vectors = await self._embeddings.aembed_documents(documents) if documents else []
        sought = {query: await self._embeddings.aembed_query(query) for query in queries}
        return await asyncio.to_thread(self._carried_out, asked, dict(zip(documents, vectors, strict=True)), sought)

    def sweep_ttl(self) -> int:
        """Delete expired items. Returns their number."""
        gone = self._rows(f"expires <= {self._clock()}", live=False)
        self._delete([row["key"] for row in gone])
        self._swept = self._clock()
        return len(gone)

    # Operations.

    def _carried_out(
        self, ops: Sequence[Op], documents: Mapping[str, Sequence[float]], queries: Mapping[str, Sequence[float]]
    ) -> list[Result]:
        results: list[Result] = []
        puts: dict[Key, PutOp] = {}
        for op in ops:
            match op:
                case GetOp():
                    results.append(self._get(op))
                case SearchOp():
                    results.append(self._search(op, queries.get(op.query or "")))
                case ListNamespacesOp():
                    results.append(self._namespaces(op))
                case PutOp():
                    puts[op.namespace, op.key] = op
                    results.append(None)
        if puts:
            self._put(list(puts.values()), documents)
        return results

    def _get(self, op: GetOp) -> Item | None:
        found = self._rows(f"key = {quoted(key_of(op.namespace, op.key))}")
        self._refresh(found, op.refresh_ttl)
        return item_of(found[0]) if found else None

    def _search(self, op: SearchOp, vector: Sequence[float] | None) -> list[SearchItem]:
        fitting = ((row, score) for row, score in self._candidates(op, vector) if fits(row, op.filter))
        chosen = list(islice(fitting, op.offset, op.offset + op.limit))
        self._refresh([row for row, _ in chosen], op.refresh_ttl)
        return [scored(row, score) for row, score in chosen]

    def _candidates(self, op: SearchOp, vector: Sequence[float] | None) -> Iterator[tuple[Record, float | None]]:
        """The items below a namespace: scored ones, best first, then the others, oldest first. Reads only as needed."""
        where, most = namespace_where(op.namespace_prefix), max(FEWEST, op.offset + op.limit)
        scores = self._scores(op.query, vector, where) if op.query else {}
        ranked = sorted(scores, key=lambda key: -scores[key])
        yield from ((row, scores[row["key"]]) for row in self._read(ranked, most))
        with self.tables.translated():
            known = self._items.search().where(where).select(["key", "created"]).limit(None).to_list()
        rest = [row["key"] for row in sorted(known, key=age) if row["key"] not in scores]
        yield from ((row, None) for row in self._read(rest, most))

    def _read(self, keys: Sequence[str], most: int) -> Iterator[Record]:
        """The unexpired items of these keys, in order, read ``most`` at a time."""
        for at in range(0, len(keys), most):
            some = keys[at : at + most]
            found = {row["key"]: row for row in self._rows(f"key IN ({', '.join(map(quoted, some))})")}
            yield from (found[key] for key in some if key in found)

    def _scores(self, query: str, vector: Sequence[float] | None, where: str) -> dict[str, float]:
        """Scores of the items that a search found, by key."""
        place: dict[str, int] = {}
        by_words: dict[int, float] = {}
        with self.tables.translated():
            if words := ranking.words_of(query):
                search = self._items.search(words, query_type="fts", fts_columns="words").where(where, prefilter=True)
                for hit in search.select(["key", "_score"]).limit(MOST).to_list():
                    by_words[place.setdefault(hit["key"], len(place))] = hit["_score"]
            by_meaning = None if vector is None else self._nearest(vector, where, place)
        fused = ranking.fused(by_words, by_meaning)
        return {key: fused[at] for key, at in place.items() if at in fused}

    def _nearest(self, vector: Sequence[float], where: str, place: dict[str, int]) -> dict[int, float]:
        """Cosines by place. New keys get a place. For an item of several fields the best one counts."""
        import numpy as np

        unit = np.asarray(vector, np.float32) / (float(np.linalg.norm(vector)) or 1.0)
        query = self._vectors.search(unit, vector_column_name="vector").distance_type("cosine")
        found: dict[int, float] = {}
        for hit in query.where(where, prefilter=True).select(["item", "_distance"]).limit(MOST).to_list():
            at = place.setdefault(hit["item"], len(place))
            found[at] = max(1 - hit["_distance"], found.get(at, 0.0))
        return found

    def _namespaces(self, op: ListNamespacesOp) -> list[tuple[str, ...]]:
        found = {tuple(row["namespace"].split(".")) for row in self._rows("true")}
        fitting = {one for one in found if all(matches(condition, one) for condition in op.match_conditions or ())}
        cut = sorted({one[: op.max_depth] for one in fitting} if op.max_depth is not None else fitting)
        return cut[op.offset : op.offset + op.limit]

    def _put(self, puts: Sequence[PutOp], documents: Mapping[str, Sequence[float]]) -> None:
        with self._writing:
            keys = [key_of(put.namespace, put.key) for put in puts]
            known = {row["key"]: row["created"] for row in self._rows(f"key IN ({', '.join(map(quoted, keys))})")}
            now = self._clock()
            kept = [(key, put) for key, put in zip(keys, puts, strict=True) if put.value is not None]
            self._delete_vectors(keys)
            if gone := [key for key, put in zip(keys, puts, strict=True) if put.value is None]:
                self._delete(gone)
            if kept:
                rows = [
                    record_of(key, put, known.get(key, now + at * 1e-6), now, self._fields)
                    for at, (key, put) in enumerate(kept)
                ]
                self.tables.put(self._items, rows)
                self._write_vectors(kept, documents)
            self._look_after()

    def _write_vectors(self, puts: Sequence[tuple[str, PutOp]], documents: Mapping[str, Sequence[float]]) -> None:
        rows = [
            {"key": f"{key}\n{at}", "item": key, "namespace": ".".join(put.namespace), "vector": documents[text]}
            for key, put in puts
            for at, text in enumerate(texts_of(put, self._fields))
            if text in documents
        ]
        if rows:
            self.tables.put(self._vectors, rows)

    def _refresh(self, rows: Sequence[Record], asked: bool) -> None:
        """Renew the lifetime of items that were read. Writes are costly, so only once half of it has passed."""
        now = self._clock()
        due = [row for row in rows if asked and row["ttl"] and row["expires"] - now < row["ttl"] * 30]
        if due:
            self.tables.put(self._items, [{**row, "expires": now + row["ttl"] * 60} for row in due])

    def _look_after(self) -> None:
        minutes = (self.ttl_config or {}).get("sweep_interval_minutes") or SWEEP
        if self._clock() - self._swept > minutes * 60:
            self.sweep_ttl()
        self._commits += 1
        if self._commits % COMMITS == 0:
            with self.tables.owned() as mine:
                if mine:
                    self.tables.maintain("items", ITEMS)
                    if self._embeddings:
                        self.tables.maintain(self._space, self._vector_plan)

    # Tables.

    def _rows(self, where: str, *, live: bool = True) -> list[Record]:
        """The items that match and, if ``live``, have not expired; oldest first."""
        alive = f" AND (expires IS NULL OR expires > {self._clock()})" if live else ""
        with self.tables.translated():
            query = self._items.search().where(f"({where}){alive}").limit(None)
            return sorted(query.to_list(), key=age)

    def _delete(self, keys: Sequence[str]) -> None:
        if keys:
            self.tables.delete(self._items, f"key IN ({', '.join(map(quoted, keys))})")
            self._delete_vectors(keys)

    def _delete_vectors(self, keys: Sequence[str]) -> None:
        if self._embeddings:
            self.tables.delete(self._vectors, f"item IN ({', '.join(map(quoted, keys))})")

    def _to_embed(self, ops: Sequence[Op]) -> tuple[list[str], list[str]]:
        documents = (text for op in ops if isinstance(op, PutOp) for text in texts_of(op, self._fields))
        queries = (op.query for op in ops if isinstance(op, SearchOp) and op.query)
        return list(dict.fromkeys(documents)), list(dict.fromkeys(queries))

    @property
    def _items(self) -> Table:
        return self.tables.table("items", ITEMS)

    @property
    def _vectors(self) -> Table:
        return self.tables.table(self._space, self._vector_plan)

    @property
    def _vector_plan(self) -> IndexPlan:
        return IndexPlan(partial(vector_schema, self._dimensions), labels=("namespace",), vector="vector")


def _space(embedder: Embedder | None, index: IndexConfig | None) -> str:
    """The table of vectors. Each embedder has its own. LangGraph's settings give no name, so their size must do."""
    name = embedder.name if embedder and not (index or {}).get("embed") else f"index {(index or {}).get('dims')}"
    return f"vectors-{hashlib.sha256(name.encode()).hexdigest()[:12]}"


def _checked(ops: Iterable[Op]) -> list[Op]:
    asked = list(ops)
    for op in asked:
        validate_op_namespace(op)
        if not isinstance(op, GetOp | SearchOp | ListNamespacesOp | PutOp):
            raise ValueError(f"Unknown operation type: {type(op)}")
    return asked
