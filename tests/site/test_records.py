"""The records of benchmarks, and the page that is made of them."""

import json
import re
import tempfile
from pathlib import Path
from threading import Thread

import pytest

from tests.benchmarks.__main__ import COUNTING, NAMES, longest_first
from tests.benchmarks.heading import ROOT
from tests.benchmarks.records import SMALL, Record, Running, hidden, made, run, table
from tests.site.benchmarks import PAGE, RECORDS, embedded, page, records
from tests.site.held import ROWS
from tests.site.order import DOCS
from tests.site.tables import TABLES

TIMES_SHOWN = frozenset({"block_cache", "needles"})
"""What prints a time that no target speaks of."""
LINE = (
    '{"schema": 1, "benchmark": "turn", "commit": "abc", "data": "made", "settings": {"seed": 7}, "figures": {"x": 2}}'
)


def test_a_record_has_what_the_benchmark_said(tmp_path: Path) -> None:
    """Figures, settings and commit come from its line of JSON, the rest is kept as printed; it reads back whole."""
    record = made("turn", "met", ["a turn", "  x: 2", LINE], 3.21, ("--seeds", "2"))
    assert record.figures == {"x": 2} and record.settings == {"seed": 7} and record.printed == ["a turn", "  x: 2"]
    assert record.command == "python -m tests.benchmarks.turn --seeds 2"
    record.write(tmp_path / "turn.json")
    assert Record.read(tmp_path / "turn.json") == record
    assert record.of("abc") and not record.of("abd") and Record.read(tmp_path / "none.json") is None


def test_what_was_printed_keeps_no_folder_of_the_machine() -> None:
    """Whoever made it: a scratch folder of another program's, too; what is a path in a text only stays."""
    logs = Path(tempfile.gettempdir()) / "ray" / "session_2026" / "logs"
    assert hidden(f"Full logs are in {logs}, and /etc/hosts", "data") == "Full logs are in SCRATCH, and /etc/hosts"
    assert hidden("read data/a.jsonl", "data") == "read DIR/a.jsonl"


def test_a_benchmark_that_takes_too_long_is_ended() -> None:
    """After its limit it is stopped, with what it printed until then, and the run goes on."""
    record = run("import_time", "nowhere", limit=0.01)
    assert record.outcome == "too long" and record.benchmark == "import_time"


def test_a_record_has_the_seconds_of_the_processor() -> None:
    """Those of the process and of what it waited for: a busy machine makes a run longer, and these hardly."""
    record = run("no_such_benchmark", "nowhere")
    assert record.processor > 0 and "| of the processor |" in table([record])


def test_what_runs_beside_others_is_ended_with_them() -> None:
    """What is ended while it runs ends at once; later nothing is left that could be ended."""
    running, found = Running(), list[Record]()
    thread = Thread(target=lambda: found.append(run("cheats", "nowhere", beside=running)))
    thread.start()
    while not running.groups and thread.is_alive():
        thread.join(0.01)
    running.end()
    thread.join()
    assert found[0].outcome == "failed (-9)" and running.groups == []


def test_only_benchmarks_run_beside_others() -> None:
    """Each name in the table of those that only count is a benchmark, and none promises a time in its target."""
    assert set(NAMES) >= COUNTING
    for name in COUNTING:
        source = (ROOT / "tests" / "benchmarks" / f"{name}.py").read_text(encoding="utf-8")
        assert not re.search(r"MOST_MS|MOST_SECONDS|TARGET_MS|\bP50\b|process_time|getrusage", source), name
        assert name in TIMES_SHOWN or "perf_counter" not in source, name


def test_the_longest_begins_first(tmp_path: Path) -> None:
    """What takes longest by its record does not stand at a lane's end; what has no record may take longest of all."""
    for name, seconds, processor in (("short", 1.0, 0.0), ("long", 300.0, 0.0), ("middle", 900.0, 60.0)):
        Record(name, "met", seconds=seconds, processor=processor).write(tmp_path / f"{name}.json")
    assert longest_first(["short", "new", "long", "middle"], tmp_path) == ["new", "long", "middle", "short"]


def test_a_benchmark_that_fails_is_named() -> None:
    """A module that is not there ends as failed; the table counts it, and what was met."""
    failed = run("no_such_benchmark", "nowhere")
    assert failed.outcome == "failed (1)" and failed.printed
    shown = table([failed, Record("turn", "met", seconds=60.0)])
    assert "| no_such_benchmark | failed (1) |" in shown and "1 of 2 met" in shown


@pytest.mark.parametrize("name", NAMES)
def test_every_benchmark_is_run_and_heard_in_one_way(name: str) -> None:
    """All are run in one way, those that need no recording too, and each says its commit and keeps its figures."""
    source = (ROOT / "tests" / "benchmarks" / f"{name}.py").read_text(encoding="utf-8")
    assert any(way in source for way in ('add_argument("--data"', "data_file(", "sizes(__doc__)"))
    assert "heading(" in source and "record_figures(" in source


def test_the_page_is_made_of_the_records() -> None:
    """`python -m tests.site.benchmarks` writes the page that stands in docs/."""
    assert PAGE.read_text(encoding="utf-8") == page(records())


@pytest.mark.parametrize("path", sorted(DOCS.rglob("*.md")), ids=lambda path: path.stem)
def test_what_pages_show_of_records_is_what_they_say(path: Path) -> None:
    """A block that is marked as a record's has what it printed: `python -m tests.site.benchmarks` fills it in."""
    text = path.read_text(encoding="utf-8")
    assert embedded(text, records()) == text
    names = (name for found in re.findall("<!-- figures of (.*?) -->", text) for name in found.split(", "))
    assert set(names) <= TABLES.keys() | ROWS.keys()


def test_a_marked_block_is_filled_in() -> None:
    """With the lines of its record, without the heading; others stay as they are."""
    record = Record("turn", "met", printed=["turn", "  commit: abc", "  x: 2", "    y 3", "  reached"])
    marked = '```text why="from the record of {}"\nold\n```\n'
    assert embedded(marked.format("turn"), {"turn": record}) == marked.format("turn").replace("old", "  x: 2\n    y 3")
    assert embedded(marked.format("none"), {"turn": record}) == marked.format("none")


def test_a_marked_table_has_a_row_for_each_benchmark() -> None:
    """With what was found, or that it was not run; what stood between the marks is gone."""
    marked = "before\n<!-- figures of cheats, turn -->\nold\n<!-- end of figures -->\nafter\n"
    filled = embedded(marked, {name: one for name, one in records().items() if name == "turn"})
    rows = [line for line in filled.splitlines() if line.startswith("|")]
    assert "no record | not run" in rows[2] and records()["turn"].outcome in rows[3] and "old" not in filled
    assert filled.startswith("before\n") and filled.endswith("after\n") and embedded(filled, records()) != filled


@pytest.mark.parametrize("path", sorted(RECORDS.glob("*.json")), ids=lambda path: path.stem)
def test_a_record_is_of_a_clean_commit(path: Path) -> None:
    """It names its commit, its figures and how it ended, is small, and has no path of the machine that it ran on."""
    text = path.read_text(encoding="utf-8")
    kept = json.loads(text)
    assert kept["benchmark"] == path.stem and kept["outcome"] in ("met", "missed")
    assert kept["commit"] and not kept["commit"].endswith("+") and kept["figures"]
    assert len(text) < 80_000 and not re.search(r"(?<![\w.])/(?:home|root|Users|work|tmp|srv)/", text)


def test_rows_and_small_settings_name_benchmarks() -> None:
    """Each row of the page and each small setting is of a benchmark that there is."""
    assert ROWS.keys() | SMALL.keys() <= set(NAMES)
