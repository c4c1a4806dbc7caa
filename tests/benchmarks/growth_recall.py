"""What a million archived pieces of other threads cost one recall, beside an archive that has this thread alone.

The thread's conversation is archived in both. The large archive gets pieces of ten thousand other threads besides, of
the same length, written straight into its tables and indexed as an owner's maintenance does. Timed by turns are the
first recall of a newly opened archive, which reads what it searches, and the next ones.
"""

import argparse
import hashlib
import os
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from agentmem.recall.archive import LanceArchive
from agentmem.transcript.journal import Journal, open_journal
from tests.benchmarks.heading import heading, record_figures
from tests.recall.threads import Hashed, begun, compacted, tell

MOST = 1.3
"""The most times that a recall may take of what it takes in the small archive."""
SEED, EACH, COMMIT, DIMENSIONS = 26, 100, 100_000, 64
_WORDS = tuple(f"{first}{last}" for first in ("bolt", "shelf", "pump", "order", "gear") for last in range(400))


def texts(chance: random.Random, count: int) -> list[str]:
    """Sentences of a workshop, none like another."""
    return [" ".join(chance.choices(_WORDS, k=20)) for _ in range(count)]


def archived(journal: Journal, folder: Path) -> LanceArchive:
    """The archive with the thread in it, embedded."""
    made = LanceArchive(journal, folder, Hashed(dimensions=DIMENSIONS))
    made.keep("first", journal.head("first") - 1)
    made.settle()
    return made


def others(pieces: int, chance: random.Random) -> Iterator[tuple[dict[str, Any], np.ndarray[Any, Any]]]:
    """Pieces of other threads as columns, a commit at a time, and their vectors."""
    directions = np.random.default_rng(SEED)
    for start in range(0, pieces, COMMIT):
        numbers = range(start, min(start + COMMIT, pieces))
        thread = [f"other {at // EACH}" for at in numbers]
        place = [at % EACH for at in numbers]
        words = texts(chance, len(numbers))
        columns = {"key": [f"other {at}" for at in numbers], "thread": thread, "seq": place, "place": place}
        columns |= {name: [""] * len(numbers) for name in ("day", "speaker", "sha256")}
        columns |= {"kind": ["user"] * len(numbers), "part": [0] * len(numbers), "lead": [0] * len(numbers)}
        vectors = directions.standard_normal((len(numbers), DIMENSIONS)).astype(np.float32)
        yield {**columns, "words": words}, vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def fill(archive: LanceArchive, pieces: int) -> None:
    """Write other threads' pieces and vectors, then maintain the tables."""
    import pyarrow as pa

    shelf = archive.shelf
    one = shelf.vectors.search().select(["sentences"]).limit(1).to_arrow()["sentences"][0].as_py()
    for columns, vectors in others(pieces, random.Random(SEED)):
        table = pa.table({name: columns[name] for name in shelf.pieces.schema.names})
        shelf.pieces.add(table.cast(shelf.pieces.schema))
        flat = pa.array(vectors.reshape(-1))
        own = {"vector": pa.FixedSizeListArray.from_arrays(flat, DIMENSIONS), "sentences": [one] * len(vectors)}
        table = pa.table({name: own[name] if name in own else columns[name] for name in shelf.vectors.schema.names})
        shelf.vectors.add(table.cast(shelf.vectors.schema))
        print(f"  {shelf.count():,} pieces", flush=True)
    shelf.maintain()


def timed(archive: LanceArchive, journal: Journal, folder: Path, question: str) -> tuple[float, float]:
    """Seconds of a first recall, by an archive that is opened for it, and of a next one by another that stays open."""
    began = time.perf_counter()
    opened = LanceArchive(journal, folder, Hashed(dimensions=DIMENSIONS))
    first = opened.search("first", question, 4)
    took = time.perf_counter() - began
    opened.close()
    began = time.perf_counter()
    again = archive.search("first", question, 4)
    later = time.perf_counter() - began
    assert [one.text for one in first] == [one.text for one in again]
    assert all(one.thread == "first" for one in again)
    return took, later


def compared(places: dict[str, tuple[LanceArchive, Path]], journal: Journal, asked: list[str]) -> dict[str, float]:
    """The medians on the large archive in those of the small one, by turns."""
    took: dict[str, list[tuple[float, float]]] = {name: [] for name in places}
    for number, question in enumerate(asked):
        for name in sorted(places, reverse=bool(number % 2)):
            archive, folder = places[name]
            took[name].append(timed(archive, journal, folder, question))
    found = {}
    for at, what in enumerate(("first", "next")):
        middle = {name: statistics.median(one[at] for one in rows[3:]) for name, rows in took.items()}
        found[what] = middle["large"] / middle["small"]
        found[f"{what}_ms"] = 1000 * middle["large"]
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", help="not needed: the pieces are made here")
    parser.add_argument("--pieces", type=int, default=1_000_000)
    parser.add_argument("--times", type=int, default=40)
    given = parser.parse_args()
    heading("growth_recall", "made here", seed=SEED, pieces=given.pieces, times=given.times, load=os.getloadavg())
    chance = random.Random(hashlib.sha256(b"first").digest())
    with tempfile.TemporaryDirectory() as held, open_journal(Path(held) / "run.db") as journal:
        said = texts(chance, EACH)
        last = begun(journal, "first", *said)
        tell(journal, "first", compacted(last, "All was said."))
        folders = {name: Path(held) / name for name in ("small", "large")}
        places = {name: (archived(journal, folder), folder) for name, folder in folders.items()}
        began = time.monotonic()
        fill(places["large"][0], given.pieces)
        filled = time.monotonic() - began
        asked = [" ".join(chance.sample(chance.choice(said).split(), 6)) for _ in range(given.times + 3)]
        found = compared(places, journal, asked)
        for archive, _ in places.values():
            archive.close()
    print(f"  written and indexed in {filled:.0f} s")
    print(f"  first recall {found['first']:.2f} x ({found['first_ms']:.0f} ms), next {found['next']:.2f} x", end="")
    print(f" ({found['next_ms']:.1f} ms); at most {MOST}")
    record_figures(**found, pieces=given.pieces, seconds_to_fill=filled)
    return int(max(found["first"], found["next"]) > MOST)


if __name__ == "__main__":
    sys.exit(main())
