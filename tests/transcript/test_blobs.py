"""Bytes kept by their content."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentmem.errors import JournalCorrupt, UnknownReference
from agentmem.pages.snapshot import KeptPage
from agentmem.transcript import blobs
from agentmem.transcript.journal import Journal, open_journal


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
    """Sweeping deletes every other blob."""
    names = [blobs.put(journal.storage, bytes([one])) for one in range(5)]
    assert blobs.keep_only(journal.storage, names[:2]) == []
    assert blobs.present(journal.storage, names) == set(names[:2])


PART = st.text("abc\u00e9", min_size=1, max_size=2)
NAMES = st.lists(PART, min_size=1, max_size=4).map("/".join)


def put(journal: Journal, pages: dict[str, bytes]) -> tuple[str, int]:
    """Keeps a tree of these pages; gives its hash and how many blobs were new."""
    tree = blobs.planted({name: KeptPage(blobs.digest(data), 0o644) for name, data in pages.items()})
    folders, lacking = blobs.lacking(journal.storage, tree)
    for name in lacking.values():
        blobs.put(journal.storage, pages[name])
    for folder in folders:
        blobs.put(journal.storage, folder.data)
    return tree.name, len(folders) + len(lacking)


def without_clashes(names: list[str]) -> list[str]:
    """Names of which none is the folder of another."""
    return [name for name in names if not any(other.startswith(f"{name}/") for other in names)]


@given(st.lists(NAMES, unique=True).map(without_clashes))
def test_a_tree_reads_back(names: list[str]) -> None:
    """Every page comes back under its name; the order in which they were found means nothing."""
    pages = {name: KeptPage(blobs.digest(name.encode()), place % 512) for place, name in enumerate(names)}
    with open_journal(":memory:") as journal:
        tree = blobs.planted(pages)
        for folder in blobs.lacking(journal.storage, tree)[0]:
            blobs.put(journal.storage, folder.data)
        assert blobs.read_tree(journal.storage, tree.name) == pages
    assert blobs.planted(dict(reversed(pages.items()))).name == tree.name


def test_only_what_changed_is_put_again(journal: Journal) -> None:
    """One changed page of many costs itself and the folders above it."""
    pages = {f"folder{one}/page{two}.md": f"{one} {two}".encode() for one in range(5) for two in range(20)}
    assert put(journal, pages)[1] == 100 + 6
    assert put(journal, pages)[1] == 0
    assert put(journal, {**pages, "folder3/page7.md": b"new"})[1] == 3


def test_everything_of_a_tree_is_reached(journal: Journal) -> None:
    """What a tree is made of is known, so that sweeping keeps it."""
    root, made = put(journal, {"a.md": b"1", "d/b.md": b"2", "d/e/c.md": b"1"})
    seen: set[str] = set()
    blobs.reached(journal.storage, root, seen)
    assert len(seen) == made
    blobs.keep_only(journal.storage, seen)
    assert journal.storage.run("SELECT count(*) FROM blobs") == [(made,)]
