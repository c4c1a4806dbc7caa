"""agentmem.report.logs.quick: what is read quickly is what the format's own reader reads, but for texts."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agentmem.meter.ledger import Row
from agentmem.report.loading import Observed, load_paths
from agentmem.report.logs.columns import identity
from agentmem.report.logs.quick import QuickReading, scanned
from agentmem.report.logs.reading import QUICK, WorkItem, begun, read_log, taken
from agentmem.report.logs.rows import column_rows
from tests.replay.logs import Log, call, text, used

SIDE: dict[str, Any] = {"isSidechain": True, "agentId": "a7"}
"""What marks a sub-agent's record."""


class Happening:
    """A log in which things happen, one after the other."""

    def __init__(self) -> None:
        self.log, self.replies, self.before = Log(), 0, list[str]()

    def work(self, number: int) -> None:
        """A request with a reply of one or two lines, and the call's result."""
        self.replies += 1
        blocks = [text("word " * number), call(f"c{self.replies}")][: 1 + number % 2]
        self.before.append(self.log.last or "")
        self.log.reply(f"m{self.replies}", *blocks, usage=used(number, 1_000 + number, 900 * self.replies))
        self.log.result(f"c{self.replies}", "seven " * number)

    def prompt(self, number: int) -> None:
        """A person says something."""
        self.log.prompt("go " * (number + 1))

    def rewind(self, number: int) -> None:
        """A person goes back to an earlier point."""
        if self.before:
            self.log.prompt("no, otherwise", self.before[number % len(self.before)])

    def clear(self, number: int) -> None:
        """A conversation that begins anew."""
        self.log.prompt("something else", None)

    def compact(self, number: int) -> None:
        """A summary stands for what was there."""
        self.log.add("system", None, subtype="compact_boundary")
        self.log.prompt("What was done so far.", isCompactSummary=True)

    def empty(self, number: int) -> None:
        """Old results are emptied."""
        self.log.add("system", subtype="microcompact_boundary", microcompactMetadata={"compactedToolIds": ["c1"]})

    def resume(self, number: int) -> None:
        """Another process takes the session up."""
        block = text("No response requested.")
        self.log.add("assistant", message={"role": "assistant", "model": "<synthetic>", "content": [block]})

    def wait(self, number: int) -> None:
        """A pause, now and then longer than the cache lives."""
        self.log.now += 60 * number

    def delegate(self, number: int) -> None:
        """A sub-agent's request."""
        self.replies += 1
        self.log.prompt("look", **SIDE)
        self.log.reply(f"s{self.replies}", text("Found."), usage=used(5, 4_000, 100 * number), **SIDE)

    def copy(self, number: int) -> None:
        """A sub-agent's records repeat a reply of the main conversation."""
        self.log.reply(f"m{max(1, self.replies)}", text("again"), usage=used(5, 4_000, 0), **SIDE)

    def beside(self, number: int) -> None:
        """A record that is no part of a conversation."""
        self.log.add(["progress", "attachment", "summary", "queue-operation"][number % 4], data={"usage": number})


KINDS: tuple[Callable[[Happening, int], None], ...] = (
    *(Happening.work, Happening.prompt, Happening.rewind, Happening.clear, Happening.compact, Happening.empty),
    *(Happening.resume, Happening.wait, Happening.delegate, Happening.copy, Happening.beside),
)
EVENTS = st.lists(st.tuples(st.sampled_from([*KINDS, *[Happening.work] * 6]), st.integers(0, 12)), max_size=60)


def happened(events: list[tuple[Callable[[Happening, int], None], int]]) -> bytes:
    """The log of these events, with a request in it."""
    made = Happening()
    made.prompt(1)
    made.work(1)
    for kind, number in events:
        kind(made, number)
    return "".join(json.dumps(record) + "\n" for record in made.log.records).encode()


def told(rows: list[Row]) -> list[tuple[Any, ...]]:
    """What a list and a report on a folder need of rows."""
    return [tuple(getattr(row, name) for name in NEEDED) for row in rows]


NEEDED = ("thread", "agent", "model", "usage", "at", "cost_usd", "cost_uncached_usd", "price_row", "break_")


def quick(reading: QuickReading) -> list[Row]:
    """The rows of what was read quickly."""
    return [row for one in column_rows(reading.columns(), str(reading.log.file.path), QUICK) for row in one.rows]


def exact(path: Path) -> list[Row]:
    """The rows that the format's own reader gives."""
    return [row for one in load_paths([path]) if isinstance(one, Observed) for row in one.rows]


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(EVENTS)
def test_rows_are_those_of_the_formats_own_reader(tmp_path: Path, events: Any) -> None:
    """Requests, times, tokens, dollars, rows of price lists, and how each relates to the one before."""
    path = tmp_path / "s.jsonl"
    path.write_bytes(happened(events))
    rows, own = quick(scanned(path)), exact(path)
    assert told(rows) == told(own)
    assert [row.message_id for row in rows] == [f"{identity(row.message_id):016x}" for row in own]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(EVENTS, st.lists(st.integers(0, 10_000), max_size=6))
def test_what_has_grown_reads_as_if_it_were_new(tmp_path: Path, events: Any, ends: list[int]) -> None:
    """Wherever a log ended when it was read before, also within a line, reading on gives all of it, once."""
    whole, path = happened(events), tmp_path / "s.jsonl"
    path.write_bytes(b"")
    reading = QuickReading(path)
    for end in sorted({end % (len(whole) + 1) for end in ends}):
        with path.open("ab") as file:
            file.write(whole[path.stat().st_size : end])
        reading.read()
        quick(reading)
    with path.open("ab") as file:
        file.write(whole[path.stat().st_size :])
    reading.read()
    assert told(quick(reading)) == told(quick(scanned(path)))


@pytest.mark.parametrize(
    "line",
    [
        '{"type": "assistant", "message": 5, "content": 5, "timestamp": []}',
        '{"type": "assistant", "message": {"id": "m99", "role": "assistant", "content": "x"}}',
        '{"usage": {}}',
        '["usage", {}]',
        "hello",
        '{"type": "user"} {"type": "user"}',
    ],
)
def test_what_is_not_understood_is_left_to_the_reader(tmp_path: Path, line: str) -> None:
    """Nothing is guessed: such a log is read by its format's own reader, and what it passes over is named."""
    path = tmp_path / "s.jsonl"
    path.write_bytes(happened([]) + line.encode() + b"\n")
    found, skipped = list[Observed](), list[tuple[str, int, str]]()
    for one in load_paths([path]):
        if isinstance(one, Observed):
            found.append(one)
        else:
            skipped.append((one.path, one.line, one.reason))
    read = read_log(WorkItem(str(path), 0, 0))
    assert read.rows
    assert read.skipped == skipped
    assert sum(len(one.turns) for one in found) == len(read.identities) // 8


def test_a_last_line_that_is_cut_off_is_named(tmp_path: Path) -> None:
    """As the format's own reader names it; so is a log without a request."""
    for name, data in (("cut", happened([])[:-20]), ("none", b'{"type": "summary", "summary": "x"}\n')):
        path = tmp_path / f"{name}.jsonl"
        path.write_bytes(data)
        reading = begun(path)
        assert reading is not None
        own = [(one.path, one.line, one.reason) for one in load_paths([path]) if not isinstance(one, Observed)]
        assert taken(reading).skipped == own and own


def test_no_text_is_kept_in_memory(tmp_path: Path) -> None:
    """A log of many megabytes of results is read with frames of a few bytes."""
    log = Log()
    log.prompt("x" * 100_000)
    log.reply("m1", text("y" * 100_000), usage=used(1, 2, 3))
    reading = scanned(log.write(tmp_path / "s.jsonl"))
    [conversation] = reading.log.reading.conversations.values()
    frames = [*conversation.live, *conversation.drafts[0].reply]
    assert max(len(str(one.value)) + len(one.data) for one in frames) < 200
