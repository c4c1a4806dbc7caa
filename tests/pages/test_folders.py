"""Nothing is opened, changed or removed through a folder that has become a link."""

import base64
import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from agentmem.context import offload
from agentmem.errors import WorkspaceError
from agentmem.menu.builtin import picture
from agentmem.pages.files import Files
from tests.transcript.transcripts import PNG

WAYS: dict[str, Callable[[Files], object]] = {
    "read": lambda files: files.read("in/page.md"),
    "raw": lambda files: files.raw("in/p.png", 10_000),
    "write": lambda files: files.write("in/page.md", b"changed", lambda _: None),
    "put": lambda files: files.put("in/new.txt", b"new"),
    "move from": lambda files: files.move("in/page.md", "taken.md"),
    "move to": lambda files: files.move("plain.md", "in/given.md"),
    "delete": lambda files: files.delete("in/page.md"),
    "allow": lambda files: files.allow("in/page.md", 0o777),
    "clear a link": lambda files: files.clear("in/link"),
    "clear a folder": lambda files: files.clear("in/empty"),
    "prune": lambda files: files.prune("in/empty/gone.md"),
    "remove a tree": lambda files: files.remove_tree("in/full"),
    "remove what is temporary": lambda files: files.remove_temporary("in/.agentmem-new-abc"),
}


@pytest.fixture
def files(tmp_path: Path) -> Files:
    """A folder in which "in" has become a link to a folder outside, which has the same files."""
    out = tmp_path / "out"
    for folder in ("empty", "full"):
        (out / folder).mkdir(parents=True)
    for name in ("page.md", "full/page.md", ".agentmem-new-abc"):
        (out / name).write_text("outside")
    (out / "p.png").write_bytes(base64.b64decode(PNG))
    (out / "link").symlink_to("page.md")
    root = tmp_path / "work"
    root.mkdir()
    (root / "plain.md").write_text("inside")
    (root / "in").symlink_to(out)
    return Files(root)


def state(folder: Path) -> list[tuple[str, int, bytes]]:
    """Everything below a folder: names, modes, contents."""
    return [
        (str(one.relative_to(folder)), one.lstat().st_mode, one.read_bytes() if one.is_file() else b"")
        for one in sorted(folder.rglob("*"))
    ]


@pytest.mark.parametrize("way", WAYS)
def test_a_link_in_the_way_is_not_followed(files: Files, way: str) -> None:
    """A link in the way is refused or left alone. The files behind it stay as they are."""
    out = files.root.parent / "out"
    before = state(out)
    got: object = None
    try:
        got = WAYS[way](files)
    except WorkspaceError:
        assert got is None
    assert state(out) == before
    assert (files.root / "plain.md").read_text() == "inside"


def test_what_is_behind_a_link_is_not_listed(files: Files) -> None:
    """Files behind a link are not listed, neither from the link's own name nor from the top."""
    assert list(files.walk("in")) == []
    assert [name for name, _ in files.walk()] == ["plain.md"]
    assert files.mode("in/page.md") is None


def test_pages_of_results_are_not_written_through_a_link(tmp_path: Path) -> None:
    """Pages of results are neither written nor deleted through a link, and the run goes on without them."""
    out, root = tmp_path / "out", tmp_path / "work"
    (out / "main").mkdir(parents=True)
    (out / "main" / "1.txt").write_text("outside")
    (root / ".agentmem").mkdir(parents=True)
    (root / ".agentmem" / "pages").symlink_to(out)
    assert not offload._write(root, ".agentmem/pages/main/3.txt", b"text")
    offload.forget_pages("main", root)
    assert [one.name for one in (out / "main").iterdir()] == ["1.txt"]


def test_pictures_are_opened_folder_by_folder(tmp_path: Path) -> None:
    """While a folder is swapped for a link and back, files outside are never shown."""
    inside, outside = tmp_path / "work" / "in", tmp_path / "out"
    inside.mkdir(parents=True)
    outside.mkdir()
    data = base64.b64decode(PNG)
    (inside / "p.png").write_bytes(data)
    (outside / "p.png").write_bytes(data + b"outside")
    done = threading.Event()

    def swap() -> None:
        kept = tmp_path / "work" / "kept"
        while not done.is_set():
            inside.rename(kept)
            inside.symlink_to(outside)
            inside.unlink()
            kept.rename(inside)

    swapping = threading.Thread(target=swap)
    swapping.start()
    shown = set()
    try:
        for _ in range(5_000):
            try:
                shown.add(picture(tmp_path / "work", "in/p.png").data)
            except WorkspaceError:
                os.sched_yield()
    finally:
        done.set()
        swapping.join()
    assert shown <= {base64.b64encode(data).decode()}
