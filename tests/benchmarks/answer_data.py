"""The data of the answer cache's benchmarks: questions with their answers, streams of them, pairs with a label.

Each question of Banking77 (Casanueva et al. 2020) belongs to one part by its own hash, so that what is fitted, what is
certified and what is reported never share a question. Vectors are kept in the temporary folder between runs.
"""

import csv
import gzip
import hashlib
import json
import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from agentmem.answers.log_replay import ReplayedQuestion
from agentmem.distribution import install
from agentmem.recall.embedder import MiniLM
from agentmem.types import Vectors
from tests.benchmarks.data import recording, skip

PARTS = {"fit": (0, 4), "certify": (4, 7), "report": (7, 10)}
"""Tenths of the questions, by the first byte of their hash modulo ten."""
ZIPF = 0.9
REPEATS = 0.18


@dataclass(frozen=True)
class LabelledPair:
    """Two questions and whether one's answer is right for the other."""

    kept: str
    asked: str
    same: bool
    group: str = ""


def banking(data: Path, part: str | None = None) -> list[ReplayedQuestion]:
    """The questions of a part of Banking77 (None: all) with their intents, each text once, in a fixed order."""
    found: dict[str, str] = {}
    for name in ("train.csv", "test.csv"):
        path = data / "banking77" / name
        if path.exists():
            with path.open(encoding="utf-8", newline="") as file:
                found.update((row["text"], row["category"]) for row in csv.DictReader(file))
    if not found:
        skip(f"{data}/banking77 holds neither train.csv nor test.csv: give their folder with --data")
    low, high = PARTS[part] if part else (0, 10)
    return [ReplayedQuestion(text, found[text]) for text in sorted(found) if low <= _tenth(text) < high]


def traps(lines: str) -> list[LabelledPair]:
    """The pairs of the package fow-cache: its odd or its even lines, counted from 1."""
    spec = find_spec("fow_cache")
    if spec is None or not spec.submodule_search_locations:
        skip(f"the package fow-cache is not installed: {install('bench')}")
    path = Path(spec.submodule_search_locations[0]) / "data" / "pairs.jsonl"
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    chosen = rows[0::2] if lines == "odd" else rows[1::2]
    return [LabelledPair(row["a"], row["b"], bool(row["same_answer"]), row["category"]) for row in chosen]


def mock(data: Path) -> list[tuple[str, str]]:
    """GPTCache's mock_data: (origin, similar)."""
    path = recording(data, Path("gptcache") / "mock_data.json.gz")
    return [(row["origin"], row["similar"]) for row in json.loads(gzip.decompress(path.read_bytes()))]


def flat(count: int, lookups: int, seed: int, repeats: float = REPEATS) -> NDArray[np.int64]:
    """A stream of ``lookups`` over questions 0 to ``count``, of which about ``repeats`` repeat one before, evenly."""
    random = np.random.default_rng(seed)
    distinct = random.permutation(count)[: round(lookups * (1 - repeats))]
    stream = np.concatenate([distinct, random.choice(distinct, lookups - len(distinct))])
    random.shuffle(stream)
    return stream


def heavy(count: int, lookups: int, seed: int, exponent: float = ZIPF) -> NDArray[np.int64]:
    """A stream in which the question of rank r comes with a share of r to the minus ``exponent``."""
    random = np.random.default_rng(seed)
    shares = np.arange(1, count + 1) ** -exponent
    return random.permutation(count)[random.choice(count, lookups, p=shares / shares.sum())]


def vectors(texts: Sequence[str]) -> Vectors:
    """The default embedder's vectors, kept in the temporary folder by the texts' hash."""
    digest = hashlib.sha256(json.dumps([MiniLM.name, *texts]).encode()).hexdigest()[:24]
    path = Path(tempfile.gettempdir()) / f"agentmem-bench-{os.getuid()}" / f"{digest}.npy"
    if path.exists():
        kept: Vectors = np.load(path)
        return kept
    rows = MiniLM().embed(texts)
    path.parent.mkdir(exist_ok=True)
    np.save(path, rows)
    return rows


def _tenth(text: str) -> int:
    return hashlib.sha256(text.encode()).digest()[0] % 10
