"""How long a lookup in the answer cache takes, its embedding included, with 100,000 and with 1,000,000 entries.

The entries are of one tenant and context. Their vectors are made: each is that of a real question (of 672 that are
written from a few patterns) moved by noise, so that they lie in dense groups as real traffic does, at cosines of
about .70 to .97 to their origin. The questions that are looked up are real texts, embedded by the default embedder,
and none of them is an exact key: each goes all the way through vector, candidates and decision. With 1,000,000 entries
the scope is too large for RAM, so that the candidates come from LanceDB.

    python -m tests.benchmarks.answers_latency [--entries 100000,1000000] [--queries 400]
"""

import argparse
import random
import resource
import sys
import tempfile
import time
from itertools import product
from pathlib import Path
from statistics import median, quantiles

import numpy as np
from numpy.typing import NDArray

from agentmem.memory.answers.cache import AnswerCache
from agentmem.memory.answers.entries import Entry
from agentmem.memory.answers.keys import key_of, scope_of
from agentmem.memory.answers.settings import Settings
from agentmem.memory.answers.values import Context
from agentmem.memory.embedder import MiniLM
from agentmem.types import Vectors
from tests.benchmarks.heading import heading

SEED = 11
CHUNK = 20_000
P50, P99 = 0.010, 0.025
"""Seconds, with 100,000 entries; with 1,000,000 twice as much."""

VERBS = ("change", "cancel", "find", "print", "share", "renew", "track", "export", "verify", "repair", "lend", "order")
THINGS = (
    "a contract",
    "the boiler",
    "a library card",
    "my licence",
    "the invoice",
    "a playlist",
    "the timetable",
    "a tent",
)
PATTERNS = (
    "How do I {0} {1}?",
    "Where can I {0} {1}?",
    "Is it possible to {0} {1} online?",
    "Who helps me to {0} {1}?",
)
MORE = ("What does it cost to {0} {1}?", "Why can't I {0} {1}?", "When may I {0} {1}?")
ASKED = ("Could somebody explain how to {0} {1}?", "I need to {0} {1}, what are the steps?")


def questions(patterns: tuple[str, ...]) -> list[str]:
    """Every pattern with every verb and thing."""
    return [one.format(verb, thing) for one, verb, thing in product(patterns, VERBS, THINGS)]


def moved(origins: Vectors, count: int, chance: np.random.Generator) -> tuple[NDArray[np.intp], Vectors]:
    """Vectors around the origins, in groups of uneven size, and each one's origin."""
    weights = 1.0 / np.arange(1, len(origins) + 1) ** 0.7
    places = chance.choice(len(origins), count, p=weights / weights.sum())
    chosen = origins[places]
    cosine = chance.uniform(0.70, 0.97, (count, 1)).astype(np.float32)
    noise = chance.standard_normal(chosen.shape, np.float32)
    noise -= (noise * chosen).sum(axis=1, keepdims=True) * chosen
    noise /= np.linalg.norm(noise, axis=1, keepdims=True)
    made: Vectors = (cosine * chosen + np.sqrt(1 - cosine**2) * noise).astype(np.float32)
    return places, made


def filled(cache: AnswerCache, count: int, origins: Vectors) -> None:
    """Put ``count`` entries into the cache."""
    chance, scope, now = np.random.default_rng(SEED), scope_of(Context()), time.time()
    texts = questions(PATTERNS + MORE)
    for first in range(0, count, CHUNK):
        chosen, vectors = moved(origins, min(CHUNK, count - first), chance)
        kept = []
        for n, origin in enumerate(chosen.tolist(), first):
            one = f"{texts[origin][:-1]} in {_town(n)}?"
            key = key_of(scope, one)
            kept.append(Entry(scope, "", key, "faq", "faq", one, f"Answer {origin}.", now, now + 1e7, now))
        cache.store.put_many(kept, MiniLM.name, vectors)


def _town(number: int) -> str:
    """A name that no other entry has."""
    syllables = ("ba", "le", "mi", "no", "ru", "ta", "si", "vo", "ke", "da")
    return "".join(syllables[int(digit)] for digit in f"{number:07}").capitalize()


def timed(cache: AnswerCache, asked: list[str]) -> tuple[list[float], list[float]]:
    """Seconds of each lookup, and of its embedding alone (in a pass of its own)."""
    embedder = MiniLM()
    embedding, lookups = [], []
    for one in asked:
        began = time.perf_counter()
        embedder.embed([one])
        embedding.append(time.perf_counter() - began)
    for one in asked:
        began = time.perf_counter()
        looked = cache.explain(one)
        lookups.append(time.perf_counter() - began)
        assert looked.near, looked
    return lookups, embedding


def measured(count: int, queries: int, folder: Path, origins: Vectors) -> bool:
    """Measure one size and print it; whether it is within the limits."""
    before = _resident()
    with AnswerCache(folder, settings=Settings(audit=0.0)) as cache:
        filled(cache, count, origins)
        began = time.perf_counter()
        if count > cache.settings.hot:
            cache.maintain()  # a scope too large for RAM goes to the index, else in batches behind
        moving = time.perf_counter() - began
        asked = questions(ASKED)
        random.Random(SEED).shuffle(asked)
        for one in asked[-20:]:
            cache.explain(one)
        lookups, embedding = timed(cache, asked[: min(queries, len(asked) - 20)])
        hot = cache.vector_bytes
    p50, p99 = median(lookups), quantiles(lookups, n=100)[98]
    factor = 1 if count <= 100_000 else 2
    print(
        f"  {count:>9,} entries: p50 {p50 * 1e3:5.1f} ms, p99 {p99 * 1e3:5.1f} ms"
        f" (limits {P50 * factor * 1e3:.0f}, {P99 * factor * 1e3:.0f});"
        f" embedding alone p50 {median(embedding) * 1e3:.1f} ms, p99 {quantiles(embedding, n=100)[98] * 1e3:.1f} ms;"
        f" vectors in RAM {hot / 1e6:.0f} MB, process +{(_resident() - before) / 1e6:.0f} MB,"
        f" disk {_size(folder) / 1e6:.0f} MB, moved to the index in {moving:.0f} s"
    )
    return p50 <= P50 * factor and p99 <= P99 * factor


def _resident() -> int:
    """Bytes of this process in RAM now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize()


def _size(folder: Path) -> int:
    return sum(one.stat().st_size for one in folder.rglob("*") if one.is_file())


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--entries", default="100000,1000000", help="sizes, commas between them")
    parser.add_argument("--queries", type=int, default=170)
    parser.add_argument("--data", type=Path, help="not needed: the questions are written here")
    given = parser.parse_args()
    heading("Lookups in the answer cache", "made vectors around real questions", seed=SEED, embedder=MiniLM.name)
    origins = MiniLM().embed(questions(PATTERNS + MORE))
    good = []
    for count in map(int, given.entries.split(",")):
        with tempfile.TemporaryDirectory() as folder:
            good.append(measured(count, given.queries, Path(folder), origins))
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main())
