"""The index reads a file again only if it may have changed, and parses only new content."""

from pathlib import Path

from agentmem.pages.cache import Cache
from agentmem.pages.digest import digest, dump
from agentmem.pages.files import Files
from agentmem.pages.index import PageIndex, totals
from agentmem.pages.page import make, whole
from agentmem.pages.render import outline


def test_a_file_that_cannot_have_changed_is_not_read(tmp_path: Path) -> None:
    """An unchanged file is not read: its revision and digest come from the cache, even if they were tampered with."""
    (tmp_path / "a.md").write_text("# Real\n")
    files, tale = Files(tmp_path), make("a.md", b"# Tale\n")
    stamp = files.stamp("a.md")
    assert stamp is not None
    cache = Cache(tmp_path)
    cache.keep_stamps({"a.md": (stamp, tale.revision)}, gone=[])
    cache.keep_facts("digest", {f"markdown:{tale.revision}": dump(digest(tale))})
    cache.close()
    index = PageIndex(files)
    assert index.sync() == []
    assert index.revisions == {"a.md": tale.revision}
    assert index.unchanged("a.md") == tale.revision
    found = index.digest_of("a.md")
    assert found is not None
    assert found.title == "Tale"
    (tmp_path / "a.md").write_text("# Real!\n")
    assert index.unchanged("a.md") is None
    assert [change.kind for change in index.sync()] == ["edited"]
    assert index.revisions == {"a.md": make("a.md", b"# Real!\n").revision}
    index.close()


def test_a_file_that_changed_just_now_is_read_again(tmp_path: Path) -> None:
    """A file that has just changed is read again: it may change once more within its time stamp's resolution."""
    (tmp_path / "a.md").write_text("x")
    index = PageIndex(Files(tmp_path))
    index.sync()
    assert index.unchanged("a.md") is None
    assert index.cache.stamps() == {}
    index.close()


def test_the_same_bytes_are_other_sections_in_another_kind_of_page(tmp_path: Path) -> None:
    """The same bytes have other sections in another kind of page: a heading is a comment in code."""
    for name in ("a.md", "a.py"):
        (tmp_path / name).write_text("# A\n")
    index = PageIndex(Files(tmp_path))
    index.sync()
    sections = [len(found.headings) for name in ("a.md", "a.py") if (found := index.digest_of(name))]
    assert sections == [1, 0]
    assert set(totals(index)) == {"a.md", "a.py"}
    index.close()


def test_what_was_learnt_of_old_revisions_is_forgotten(tmp_path: Path) -> None:
    """Facts of old revisions are removed once they far outnumber the pages."""
    index = PageIndex(Files(tmp_path))
    for number in range(1100):
        index.digest(make("a.md", str(number).encode()))
    (tmp_path / "a.md").write_text("7")
    index.sync()
    assert list(index.cache.facts("digest")) == [f"markdown:{make('a.md', b'7').revision}"]
    index.close()


def test_an_outline_is_remembered_by_content(tmp_path: Path) -> None:
    """An outline is the same from the cache, from another process's cache and made anew. Other content has its own."""
    one, other = make("a.md", b"# A\n\nText.\n\n## B\n"), make("a.md", b"# A\n\n## C\n")
    (tmp_path / "a.md").write_bytes(one.data)
    index = PageIndex(Files(tmp_path))
    index.sync()
    known = index.outline("a.md", one.revision, digest(one))
    assert known == outline(digest(one), whole(len(one.data)))
    assert "- B: " in known
    assert "- C: " in index.outline("a.md", other.revision, digest(other))
    index.close()
    again = PageIndex(Files(tmp_path))
    again.sync()
    assert again.outline("a.md", one.revision, digest(other)) == known  # what the cache knows, not what is given
    again.close()
