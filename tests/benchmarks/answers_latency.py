"""How long a lookup in the answer cache takes, its embedding included, with 100,000 and with 1,000,000 entries.

The entries are of one tenant and context. Their vectors are made: each is that of a real question (of 672 that are
written from a few patterns) moved by noise, so that they lie in dense groups as real traffic does, at cosines of
about .70 to .97 to their origin. The questions that are looked up are real texts, embedded by the default embedder,
and none of them is an exact key: each goes all the way through vector, candidates and decision. Another process puts
the entries in, so that what is measured is a process that opens the cache and warms its hot tier. What LanceDB alone
takes, before the tier is warm and where RAM has no room, is printed beside, as is how many of the 8 nearest were found.

    python -m tests.benchmarks.answers_latency [--entries 100000,1000000] [--queries 76]
"""

import argparse
import multiprocessing
import os
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

from agentmem.answers.cache import AnswerCache
from agentmem.answers.nearest import AT_ONCE
from agentmem.answers.settings import AnswerSettings
from agentmem.answers.store import KeptEntry
from agentmem.answers.values import CANDIDATES, AnswerScope, key_of, scope_of
from agentmem.recall.embedder import MiniLM
from agentmem.types import Vectors
from tests.benchmarks.heading import heading, record_figures

SEED = 11
CHUNK = 20_000
WARM, FOUND = 20, 50
"""Lookups that are not timed, and those of which the nearest are compared with all."""
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
    chance, scope, now = np.random.default_rng(SEED), scope_of(AnswerScope()), time.time()
    texts = questions(PATTERNS + MORE)
    for first in range(0, count, CHUNK):
        chosen, vectors = moved(origins, min(CHUNK, count - first), chance)
        kept = []
        for n, origin in enumerate(chosen.tolist(), first):
            one = f"{texts[origin][:-1]} in {_town(n)}?"
            key = key_of(scope, one)
            kept.append(KeptEntry(scope, "", key, "faq", "faq", one, f"Answer {origin}.", now, now + 1e7, now))
        cache.store.put_many(kept, MiniLM.name, vectors)


def _town(number: int) -> str:
    """A name that no other entry has."""
    syllables = ("ba", "le", "mi", "no", "ru", "ta", "si", "vo", "ke", "da")
    return "".join(syllables[int(digit)] for digit in f"{number:07}").capitalize()


def fill(folder: Path, count: int) -> None:
    """Put the entries into a cache of a folder, and into its index where the scope is too large to be read at once."""
    with AnswerCache(folder) as cache:
        filled(cache, count, MiniLM().embed(questions(PATTERNS + MORE)))
        if count > AT_ONCE:
            cache.maintain()


def timed(cache: AnswerCache, asked: list[str]) -> list[float]:
    """Seconds of each lookup."""
    for one in asked[-WARM:]:
        cache.explain(one)
    lookups = []
    for one in asked[:-WARM]:
        began = time.perf_counter()
        looked = cache.explain(one)
        lookups.append(time.perf_counter() - began)
        assert looked.near, looked
    return lookups


def embedded(asked: list[str]) -> list[float]:
    """Seconds of each embedding alone."""
    taken = []
    for one in asked:
        began = time.perf_counter()
        MiniLM().embed([one])
        taken.append(time.perf_counter() - began)
    return taken


def found(cache: AnswerCache, asked: list[str]) -> float:
    """The share of the nearest, by comparing all, that a lookup has among its candidates."""
    rows = MiniLM().embed(asked)
    best = np.zeros((0, len(asked)), np.float32)
    after = 0
    while (some := cache.store.vectors(MiniLM.name, scope_of(AnswerScope()), after, CHUNK)).n.size:
        after = int(some.v[-1])
        best = -np.sort(-np.concatenate([best, some.vectors.astype(np.float32) @ rows.T]), axis=0)[:CANDIDATES]
    within = 0
    for at, one in enumerate(asked):
        within += sum(cosine >= best[-1, at] - 1e-3 for _, cosine in cache.explain(one).near)
    return within / (CANDIDATES * len(asked))


def measured(count: int, queries: int, folder: Path) -> bool:
    """Measure one size and print it; whether it is within the limits."""
    began = time.perf_counter()
    child = multiprocessing.get_context("spawn").Process(target=fill, args=(folder, count))
    child.start()
    child.join()
    filling = time.perf_counter() - began
    if child.exitcode:
        raise SystemExit(f"the entries could not be put in: exit code {child.exitcode}")
    os.sync()  # what the other process wrote is not to be on its way to the disk while lookups are timed
    asked = questions(ASKED)
    random.Random(SEED).shuffle(asked)
    half = len(asked) // 2
    before_warm, asked = asked[half:], asked[: min(queries + WARM, half)]
    with AnswerCache(folder, settings=AnswerSettings(audit=0.0)) as cache:
        MiniLM().embed(asked[:1])
        before = _resident()
        cold = timed(cache, before_warm) if count > AT_ONCE else []
        began = time.perf_counter()
        cache.maintain()
        warming = time.perf_counter() - began
        lookups = timed(cache, asked)
        hot, resident, share = cache.vector_bytes, _resident() - before, found(cache, asked[:FOUND])
    p50, p99 = _middle(lookups)
    factor = 1 if count <= 100_000 else 2
    alone = _middle(embedded(asked))
    print(
        f"  {count:>9,} entries: p50 {p50 * 1e3:5.1f} ms, p99 {p99 * 1e3:5.1f} ms"
        f" (limits {P50 * factor * 1e3:.0f}, {P99 * factor * 1e3:.0f});"
        f" embedding alone p50 {alone[0] * 1e3:.1f} ms, p99 {alone[1] * 1e3:.1f} ms\n"
        f"    of the {CANDIDATES} nearest {share:.1%} were found; vectors in RAM {hot / 1e6:.0f} MB, process"
        f" +{resident / 1e6:.0f} MB, disk {_size(folder) / 1e6:.0f} MB; filled in {filling:.0f} s,"
        f" warmed in {warming:.1f} s"
    )
    if cold:
        low, high = _middle(cold)
        print(f"    from LanceDB, before the hot tier is warm: p50 {low * 1e3:.1f} ms, p99 {high * 1e3:.1f} ms")
    record_figures(
        **{f"entries_{count}": {"p50_ms": p50 * 1e3, "p99_ms": p99 * 1e3, "found": share, "ram_mb": resident / 1e6}}
    )
    return p50 <= P50 * factor and p99 <= P99 * factor


def _middle(taken: list[float]) -> tuple[float, float]:
    """(p50, p99)."""
    return median(taken), quantiles(taken, n=100)[98]


def _resident() -> int:
    """Bytes of this process in RAM now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize()


def _size(folder: Path) -> int:
    return sum(one.stat().st_size for one in folder.rglob("*") if one.is_file())


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--entries", default="100000,1000000", help="sizes, commas between them")
    parser.add_argument("--queries", type=int, default=76, help="of each size; there are 76")
    parser.add_argument("--data", type=Path, help="not needed: the questions are written here")
    given = parser.parse_args()
    heading("Lookups in the answer cache", "made vectors around real questions", seed=SEED, embedder=MiniLM.name)
    good = []
    for count in map(int, given.entries.split(",")):
        with tempfile.TemporaryDirectory() as folder:
            good.append(measured(count, given.queries, Path(folder)))
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main())
