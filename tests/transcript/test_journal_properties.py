"""Any sequence of appends and forks reads back byte for byte; racing writers lose and double nothing."""

import threading
from itertools import count

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agentmem.errors import ThreadBusy
from agentmem.transcript.journal import Journal, open_journal
from agentmem.types import Draft, EntryKind
from tests.transcript.databases import child, heard, note, tell

KINDS: tuple[EntryKind, ...] = ("user", "assistant", "tool_result", "usage", "compaction")
drafts = st.lists(
    st.builds(Draft, st.sampled_from(KINDS), st.binary(max_size=40) | st.binary(min_size=4000, max_size=6000)),
    min_size=1,
    max_size=4,
)
appends = st.tuples(st.just("append"), st.integers(0, 9), drafts)
forks = st.tuples(st.just("fork"), st.integers(0, 9), st.floats(0, 1))
examples = count()

RACER = """
import sys
from agentmem.transcript.journal import open_journal
from agentmem.errors import ThreadBusy
from agentmem.types import Draft
url, name, rounds = sys.argv[1:]
with open_journal(url) as journal:
    print("open", flush=True)
    sys.stdin.readline()
    for number in range(int(rounds)):
        while True:
            try:
                journal.append("main", [Draft("note", f"{name} {number} {part}".encode()) for part in "ab"],
                               head=journal.head("main"))
                break
            except ThreadBusy:
                pass
print("done", flush=True)
"""


@settings(
    max_examples=40,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(steps=st.lists(appends | forks, max_size=12))
def test_everything_reads_back(
    database_url: str, journal: Journal, steps: list[tuple[str, int, list[Draft] | float]]
) -> None:
    """After any sequence of appends and forks each thread, reference and kind reads as it was written."""
    example = next(examples)
    model: list[list[Draft]] = [[]]
    starts = [0]
    for _, number, what in steps:
        thread = number % len(model)
        if isinstance(what, list):
            journal.append(f"{example}/{thread}", what, head=len(model[thread]) - 1)
            model[thread].extend(what)
        elif model[thread]:
            at = int(what * (len(model[thread]) - 1))
            journal.fork(f"{example}/{thread}", at, f"{example}/{len(model)}")
            model.append(model[thread][: at + 1])
            starts.append(at + 1)
    with open_journal(database_url) as other:
        for thread, expected in enumerate(model):
            name = f"{example}/{thread}"
            assert [Draft(entry.kind, entry.data) for entry in other.entries(name)] == expected
            assert other.head(name) == len(expected) - 1
            for seq, draft in enumerate(expected):
                assert other.entry(f"{name}/{seq}").data == draft.data
            own = [entry.data for kind in KINDS for entry in other.own(name, kind)]
            assert own == [one.data for kind in KINDS for one in expected[starts[thread] :] if one.kind == kind]


def test_racing_threads(database_url: str) -> None:
    """Of writers with the same head exactly one wins each place: nothing is lost, doubled or interleaved."""
    rounds, won = 15, []

    def race(name: str) -> None:
        with open_journal(database_url) as journal:
            head = -1
            while head < rounds - 1:
                try:
                    entry = journal.append("main", [note(f"{name} {head}")], head=head)[0]
                    won.append((entry.seq, name))
                    head = entry.seq
                except ThreadBusy:
                    head = journal.head("main")

    racers = [threading.Thread(target=race, args=(name,)) for name in "abc"]
    for racer in racers:
        racer.start()
    for racer in racers:
        racer.join()
    with open_journal(database_url) as journal:
        entries = list(journal.entries("main"))
    assert sorted(seq for seq, _ in won) == [entry.seq for entry in entries]
    assert {(entry.seq, entry.data.decode().split()[0]) for entry in entries} == set(won)


def test_racing_processes(database_url: str) -> None:
    """Two processes that append to one thread: each pair of entries is there once, whole, in its writer's order."""
    rounds = 40
    with child(RACER, database_url, "x", str(rounds)) as one, child(RACER, database_url, "y", str(rounds)) as two:
        assert (heard(one), heard(two)) == ("open", "open")
        tell(one, "go")
        tell(two, "go")
        assert (heard(one), heard(two)) == ("done", "done")
    with open_journal(database_url) as journal:
        texts = [entry.data.decode() for entry in journal.entries("main")]
    assert [text[:-2] for text in texts[::2]] == [text[:-2] for text in texts[1::2]]
    for name in "xy":
        expected = [f"{name} {number} {part}" for number in range(rounds) for part in "ab"]
        assert [text for text in texts if text[0] == name] == expected
    assert len(texts) == 4 * rounds
