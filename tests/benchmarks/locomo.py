"""Recall of the evidence in LoCoMo (Maharana et al. 2024, arXiv:2402.17753), without a language model.

Each conversation becomes a thread of a journal: a note for the day, an entry for each turn ("Name: text", what a
shared picture shows included). All of it leaves the window. Each question with evidence is searched in the archive.
A question counts at k when one of its evidence turns is among the first k found ("found", at 1 also known as hit@1) or
all of them are ("all"); the share of its evidence turns is given beside ("share"), also of what is found until so many
tokens are full. Means are over the questions of a category, then over the categories 1 to 4. BM25 stands beside, over
the same texts. Constants were chosen on the first half of the conversations.

    python -m tests.benchmarks.locomo --data DIR [--half first|second|both] [--without-reranker]
"""

import argparse
import json
import lzma
import re
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from statistics import fmean, median, quantiles
from typing import Any, Literal, get_args

from agentmem.recall.archive import LanceArchive
from agentmem.recall.embedder import MiniLM
from agentmem.recall.ranking import words_of
from agentmem.recall.reranker import CrossEncoder
from agentmem.retrieval import Reranker
from agentmem.tokens import count
from agentmem.transcript import transcript
from agentmem.transcript.journal import open_journal
from agentmem.transcript.transcript import Opening
from agentmem.types import Draft
from tests.benchmarks.data import DATA, recording
from tests.benchmarks.heading import heading, record_figures

KS = (1, 5, 10, 20)
BUDGETS = (1_000, 2_000, 4_000)
"""Tokens that what is found may have."""
MOST = 200
"""Turns that are asked for to fill the largest of them."""
CATEGORIES = {1: "multi-hop", 2: "temporal", 3: "open-domain", 4: "single-hop"}
TARGETS = {5: 0.72, 10: 0.82, 20: 0.89}
WEAK = {1: 0.76, 3: 0.55}
"""What multi-hop and open-domain questions must reach at 5."""
P50 = 0.030
"""Seconds a question, the median."""

Search = Callable[[str, int], Sequence[str]]
"""The turns found for a question, best first."""


@dataclass(frozen=True)
class Asked:
    """A question: its category and the turns that hold its evidence."""

    question: str
    category: int
    evidence: frozenset[str]

    def share(self, found: Sequence[str]) -> float:
        """The share of the evidence that was found."""
        return len(self.evidence.intersection(found)) / len(self.evidence)


@dataclass(frozen=True)
class Conversation:
    """A conversation: (day, turn's id, text) in order, and its questions."""

    name: str
    turns: tuple[tuple[str, str, str], ...]
    asked: tuple[Asked, ...]


def conversations(path: Path) -> Iterator[Conversation]:
    """The conversations of the file, in its order."""
    for record in json.loads(lzma.decompress(path.read_bytes())):
        turns = tuple(_turns(record["conversation"]))
        known = {id for _, id, _ in turns}
        asked = (_asked(one, known) for one in record["qa"] if one["category"] in CATEGORIES)
        yield Conversation(record["sample_id"], turns, tuple(one for one in asked if one.evidence))


def _turns(record: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    for number in sorted(int(name[8:]) for name in record if re.fullmatch(r"session_\d+", name)):
        day = record[f"session_{number}_date_time"]
        for turn in record[f"session_{number}"]:
            shown = f" [shares {turn['blip_caption']}]" if turn.get("blip_caption") else ""
            yield day, turn["dia_id"], f"{turn['speaker']}: {turn['text']}{shown}"


def _asked(record: Mapping[str, Any], known: set[str]) -> Asked:
    named = {one for text in record["evidence"] for one in re.findall(r"D\d+:\d+", text)}
    return Asked(record["question"], record["category"], frozenset(named & known))


def drafts(conversation: Conversation) -> Iterator[tuple[str, Draft]]:
    """The entries of a conversation, each with its turn's id ("" for others)."""
    yield "", transcript.opening(Opening("none"))
    day = ""
    for at, id, text in conversation.turns:
        if at != day:
            day = at
            yield "", transcript.note("date", f"[Note] Today is {day}.")
        yield id, transcript.user(text)


def archived(archive: LanceArchive, conversation: Conversation) -> Search:
    """The archive's search over a conversation."""
    ids, entries = zip(*drafts(conversation), strict=True)
    thread = conversation.name
    archive.journal.append(thread, entries, head=-1)
    archive.keep(thread, len(entries) - 1)
    archive.settle()
    return lambda question, most: [ids[piece.seq] for piece in archive.search(thread, question, most)]


def bm25(archive: LanceArchive, conversation: Conversation) -> Search:
    """LanceDB's own BM25, with stems and without stop words, over the same texts."""
    ids = [id for id, _ in drafts(conversation)]
    spans = archive.spans(conversation.name)

    def search(question: str, most: int) -> Sequence[str]:
        hits = archive.shelf.by_words(words_of(question), spans, most)
        pieces = archive.shelf.at([hit.place for hit in hits], spans)
        return [ids[pieces[hit.place].seq] for hit in hits]

    return search


Measure = Literal["found", "all", "share", "tokens"]
"""``tokens`` is the share of the evidence in so many tokens; the others are at k."""
POINTS: Mapping[Measure, Sequence[int]] = {"found": KS, "all": KS, "share": KS, "tokens": BUDGETS}


def within(found: Sequence[str], sizes: Mapping[str, int], budget: int) -> list[str]:
    """The turns that have at most so many tokens together, from the first on."""
    used = accumulate(sizes.get(turn, 0) for turn in found)
    return [turn for turn, tokens in zip(found, used, strict=True) if tokens <= budget]


class Tally:
    """Every measure at each of its points, by category, and the seconds that each question took."""

    def __init__(self) -> None:
        self.values: dict[tuple[Measure, int, int], list[float]] = {}
        self.seconds: list[float] = []

    def ask(self, one: Asked, search: Search, sizes: Mapping[str, int]) -> None:
        """Search for a question's evidence. ``sizes`` are the tokens of each turn."""
        began = time.perf_counter()
        found = list(search(one.question, max(KS)))
        self.seconds.append(time.perf_counter() - began)
        for k in KS:
            share = one.share(found[:k])
            self._note("found", one.category, k, float(share > 0))
            self._note("all", one.category, k, float(share == 1))
            self._note("share", one.category, k, share)
        further = list(search(one.question, MOST))
        for budget in BUDGETS:
            self._note("tokens", one.category, budget, one.share(within(further, sizes, budget)))

    def _note(self, measure: Measure, category: int, at: int, value: float) -> None:
        self.values.setdefault((measure, category, at), []).append(value)

    def of(self, category: int, k: int, measure: Measure = "found") -> float:
        """The mean over a category; of category 0 over all four."""
        if category:
            return fmean(self.values[measure, category, k])
        return fmean(self.of(one, k, measure) for one in CATEGORIES)

    def lines(self, name: str, measure: Measure) -> Iterator[str]:
        for category, words in (*CATEGORIES.items(), (0, "macro mean")):
            values = (self.of(category, point, measure) for point in POINTS[measure])
            yield f"  {measure} {name:8} {words:12} " + "  ".join(f"{value:.3f}" for value in values)


def measured(path: Path, half: str, folder: Path, reranker: Reranker | None) -> tuple[Tally, Tally]:
    """Ours and BM25's recall over the conversations of that half."""
    every = list(conversations(path))
    chosen = {"first": every[:5], "second": every[5:], "both": every}[half]
    ours, peer = Tally(), Tally()
    with open_journal(folder / "journal.db") as journal:
        archive = LanceArchive(journal, folder / "archive", MiniLM(), reranker)
        for conversation in chosen:
            mine, theirs = archived(archive, conversation), bm25(archive, conversation)
            sizes = {id: count(text) for _, id, text in conversation.turns}
            for one in conversation.asked:
                ours.ask(one, mine, sizes)
                peer.ask(one, theirs, sizes)
        archive.close()
    return ours, peer


def missed(ours: Tally, peer: Tally) -> list[str]:
    """What was not reached."""
    checks = {f"R@{k} {ours.of(0, k):.3f} < {least}": ours.of(0, k) >= least for k, least in TARGETS.items()}
    checks |= {
        f"{CATEGORIES[one]} R@5 {ours.of(one, 5):.3f} < {least}": ours.of(one, 5) >= least
        for one, least in WEAK.items()
    }
    checks |= {f"R@{k} below BM25's": ours.of(0, k) > peer.of(0, k) for k in TARGETS}
    checks[f"p50 {median(ours.seconds) * 1e3:.0f} ms"] = median(ours.seconds) <= P50
    return [name for name, reached in checks.items() if not reached]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--half", choices=("first", "second", "both"), default="second")
    parser.add_argument("--without-reranker", action="store_true")
    given = parser.parse_args()
    path = recording(given.data, "locomo/locomo10.json.xz")
    with tempfile.TemporaryDirectory() as folder:
        reranker = None if given.without_reranker else CrossEncoder()
        ours, peer = measured(path, given.half, Path(folder), reranker)
    models = {"embedder": MiniLM.name, "reranker": reranker.name if reranker else "none"}
    heading("Recall of LoCoMo's evidence", str(path), split=f"{given.half} half", seed="none", **models)
    for measure in get_args(Measure):
        print(f"{'':29}" + "  ".join(f"@{point:<4}" for point in POINTS[measure]))
        print("\n".join((*peer.lines("BM25", measure), *ours.lines("archive", measure))))
    print(f"  {'found, archive over BM25':28}" + "  ".join(f"{ours.of(0, k) / peer.of(0, k):.2f}" for k in KS))
    p50, p99 = median(ours.seconds), quantiles(ours.seconds, n=100)[98]
    print(f"  a question: p50 {p50 * 1e3:.1f} ms, p99 {p99 * 1e3:.1f} ms over {len(ours.seconds)} questions")
    record_figures(
        **{f"found_{k}": ours.of(0, k) for k in KS},
        **{f"bm25_{k}": peer.of(0, k) for k in KS},
        **{f"{name}_5": ours.of(category, 5) for category, name in ((1, "multi_hop"), (3, "open_domain"))},
        p50_ms=p50 * 1e3,
        p99_ms=p99 * 1e3,
    )
    lacking = missed(ours, peer)
    print("\n".join(f"missed: {one}" for one in lacking))
    return bool(lacking)


if __name__ == "__main__":
    sys.exit(main())
