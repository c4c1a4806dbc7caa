"""Needles in other words: 300 questions on what was told in a year, in a history of 1.2M tokens, and BM25 beside.

The facts and questions are those of `retold.py`. The first half of the year is a thread, from which a fork goes on. All
of it leaves the window. A question counts at k when the whole sentence that answers it stands in one of the first k
pieces; where a fact changed, that is the new sentence for what holds now, and the old one for what held before.
Printed beside: the share of a question's content words that stand in its answer (without names), how often the right
one of two versions comes first, the answers that fit a number of tokens, and how well the cosine of the best piece
tells questions on what was never said from the others (AUC).

    python -m tests.benchmarks.reworded --data DIR [--split tuning|report] [--tokens N] [--seed N] [--words]
        [--without-reranker]
"""

import argparse
import re
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from pathlib import Path
from statistics import fmean, median, quantiles

from agentmem.recall.archive import LanceArchive
from agentmem.recall.embedder import MiniLM
from agentmem.recall.pieces import Piece
from agentmem.recall.ranking import words_of
from agentmem.recall.reranker import CrossEncoder
from agentmem.tokens import count
from agentmem.transcript.journal import Journal, open_journal
from agentmem.types import Draft
from tests.benchmarks.data import DATA, recording
from tests.benchmarks.heading import heading, record_figures
from tests.benchmarks.needles import pages
from tests.benchmarks.retold import SPLITS, Question, every

KS = (1, 5, 10)
BUDGETS = (1_000, 2_000, 4_000)
MOST = 40
"""Pieces that are asked for to fill the largest of them."""
TARGETS = {1: 0.60, 5: 0.85}
P50 = 0.030
"""Seconds a question, the median."""
_PAGES = Path("handbook") / "sourcegraph-handbook-md.tar.xz"
_SMALL = frozenset(
    re.findall(
        "[a-z]+",
        "a an and any are as at be been before but by can could did do does for from had has have how i in is it its "
        "me much must my no not now of on or our should so than that the their them these they this to up use used was "
        "we what when where which who whom whose will with would you user",
    )
)

Search = Callable[[str, int], Sequence[Piece]]
Models = tuple[MiniLM | None, CrossEncoder | None]


@dataclass
class Tally:
    """Of each question with an answer: its rank (0 when it was not found) and whether each budget held it."""

    ranks: dict[str, list[int]] = field(default_factory=dict)
    held: dict[int, list[bool]] = field(default_factory=dict)
    versions: list[bool] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)

    def ask(self, question: Question, search: Search) -> None:
        began = time.perf_counter()
        search(question.text, max(KS))
        self.seconds.append(time.perf_counter() - began)
        texts = [piece.text for piece in search(question.text, MOST)]
        place = where(question.answer, texts)
        self.ranks.setdefault(question.group, []).append(place if place <= max(KS) else 0)
        used = list(accumulate(map(count, texts)))
        for budget in BUDGETS:
            self.held.setdefault(budget, []).append(place > 0 and used[place - 1] <= budget)
        other = where(question.other, texts) if question.other else 0
        if place or other:
            self.versions.extend([place > 0 and (not other or place < other)] if question.other else [])

    def at(self, k: int, group: str = "") -> float:
        ranks = self.ranks[group] if group else [one for some in self.ranks.values() for one in some]
        return fmean(0 < rank <= k for rank in ranks)

    def lines(self, name: str) -> Iterator[str]:
        for group in (*self.ranks, ""):
            number = len(self.ranks[group]) if group else sum(map(len, self.ranks.values()))
            shares = "  ".join(f"{self.at(k, group):.3f}" for k in KS)
            yield f"  {name:8} {group or 'all':22} {number:4}  {shares}"
        held = ", ".join(f"{fmean(self.held[budget]):.3f} in {budget:,}" for budget in BUDGETS)
        yield f"  {name:8} answers within so many tokens: {held}"
        yield f"  {name:8} right one of two versions first: {fmean(self.versions or [0]):.3f} of {len(self.versions)}"


def where(sentence: str, texts: Sequence[str]) -> int:
    """The rank of the first text that has the sentence, from 1; 0 when none has."""
    return next((at for at, text in enumerate(texts, 1) if sentence in text), 0)


def overlap(question: Question) -> float:
    """The share of a question's content words, names left out, whose first five letters stand in the answer."""
    words = [word for word in re.findall(r"[a-z]+", question.text) if word not in _SMALL]
    return fmean(word[:5] in question.answer for word in words) if words else 0.0


def separation(known: Sequence[float], never: Sequence[float]) -> float:
    """The share of pairs in which the question with an answer has the higher score (AUC)."""
    return fmean((one > other) + (one == other) / 2 for one in known for other in never)


def archived(journal: Journal, folder: Path, drafts: Sequence[Draft], models: Models) -> LanceArchive:
    """The history in an archive: its first half in one thread, the rest in a fork of it."""
    half = next(at for at in range(len(drafts) // 2, len(drafts)) if drafts[at].kind == "note")
    journal.append("early", drafts[:half], head=-1)
    journal.fork("early", half - 1, "main")
    journal.append("main", drafts[half:], head=journal.head("main"))
    archive = LanceArchive(journal, folder, *models)
    archive.keep("early", half - 1)
    archive.keep("main", journal.head("main"))
    archive.settle()
    return archive


def bm25(archive: LanceArchive) -> Search:
    """LanceDB's own BM25, with stems and without stop words, over the same texts."""
    spans = archive.spans("main")

    def search(question: str, most: int) -> list[Piece]:
        hits = archive.shelf.by_words(words_of(question), spans, most)
        pieces = archive.shelf.at([hit.place for hit in hits], spans)
        return [pieces[hit.place] for hit in hits]

    return search


@dataclass
class Measured:
    """What both searches reached, the best cosines by whether there is an answer, and what was built in which time."""

    ours: Tally
    peer: Tally
    fits: dict[str, list[float]]
    pieces: int
    seconds: float


def measured(drafts: Sequence[Draft], asked: Sequence[Question], models: Models) -> Measured:
    """All questions, asked of an archive of the history."""
    with tempfile.TemporaryDirectory() as folder, open_journal(Path(folder) / "journal.db") as journal:
        began = time.perf_counter()
        archive = archived(journal, Path(folder) / "archive", drafts, models)
        found = Measured(Tally(), Tally(), {}, archive.shelf.count(), time.perf_counter() - began)
        theirs = bm25(archive)
        for question in asked:
            best = archive.search("main", question.text, max(KS))
            group = "known" if question.answer else question.group
            found.fits.setdefault(group, []).append(max((piece.fit or 0.0 for piece in best), default=0.0))
            if question.answer:
                found.ours.ask(question, lambda text, most: archive.search("main", text, most))
                found.peer.ask(question, theirs)
        archive.close()
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--split", choices=SPLITS, default="report")
    parser.add_argument("--tokens", type=int, default=1_200_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--words", action="store_true", help="without the embedder, as before the embedding is done")
    parser.add_argument("--without-reranker", action="store_true")
    given = parser.parse_args()
    path = recording(given.data, _PAGES)
    year, drafts = every(list(pages(path, given.tokens)), given.split, given.seed)
    embedder = None if given.words else MiniLM()
    reranker = None if given.words or given.without_reranker else CrossEncoder()
    found = measured(drafts, year.asked, (embedder, reranker))
    names = {"embedder": embedder.name if embedder else "none, words alone"}
    names["reranker"] = reranker.name if reranker else "none"
    heading("Needles in other words", str(path), split=given.split, seed=given.seed, **names)
    tokens = sum(count(draft.data.decode()) for draft in drafts)
    print(f"  history: {tokens:,} tokens, {found.pieces:,} pieces, archived and embedded in {found.seconds:.0f} s")
    shared = fmean(overlap(question) for question in year.asked if question.answer)
    print(f"  content words of a question that stand in its answer: {shared:.3f}")
    print(f"  {'':37}" + "  ".join(f"R@{k:<3}" for k in KS))
    print("\n".join((*found.peer.lines("BM25"), *found.ours.lines("archive"))))
    apart = {name: separation(found.fits["known"], fits) for name, fits in found.fits.items() if name != "known"}
    print("\n".join(f"  AUC of {name}: {value:.3f}" for name, value in apart.items()))
    p50, p99 = median(found.ours.seconds), quantiles(found.ours.seconds, n=100)[98]
    print(f"  a question: p50 {p50 * 1e3:.1f} ms, p99 {p99 * 1e3:.1f} ms")

    record_figures(
        auc=apart,
        **{f"found_{k}": found.ours.at(k) for k in KS},
        **{f"bm25_{k}": found.peer.at(k) for k in KS},
        p50_ms=p50 * 1e3,
    )
    lacking = [f"R@{k} {found.ours.at(k):.3f} < {least}" for k, least in TARGETS.items() if found.ours.at(k) < least]
    lacking += [f"p50 {p50 * 1e3:.0f} ms"] if p50 > P50 else []
    print("\n".join(f"missed: {one}" for one in lacking))
    return int(bool(lacking))


if __name__ == "__main__":
    sys.exit(main())
