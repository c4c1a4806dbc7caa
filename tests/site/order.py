"""The order of the site: one table. A page that is named here and not there is left out; no page is left over."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"

NAVIGATION: Mapping[str, Sequence[str]] = {
    "Start": ("index.md", "getting-started.md"),
    "How to": (
        "how-to/langchain-agent.md",
        "how-to/claude-code-logs.md",
        "how-to/cut-a-context.md",
        "how-to/find-a-break.md",
        "how-to/answer-repeats.md",
        "how-to/coder-and-tester.md",
        "how-to/mcp.md",
        "how-to/local-models.md",
        "how-to/delegates-and-types.md",
        "how-to/import-pages.md",
        "ui.md",
        "otel.md",
        "postgres.md",
        "fleet.md",
        "warehouse.md",
    ),
    "Ideas": (
        "ideas/context.md",
        "ideas/prefix.md",
        "ideas/compaction.md",
        "ideas/recall.md",
        "ideas/pages.md",
        "ideas/tools.md",
        "ideas/answers.md",
        "ideas/team.md",
        "proof.md",
        "ideas/sandbox.md",
        "ideas/checkpoints.md",
        "ideas/ledger.md",
        "ideas/failures.md",
        "routing.md",
    ),
    "Measured": (
        "benchmarks.md",
        "context-metrics.md",
        "fidelity.md",
        "planner.md",
    ),
    "Reference": (
        "sources.md",
        "formats.md",
        "prices.md",
        "settings.md",
        "json.md",
    ),
}
"""The written pages, by their path below docs/."""

LAST = "Reference"
"""The part that pages come last in which stand in no row."""

COPIED: Mapping[str, str] = {
    "ARCHITECTURE.md": "architecture.md",
    "examples/README.md": "examples.md",
    "CONTRIBUTING.md": "contributing.md",
    "SECURITY.md": "security.md",
    "CHANGELOG.md": "changelog.md",
}
"""Pages from outside docs/ that are pages of the site as well."""


def parts() -> Iterator[tuple[str, list[str]]]:
    """Each part with its pages that are there; pages in no row come last in the part `LAST`."""
    named = {page for pages in NAVIGATION.values() for page in pages}
    there = sorted(path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md"))
    for part, pages in NAVIGATION.items():
        rest = [page for page in there if page not in named] if part == LAST else []
        yield part, [page for page in pages if (DOCS / page).is_file()] + rest
