"""The answer cache beside others, in one run: the same streams of real questions, the same embedder, for all.

- exact keys alone, and plain cosine at a sweep of thresholds;
- GPTCache 0.1.44 as it ships (SQLite, Faiss, distance evaluation), at its default threshold;
- RedisVL 0.28: its SemanticCache serves the nearest within a cosine distance of 0.1 by default, so a cosine of .9 or
  more. It needs a Redis server with vector search (Redis 8, or the module search). If there is one at --redis it is
  run; otherwise the row is its rule alone, and says so;
- vCache's rule (see answer_vcache), at most 1 % and 2 % wrong.

Right is what has the same group and the same slots. The others have no exclusions, so the questions that ours excludes
are left out of the stream for all.

    python -m tests.benchmarks.answers_peers --data DIR [--lookups 3000] [--redis URL] [--json FILE]
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from agentmem.answers.tuning import interval
from agentmem.answers.values import DEFAULT
from agentmem.recall.embedder import DIMENSIONS, MiniLM
from tests.benchmarks.answer_data import vectors
from tests.benchmarks.answer_real_data import RealQuestion
from tests.benchmarks.answer_streams import by_cosine, ours
from tests.benchmarks.answer_vcache import VCache
from tests.benchmarks.answers_gptcache import DEFAULT as GPTCACHE
from tests.benchmarks.answers_gptcache import gptcache
from tests.benchmarks.answers_real import SEED, SWEEP, played, ruled, streams
from tests.benchmarks.heading import commit, heading, record_figures

Get = Callable[[str], str | None]
Put = Callable[[str, str], object]


@dataclass(frozen=True)
class Row:
    """A cache on a stream: lookups, hits, and wrong ones by slots."""

    stream: str
    cache: str
    lookups: int
    hits: int
    wrong: int

    def text(self) -> str:
        """A line of the table."""
        low, high = interval(self.wrong, self.hits) if self.hits else (0.0, 1.0)
        share = self.wrong / self.hits if self.hits else 0.0
        return f"  {self.cache:<46} hits {self.hits / self.lookups:6.1%}  wrong {share:6.2%} ({low:.2%}-{high:.2%})"


def right_of(one: RealQuestion) -> str:
    """The name of a question's right answer."""
    return f"{one.group} {sorted(one.slots)}"


def by_calls(stream: Sequence[RealQuestion], get: Get, put: Put) -> tuple[int, int]:
    """(hits, wrong ones) of a cache with two calls."""
    hits = wrong = 0
    for one in stream:
        served = get(one.text)
        if served is None:
            put(one.text, right_of(one))
        else:
            hits += 1
            wrong += served != right_of(one)
    return hits, wrong


def by_vcache(stream: Sequence[RealQuestion], most_wrong: float) -> tuple[int, int]:
    """(hits, wrong ones) of vCache's rule."""
    texts = sorted({one.text for one in stream})
    rows = dict(zip(texts, vectors(texts), strict=True))
    cache = VCache(DIMENSIONS, len(stream), most_wrong, SEED)
    served = [(cache.asked(rows[one.text], right_of(one)), right_of(one)) for one in stream]
    return sum(got is not None for got, _ in served), sum(got is not None and got != right for got, right in served)


def redisvl(url: str) -> tuple[Get, Put] | str:
    """RedisVL's semantic cache with our embedder, or why it cannot run here."""
    try:
        caches = import_module("redisvl.extensions.cache.llm")
        vectorizers = import_module("redisvl.utils.vectorize")
    except ModuleNotFoundError as error:
        return f"{error.name} is not installed"
    embedder = MiniLM()
    try:
        cache = caches.SemanticCache(
            name="agentmem-bench",
            redis_url=url,
            overwrite=True,
            vectorizer=vectorizers.CustomVectorizer(
                embed=lambda text: [float(one) for one in embedder.embed([text])[0]]
            ),
        )
    except Exception as error:  # its errors have no common class
        return f"{type(error).__name__}: {str(error)[:120]}"

    def get(text: str) -> str | None:
        found: list[dict[str, Any]] = cache.check(prompt=text)
        return str(found[0]["response"]) if found else None

    return get, lambda text, answer: cache.store(prompt=text, response=answer)


def compared(name: str, stream: Sequence[RealQuestion], redis: str) -> Iterator[Row]:
    """All caches on one stream."""

    def row(cache: str, found: tuple[int, int]) -> Row:
        return Row(name, cache, len(stream), *found)

    yield row("exact keys", _ours(stream, None))
    yield row(f"agentmem, default {DEFAULT}", _ours(stream, ours(DEFAULT)))
    for at in SWEEP:
        yield row(f"agentmem, {at}", _ours(stream, ours(at)))
        yield row(f"cosine {at}", _ours(stream, by_cosine(at)))
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        peer = gptcache(Path(folder), GPTCACHE)
        yield row(f"GPTCache, {GPTCACHE} (its default)", by_calls(stream, peer.get, peer.put))
    for most in (0.01, 0.02):
        yield row(f"vCache's rule, at most {most:.0%} wrong", by_vcache(stream, most))
    found = redisvl(redis)
    if isinstance(found, str):
        print(f"  RedisVL cannot run here ({found}); its rule at its default is the row cosine 0.9")
    else:
        yield row("RedisVL, distance 0.1 (its default)", by_calls(stream, *found))


def _ours(stream: Sequence[RealQuestion], decide: Any) -> tuple[int, int]:
    hits = [one for one in played(stream, decide) if one.served is not None]
    return len(hits), sum(one.slotted for one in hits)


def main() -> int:
    """The tables. 1 if a peer has as many hits as our default, and fewer wrong ones."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--lookups", type=int, default=3000)
    parser.add_argument("--redis", default="redis://127.0.0.1:6379")
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    heading("answer cache: peers", f"{given.data}/answers", seed=SEED, lookups=given.lookups)
    rows: list[Row] = []
    for name, whole in streams(given.data, given.lookups):
        stream = [one for one in whole if (rule := ruled(one.text)) is None or rule.own]
        print(f"\n{name}: {len(stream):,} lookups")
        for row in compared(name, stream, given.redis):
            print(row.text(), flush=True)
            rows.append(row)
    own = {one.stream: one for one in rows if "default" in one.cache and "agentmem" in one.cache}
    peers = [one for one in rows if one.cache.startswith(("GPTCache", "vCache", "RedisVL"))]
    beaten = [one for one in peers if one.hits >= own[one.stream].hits and one.wrong <= own[one.stream].wrong]
    print(f"\n  target: no peer with as many hits and as few wrong ones: {'MISSED' if beaten else 'met'}")
    record_figures(rows=[asdict(one) for one in rows])
    if given.json:
        record = {"commit": commit(), "seed": SEED, "rows": [asdict(one) for one in rows]}
        given.json.write_text(json.dumps(record, indent=1), encoding="utf-8")
    return 1 if beaten else 0


if __name__ == "__main__":
    sys.exit(main())
