"""A workspace of 900 real pages: how fast it opens, opens again and is searched, and that no byte is lost."""

import random
import shutil
import statistics
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path

from agentmem.pages.markdown import outline, parse, parsed_outline, parser
from agentmem.pages.workspace import Workspace
from agentmem.tokens import count
from tests.benchmarks.data import data_file
from tests.benchmarks.heading import heading, record_figures

ROUNDS = 5
QUERIES = 120
SEED = 20
LEAST_SPEED = 4.0  # MB/s, opening + outlining + counting
MOST_AGAIN = 0.10  # of the time of the first opening
MOST_MEDIAN, MOST_P95 = 0.025, 0.050  # seconds a search: "well under 50 ms"
TARGET = "open at least 4 MB/s, again in under 10 %, search well under 50 ms, all pages byte for byte"

_ARCHIVE = "handbook/sourcegraph-handbook-md.tar.xz"


def unpacked(path: Path, folder: Path) -> Path:
    """The handbook's pages, in a folder of their own."""
    with tarfile.open(path) as archive:
        archive.extractall(folder, filter="data")
    return folder


def opened(root: Path) -> tuple[Workspace, float]:
    """An open workspace whose pages are all outlined and counted, and the seconds that it took."""
    start = time.perf_counter()
    workspace = Workspace(root)
    for name in workspace.tokens():
        workspace.outline(name)
    return workspace, time.perf_counter() - start


def opening(root: Path) -> tuple[float, float, float]:
    """Seconds of opening anew, of the processor in that, and of opening again unchanged.

    The fastest of the rounds: the one that other programs disturbed least.
    """
    first, busy, again = list[float](), list[float](), list[float]()
    for _ in range(ROUNDS):
        shutil.rmtree(root / ".agentmem", ignore_errors=True)
        start = time.process_time()
        workspace, seconds = opened(root)
        busy.append(time.process_time() - start)
        first.append(seconds)
        workspace.close()
        workspace, seconds = opened(root)
        again.append(seconds)
        workspace.close()
    return min(first), min(busy), min(again)


def plain(pages: Sequence[bytes]) -> float:
    """Seconds that the parts alone take: markdown-it's whole parser and one count a page, nothing kept."""
    markdown = parser()
    start = time.perf_counter()
    for data in pages:
        text = data.decode()
        markdown.parse(text)
        count(text)
    return time.perf_counter() - start


def damaged(pages: Sequence[bytes]) -> int:
    """Pages that do not come back byte for byte from their sections, or whose sections are not markdown-it's."""
    wrong = 0
    for data in pages:
        joined = b"".join(data[start:end] for start, end in pairwise(parse(data).cuts()))
        wrong += joined != data or outline(data) != parsed_outline(data)
    return wrong


def queries(workspace: Workspace, names: Sequence[str], chosen: random.Random) -> list[tuple[str, str]]:
    """Searches and the page each was taken from: headings, words out of lines, and questions."""
    found = list[tuple[str, str]]()
    while len(found) < QUERIES:
        name = chosen.choice(names)
        page = workspace.page(name)
        titles = [one.title for one in page.sections if len(one.title) > 8]
        words = [word for word in page.text.split() if word.isalpha() and len(word) > 4]
        if titles and len(words) > 5:
            title = chosen.choice(titles)
            forms = (title, " ".join(chosen.sample(words, 3)), f"how do we handle {title} in the company?", words[0])
            found.append((forms[len(found) % len(forms)], name))
    return found


def timed(work: Callable[[str], object], asked: Sequence[str]) -> list[float]:
    """Seconds of each call."""
    times = []
    for query in asked:
        start = time.perf_counter()
        work(query)
        times.append(time.perf_counter() - start)
    return times


def searching(root: Path) -> tuple[float, float, float, float, float]:
    """Seconds of the first search, the median and the 95th percentile of the rest, a scan's median; hits in ten."""
    workspace = Workspace(root)
    names = [name for name in workspace.tokens() if name.endswith(".md")]
    asked = queries(workspace, names, random.Random(SEED))
    first = timed(workspace.search, ["handbook"])[0]
    texts = [workspace.text(name) for name in names]
    times = timed(workspace.search, [query for query, _ in asked])
    scan = timed(
        lambda query: [text for text in texts if query.lower() in text.lower()], [one for one, _ in asked[:20]]
    )
    hits = sum(page in {hit.page for hit in workspace.search(query)} for query, page in asked)
    workspace.close()
    p95 = statistics.quantiles(times, n=20)[-1]
    return first, statistics.median(times), p95, statistics.median(scan), hits / len(asked)


def main() -> int:
    path = data_file(__doc__, _ARCHIVE)
    split = "all pages; 120 queries from random pages"
    heading("handbook", f"{_ARCHIVE}", split=split, seed=SEED, rounds=ROUNDS, target=TARGET)
    with tempfile.TemporaryDirectory(prefix="agentmem-") as folder:
        return measured(unpacked(path, Path(folder)))


def measured(root: Path) -> int:
    """Measure and print; 1 when a target is missed."""
    pages = [path.read_bytes() for path in sorted(root.rglob("*.md"))]
    size = sum(map(len, pages)) / 1e6
    start = time.perf_counter()
    count("")
    print(f"  loading the token ranks, once a process and not counted below: {time.perf_counter() - start:.2f} s")
    wrong, parts = damaged(pages), min(plain(pages) for _ in range(2))
    first, busy, again = opening(root)
    indexing, median, p95, scan, hits = searching(root)
    print(f"  {len(pages)} pages, {size:.2f} MB; not byte for byte: {wrong}")
    print(f"  open, outline, count: {first:.2f} s = {size / first:.1f} MB/s = {first / parts:.2f} x the parts alone")
    print(f"  processor time in that: {busy:.2f} s = {size / busy:.1f} MB/s on one core")
    print(f"  again, unchanged: {again:.3f} s = {again / first:.1%} of that")
    print(f"  search: median {median * 1000:.1f} ms, p95 {p95 * 1000:.1f} ms; first, with indexing: {indexing:.2f} s")
    print(f"  search is {scan / median:.1f} x as fast as reading all text once; page found in ten hits: {hits:.0%}")
    record_figures(
        pages=len(pages),
        megabytes_a_second=size / first,
        again=again / first,
        search_median_ms=median * 1e3,
        search_p95_ms=p95 * 1e3,
        damaged=wrong,
    )
    targets = (
        wrong == 0,
        size / first >= LEAST_SPEED,
        again / first < MOST_AGAIN,
        median <= MOST_MEDIAN,
        p95 <= MOST_P95,
    )
    print(f"  {'all targets met' if all(targets) else 'TARGET MISSED'}")
    return int(not all(targets))


if __name__ == "__main__":
    sys.exit(main())
