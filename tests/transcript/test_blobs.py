"""Bytes kept by their content."""

import pytest

from agentmem.errors import JournalCorrupt, UnknownReference
from agentmem.transcript import blobs
from agentmem.transcript.journal import Journal


def test_bytes_come_back_and_are_kept_once(journal: Journal) -> None:
    """Any bytes read back by their hash, however often they were put."""
    data = [b"", b"text" * 1000, bytes(range(256)), b"text" * 1000]
    names = [blobs.put(journal.storage, one) for one in data]
    assert [blobs.get(journal.storage, name) for name in names] == data
    assert journal.storage.run("SELECT count(*) FROM blobs") == [(3,)]
    assert blobs.present(journal.storage, [*names, blobs.digest(b"other")]) == set(names)


def test_what_is_not_there_or_was_changed_is_told(journal: Journal) -> None:
    """A missing blob is an unknown reference; one whose bytes were changed does not come back as if it were right."""
    name = blobs.put(journal.storage, b"one")
    with pytest.raises(UnknownReference):
        blobs.get(journal.storage, blobs.digest(b"two"))
    for damage in (b"no zlib", b"x\x9c\x03\x00\x00\x00\x00\x01"):
        journal.storage.run("UPDATE blobs SET bytes = ?", damage)
        with pytest.raises(JournalCorrupt):
            blobs.get(journal.storage, name)


def test_only_what_is_named_stays(journal: Journal) -> None:
    """Sweeping deletes every other blob, and says how many."""
    names = [blobs.put(journal.storage, bytes([one])) for one in range(5)]
    assert blobs.keep_only(journal.storage, names[:2]) == 3
    assert blobs.present(journal.storage, names) == set(names[:2])
