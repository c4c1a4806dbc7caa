"""Snapshots of all pages, and restoring a folder from one."""

import hashlib
import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentmem.errors import WorkspaceError
from agentmem.pages.snapshot import PageDifference, Snapshots

NAMES = st.sampled_from(["a.md", "b.txt", "d/c.md", "d/e/f.md", "d/e/g", "long name \u00e9.md", "h"])
PAGES = st.dictionaries(NAMES, st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20))


def fill(root: Path, pages: Mapping[str, str]) -> None:
    """Makes these the folder's only pages."""
    for place in [one for one in root.iterdir() if not one.name.startswith(".")]:
        shutil.rmtree(place) if place.is_dir() else place.unlink()
    for name, text in pages.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(text.encode())


def held(root: Path) -> dict[str, bytes]:
    """All files that are not hidden, by name."""
    found = (one for one in root.rglob("*") if one.is_file())
    return {str(one.relative_to(root)): one.read_bytes() for one in found if not one.is_relative_to(root / ".agentmem")}


@given(before=PAGES, after=PAGES)
def test_a_folder_comes_back_byte_for_byte(before: dict[str, str], after: dict[str, str]) -> None:
    """After any writes, deletes and moves, restoring brings all pages back. Doing it again changes nothing."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        fill(root, before)
        snapshots, was = Snapshots(root), held(root)
        wanted, kept = snapshots.take(), {one.revision: was[name] for name, one in Snapshots(root).take().items()}
        fill(root, after)
        snapshots.restore(wanted, kept.__getitem__)
        assert held(root) == was
        assert not snapshots.restore(wanted, kept.__getitem__)


def test_a_restore_that_was_cut_off_is_finished_by_doing_it_again(tmp_path: Path) -> None:
    """A restore that was interrupted keeps its progress, and a second one completes it."""
    pages = {f"page{number}.md": f"text {number}" for number in range(5)}
    fill(tmp_path, pages)
    snapshots, was = Snapshots(tmp_path), held(tmp_path)
    wanted, kept = snapshots.take(), {hashlib.sha256(data).hexdigest(): data for data in was.values()}
    fill(tmp_path, {"other.md": "other"})
    left = iter(range(2))

    def read(revision: str) -> bytes:
        next(left)  # ends the iteration at the third page, as if the process had ended
        return kept[revision]

    with pytest.raises(StopIteration):
        snapshots.restore(wanted, read)
    assert 0 < len(held(tmp_path)) < len(was)
    snapshots.restore(wanted, kept.__getitem__)
    assert held(tmp_path) == was


def test_permissions_come_back(tmp_path: Path) -> None:
    """A script that was deleted, or lost its permission to run, can be run again."""
    for name in ("gone.sh", "tame.sh"):
        (tmp_path / name).write_text("#!/bin/sh\n")
        (tmp_path / name).chmod(0o755)
    snapshots = Snapshots(tmp_path)
    wanted = snapshots.take()
    (tmp_path / "gone.sh").unlink()
    (tmp_path / "tame.sh").chmod(0o644)
    change = snapshots.restore(wanted, lambda revision: b"#!/bin/sh\n")
    assert change == PageDifference(added=("gone.sh",), changed=("tame.sh",))
    assert [oct((tmp_path / name).stat().st_mode)[-3:] for name in ("gone.sh", "tame.sh")] == ["755", "755"]


def test_what_is_no_page_stays(tmp_path: Path) -> None:
    """Pictures, hidden files and binary data are neither stored nor changed."""
    others = {"picture.png": b"\x89PNG", ".env": b"KEY=1", "data": b"\0\1"}
    for name, data in others.items():
        (tmp_path / name).write_bytes(data)
    (tmp_path / "page.md").write_text("x")
    snapshots = Snapshots(tmp_path)
    assert list(snapshots.take()) == ["page.md"]
    snapshots.restore({}, lambda revision: b"")
    assert {name: (tmp_path / name).read_bytes() for name in others} == others
    assert not (tmp_path / "page.md").exists()


def test_a_link_in_a_pages_place_is_replaced_and_what_it_leads_to_is_not(tmp_path: Path) -> None:
    """A link in a page's place becomes the page again. The link's target keeps its bytes."""
    root, outside = tmp_path / "pages", tmp_path / "outside.md"
    root.mkdir()
    outside.write_text("outside")
    (root / "page.md").write_text("page")
    snapshots = Snapshots(root)
    wanted = snapshots.take()
    (root / "page.md").unlink()
    (root / "page.md").symlink_to(outside)
    snapshots.restore(wanted, lambda revision: b"page")
    assert not (root / "page.md").is_symlink()
    assert ((root / "page.md").read_text(), outside.read_text()) == ("page", "outside")


def test_a_folder_that_became_a_link_is_refused(tmp_path: Path) -> None:
    """A folder that has become a link is refused: nothing is written or removed through it."""
    root, outside = tmp_path / "pages", tmp_path / "outside"
    (root / "d").mkdir(parents=True)
    outside.mkdir()
    (root / "d/page.md").write_text("page")
    snapshots = Snapshots(root)
    wanted = snapshots.take()
    shutil.rmtree(root / "d")
    (root / "d").symlink_to(outside)
    (outside / "page.md").symlink_to("/etc/hostname")
    with pytest.raises(WorkspaceError):
        snapshots.restore(wanted, lambda revision: b"page")
    assert (outside / "page.md").is_symlink()


def test_unchanged_files_are_not_read_again(tmp_path: Path) -> None:
    """An unchanged file is known by its metadata, so a second look needs no bytes. A changed file does."""
    (tmp_path / "old.md").write_text("x" * 100)
    os.utime(tmp_path / "old.md", (1, 1))
    snapshots = Snapshots(tmp_path)
    assert snapshots.within(99) is None
    assert snapshots.within(None, names=0) is None
    first = snapshots.take()
    assert snapshots.take() == first
    (tmp_path / "old.md").write_text("y" * 100)
    changed = snapshots.take()
    assert changed["old.md"].revision != first["old.md"].revision
