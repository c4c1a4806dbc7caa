"""Work in proportion to size: CPU time of reading, listing, searching and offloading at n and at 4 n, on hard inputs.

A function is quadratic where four times as much takes sixteen times as long; the target is at most seven, and each
input below a ceiling in seconds.
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from agentmem.context.offload import Offload, offloaded
from agentmem.menu.builtin import part_of
from agentmem.menu.toolbox import cut
from agentmem.pages.workspace import Workspace
from agentmem.tokens import count
from agentmem.types import Text
from tests.benchmarks.heading import heading, record_figures

RATIO, CEILING, LEAST = 7.0, 10.0, 0.05
"""Times as long at 4 n; seconds at 4 n; seconds below which a ratio says nothing."""
PAGES: dict[str, tuple[int, Callable[[int], str]]] = {
    "headings": (25_000, lambda n: "".join(f"# h{at}\n" for at in range(n))),
    "nested headings": (25_000, lambda n: "".join("#" * (at % 6 + 1) + f" h{at}\n" for at in range(n))),
    "one long line": (100_000, lambda n: "word " * n),
    "lines": (100_000, lambda n: "word word\n" * n),
    "links": (5_000, lambda n: "".join(f"# h{at}\n[a](#h{at})\n" for at in range(n))),
    "brackets in a heading": (500_000, lambda n: "# " + "[" * n + "\n"),
    "lists": (20_000, lambda n: "- a\n" * n),
    "a run without a space": (1_000_000, lambda n: "a" * n),
}
LOOKS: dict[str, Callable[[Workspace], object]] = {
    "read": lambda workspace: workspace.render("p.md"),
    "outline": lambda workspace: workspace.outline("p.md"),
    "links": lambda workspace: workspace.links("p.md"),
    "find": lambda workspace: workspace.search("word h5"),
}
RESULTS: dict[str, Callable[[str], object]] = {
    "offload": lambda text: offloaded((Text(text),), "t/1", Offload()),
    "cap": lambda text: cut(text, 8_000),
    "recall": lambda text: part_of(text, 2),
}
RESULT = 1_125_000  # lines of four characters: 4.5 MB, and 18 MB


def cpu(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began


def of_pages() -> dict[str, list[float]]:
    """Seconds at n and 4 n, by input and function."""
    found: dict[str, list[float]] = {}
    for shape, (size, make) in PAGES.items():
        for number in (size, 4 * size):
            with tempfile.TemporaryDirectory() as folder, Workspace(folder) as workspace:
                workspace.write("p.md", make(number))
                for name, look in LOOKS.items():
                    found.setdefault(f"{name}: {shape}", []).append(cpu(lambda: look(workspace)))  # noqa: B023
    return found


def of_results() -> dict[str, list[float]]:
    texts = ["abc\n" * RESULT, "abc\n" * 4 * RESULT]
    return {f"{name}: a result": [cpu(lambda: work(text)) for text in texts] for name, work in RESULTS.items()}  # noqa: B023


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", help="not needed: the texts are made here")
    parser.add_argument("--json", type=Path, help="where to write what was measured")
    given = parser.parse_args()
    heading("work in proportion", "made here, no chance in it", seed="none", target=f"{RATIO} x at 4 n, {CEILING} s")
    count("the encoding is loaded before")
    found = of_pages() | of_results()
    missed = []
    for name, (small, large) in found.items():
        ratio = large / max(small, LEAST)
        bad = ratio > RATIO or large > CEILING
        missed += [name] if bad else []
        print(f"  {name:34} {small:7.2f} s {large:7.2f} s {ratio:6.1f} x{'  MISSED' if bad else ''}")
    record_figures(**found)
    if given.json:
        given.json.write_text(json.dumps(found, indent=1), encoding="utf-8")
    return int(bool(missed))


if __name__ == "__main__":
    sys.exit(main())
