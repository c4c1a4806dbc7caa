"""Tables on a real object store: leases instead of file locks, writers on several hosts, and outages."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from agentmem.errors import ArchiveError
from agentmem.objects import located
from agentmem.recall.archive import LanceArchive
from agentmem.recall.places import FolderPlace, ObjectPlace, placed
from agentmem.recall.shelf import PIECES
from agentmem.recall.tables import Tables
from agentmem.transcript.journal import Journal, open_journal
from tests.faulty import Outage, faulty
from tests.objects import ObjectServer
from tests.recall.threads import Hashed, begun


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Journal]:
    with open_journal(tmp_path / "run.db") as opened:
        yield opened


def at(server: ObjectServer, prefix: str, journal: Journal, user: str = "owner") -> ObjectPlace:
    return ObjectPlace(located(server.url(prefix), server.environ(user)), journal.lease)


def rows(keys: range) -> list[dict[str, object]]:
    texts = dict.fromkeys(("thread", "day", "speaker", "kind", "sha256", "words"), "t")
    return [{"key": f"k{key}", **texts, **dict.fromkeys(("seq", "place", "part", "lead"), key)} for key in keys]


def test_a_path_is_a_folder_and_an_address_is_object_storage(tmp_path: Path, own: Journal) -> None:
    """The address needs the leases of a database."""
    assert isinstance(placed(tmp_path), FolderPlace)
    assert isinstance(placed("s3://agents/a", own.lease), ObjectPlace)
    with pytest.raises(ArchiveError, match="needs a database for its leases"):
        placed("s3://agents/a")


def test_one_holder_at_a_time_looks_after_a_place(objects: ObjectServer, own: Journal, tmp_path: Path) -> None:
    """Also when the other one came by another connection; the lease is free again when it is left."""
    with open_journal(tmp_path / "run.db") as other:
        here, there = at(objects, "owned", own), at(objects, "owned", other)
        with here.owned() as mine, there.owned() as theirs:
            assert (mine, theirs) == (True, False)
        with there.owned() as theirs:
            assert theirs


def test_two_writers_of_half_the_same_rows_leave_none_twice(
    objects: ObjectServer, own: Journal, tmp_path: Path
) -> None:
    """Both make the table, both merge in turn, and each key is there once."""
    with open_journal(tmp_path / "run.db") as other:
        writers = [Tables(at(objects, "merged", journal)) for journal in (own, other)]
        started = threading.Barrier(2)

        def write(tables: Tables, first: int) -> None:
            started.wait()
            table = tables.table("pieces", PIECES)
            for at_key in range(first, first + 300, 100):
                tables.add(table, rows(range(at_key, at_key + 100)))

        threads = [
            threading.Thread(target=write, args=(one, first)) for one, first in zip(writers, (0, 150), strict=True)
        ]
        for one in threads:
            one.start()
        for one in threads:
            one.join()
        keys = writers[0].table("pieces", PIECES).search().select(["key"]).limit(None).to_arrow()["key"].to_pylist()
    assert len(keys) == len(set(keys)) == 450


def test_an_archive_in_a_bucket_is_one_for_all_hosts(objects: ObjectServer, own: Journal, tmp_path: Path) -> None:
    """What one wrote and embedded another finds; nothing is made on the disk."""
    last = begun(own, "main", "The boat is red.", "The harbour opens at six.", "Anna keeps bees.")
    here = LanceArchive(own, at(objects, "archive", own), Hashed())
    here.keep("main", last)
    here.settle()
    here.close()
    with open_journal(tmp_path / "run.db") as other:
        there = LanceArchive(other, at(objects, "archive", other), Hashed())
        assert there.search("main", "when does the harbour open", 1)[0].text == "The harbour opens at six."
        there.forget("main")
        assert there.shelf.count() == 0
        there.close()
    assert {one.name for one in tmp_path.iterdir()} <= {"run.db", "run.db-wal", "run.db-shm"}


def test_a_missing_right_is_a_sentence(objects: ObjectServer, own: Journal) -> None:
    """It names the address and what is lacking, and that nothing is lost."""
    tables = Tables(at(objects, "forbidden", own, "reader"))
    with pytest.raises(ArchiveError, match=r"lack a right at s3://agents/forbidden.*Nothing is lost"):
        tables.table("pieces", PIECES)


def test_tables_wait_for_an_outage_to_pass(objects: ObjectServer, own: Journal) -> None:
    """What was being written stands afterwards, once."""
    outage = Outage(objects.endpoint, 503, left=0)
    with faulty(outage) as endpoint:
        place = ObjectPlace(replace(located(objects.url("away"), objects.environ()), endpoint=endpoint), own.lease)
        tables = Tables(place)
        table = tables.table("pieces", PIECES)
        outage.left = 7
        tables.add(table, rows(range(10)))
        assert table.count_rows() == 10
    assert outage.left == 0
    assert outage.met == 7
