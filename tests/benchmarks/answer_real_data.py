"""Real questions for the answer cache's benchmarks: Bitext with its answers, clusters of Quora, CLINC150, and traps.

Each question has a group, whose questions ask the same, and slots. Groups are split by hash: one half may tune, the
other is reported on. The Quora pairs are for research: nothing that ships may be tuned on them.
"""

import hashlib
import json
import lzma
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

from tests.benchmarks.answer_slots import slots_of
from tests.benchmarks.data import recording

MIX = {"repeat": 0.18, "reworded": 0.47}
"""The published design's mix of lookups: exact repeats, and questions asked before in other words. The rest is new."""
_RECENT = 400
"""Questions of the latest so many open groups come back in other words."""


@dataclass(frozen=True)
class RealQuestion:
    """A question, the group of those that ask the same, its slots, and its answer ("" if the data has none)."""

    text: str
    group: str
    slots: frozenset[str] = frozenset()
    answer: str = ""

    @property
    def half(self) -> int:
        """The half of its group: 0 tunes, 1 is reported on."""
        return half(self.group)


@dataclass(frozen=True)
class Trap:
    """Questions that are kept, one that is asked, and whether it may be served."""

    kind: str
    kept: tuple[str, ...]
    asked: str
    serve: bool


def half(name: str) -> int:
    """A half by hash."""
    return hashlib.sha256(name.encode()).digest()[0] % 2


def bitext(data: Path) -> list[RealQuestion]:
    """Customers' questions with real answers; the group is the intent, with the slots another question."""
    rows = list(_rows(data, "bitext-even.jsonl.xz"))
    slots = slots_of([row["question"] for row in rows])
    return [RealQuestion(row["question"], row["intent"], slots(row["question"]), row["answer"]) for row in rows]


def clinc(data: Path) -> list[RealQuestion]:
    """CLINC150's questions by intent. Out of scope, each is a group of its own."""
    rows = list(_rows(data, "clinc-even.jsonl.xz"))
    slots = slots_of([row["question"] for row in rows])
    return [
        RealQuestion(one, row["intent"] if row["intent"] != "oos" else f"oos: {one}", slots(one))
        for row in rows
        for one in (row["question"],)
    ]


@dataclass(frozen=True)
class Quora:
    """Clusters of questions that ask the same, and for each cluster those that are near and ask something else."""

    clusters: dict[str, tuple[str, ...]]
    rivals: dict[str, tuple[str, ...]]


def quora(data: Path) -> Quora:
    """The clusters of the Quora pairs."""
    clusters: defaultdict[str, dict[str, None]] = defaultdict(dict)
    rivals: defaultdict[str, dict[str, None]] = defaultdict(dict)
    for row in _rows(data, "qqp-even.jsonl.xz"):
        for text, name in ((row["a"], row["cluster_a"]), (row["b"], row["cluster_b"])):
            clusters[name][text] = None
        if not row["same"]:
            rivals[row["cluster_a"]][row["cluster_b"]] = None
            rivals[row["cluster_b"]][row["cluster_a"]] = None
    return Quora({name: tuple(own) for name, own in clusters.items()}, {k: tuple(v) for k, v in rivals.items()})


def questions_of(of: Quora) -> dict[str, RealQuestion]:
    """Each text of the clusters as a question with its slots."""
    slots = slots_of([text for texts in of.clusters.values() for text in texts])
    return {text: RealQuestion(text, name, slots(text)) for name, texts in of.clusters.items() for text in texts}


def traps(data: Path) -> list[Trap]:
    """Questions beside kept ones, with whether an answer may be served."""
    found = json.loads(recording(data, Path("answers") / "traps-even.json").read_text(encoding="utf-8"))
    return [Trap(row["kind"], tuple(row["kept"]), row["asked"], bool(row["serve"])) for row in found]


def mix(of: Quora, lookups: int, seed: int, names: Sequence[str] | None = None, *, hard: bool = False) -> Iterator[str]:
    """A stream of questions: exact repeats, other wordings of what was asked, and new ones, as in MIX.

    ``hard``: after a question, one that is labelled as near and different is asked as the next new one. ``names`` are
    the clusters to draw from.
    """
    random = Random(seed)
    chosen = list(names if names is not None else of.clusters)
    fresh = sorted(chosen, key=lambda name: (len(of.clusters[name]) < 2, random.random()))  # wordings first
    fresh.reverse()
    used: set[str] = set()
    asked: list[str] = []
    open_groups: dict[str, list[str]] = {}
    queued: list[str] = []
    for drawn in (random.random() for _ in range(lookups)):
        waiting = [name for name, rest in list(open_groups.items())[-_RECENT:] if rest]
        if drawn < MIX["repeat"] and asked:
            yield random.choice(asked)
            continue
        if drawn < MIX["repeat"] + MIX["reworded"] and waiting:
            text = open_groups[random.choice(waiting)].pop()
        else:
            name = queued.pop() if queued else next(one for one in iter(fresh.pop, "") if one not in used)
            used.add(name)
            wordings = list(of.clusters[name])
            random.shuffle(wordings)
            text = wordings.pop()
            open_groups[name] = wordings
            if hard:
                queued += [one for one in of.rivals.get(name, ()) if one not in used and one not in queued][:1]
        asked.append(text)
        yield text


def _rows(data: Path, name: str) -> Iterator[dict[str, str]]:
    with lzma.open(recording(data, Path("answers") / name), "rt", encoding="utf-8") as file:
        yield from map(json.loads, file)
