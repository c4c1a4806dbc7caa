"""A writer is killed at random moments: what it was told is written stays written."""

import random

import pytest

from agentmem.transcript.journal import open_journal
from tests.transcript.databases import child, heard

WRITER = """
import random, sys
from agentmem.transcript.journal import open_journal
from agentmem.types import Draft
journal = open_journal(sys.argv[1])
with journal.lease("main"):
    head = journal.head("main")
    while True:
        batch = [Draft("note", f"{seq} ".encode() * random.choice([1, 100, 3000])) for seq in (head + 1, head + 2)]
        head = journal.append("main", batch, head=head)[-1].seq
        print(head, flush=True)
"""


@pytest.mark.parametrize("seed", range(3))
def test_a_killed_writer_loses_nothing(database_url: str, seed: int) -> None:
    """Every acknowledged entry is there after kill -9, whole; the next writer goes on at once, lease and all."""
    chance = random.Random(seed)
    for _ in range(3):
        with child(WRITER, database_url) as writer:
            acknowledged = [int(heard(writer)) for _ in range(chance.randrange(1, 40))]
            writer.kill()
            rest = writer.stdout.read().split("\n")[:-1] if writer.stdout else []
            acknowledged += [int(line) for line in rest]
        with open_journal(database_url) as journal:
            entries = list(journal.entries("main"))
            with journal.lease("main"):
                assert journal.head("main") == len(entries) - 1
        assert len(entries) % 2 == 0
        assert len(entries) > acknowledged[-1]
        for entry in entries:
            assert set(entry.data.decode().split(" ")) == {str(entry.seq), ""}
