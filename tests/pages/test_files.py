"""Files are read and replaced inside one folder only, and always whole."""

import os
import socket
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from agentmem.errors import NotAPage, OutsideWorkspace, PageNotFound, WorkspaceError
from agentmem.pages.files import MAX_BYTES, TEMP_PREFIX, Files
from agentmem.pages.workspace import Workspace


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """A folder beside the workspace, with a file in it."""
    folder = tmp_path / "outside"
    folder.mkdir()
    (folder / "secret.md").write_text("secret\n")
    return folder


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """An empty workspace."""
    return Workspace(tmp_path / "work", create=True)


def snapshot(root: Path) -> dict[str, bytes]:
    """All regular files below a folder, without the workspace's own."""
    return {
        str(path): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file() and not path.is_symlink() and ".agentmem" not in path.parts
    }


def refused(workspace: Workspace, name: str, error: type[WorkspaceError], text: str) -> None:
    """Every way to read or change ``name`` raises ``error`` and changes nothing."""
    before = snapshot(workspace.root.parent)
    workspace.write("moved.md", "moved\n") if name != "moved.md" else None
    ways: list[Callable[[], object]] = [
        lambda: workspace.page(name),
        lambda: workspace.render(name),
        lambda: workspace.write(name, "new"),
        lambda: workspace.replace(name, "secret", "new"),
        lambda: workspace.append(name, "new"),
        lambda: workspace.move(name, "other.md"),
        lambda: workspace.delete(name),
    ]
    for way in ways:
        with pytest.raises(error, match=text):
            way()
    workspace.delete("moved.md")
    assert snapshot(workspace.root.parent) == before


@pytest.mark.parametrize("name", ["../outside/secret.md", "a/../../outside/secret.md", "/etc/passwd", "a/.."])
def test_paths_that_lead_out_are_refused(workspace: Workspace, outside: Path, name: str) -> None:
    """Two dots and absolute paths are refused for reading and for writing."""
    refused(workspace, name, OutsideWorkspace, "leads out of the workspace")


def test_links_that_lead_out_are_refused(workspace: Workspace, outside: Path) -> None:
    """A link to a file outside is refused, and so is a file behind a link to a folder outside."""
    (workspace.root / "file.md").symlink_to(outside / "secret.md")
    (workspace.root / "folder").symlink_to(outside)
    (workspace.root / "new.md").symlink_to(outside / "new.md")
    for name in ("file.md", "folder/secret.md", "folder/new.md", "new.md"):
        refused(workspace, name, OutsideWorkspace, "link that leads out")


def test_links_that_stay_inside_are_followed(workspace: Workspace) -> None:
    """Reading and writing through a link works on its target, and keeps the link."""
    workspace.write("notes/plan.md", "one\n")
    (workspace.root / "link.md").symlink_to("notes/plan.md")
    (workspace.root / "folder").symlink_to("notes")
    assert workspace.page("link.md").name == workspace.page("folder/plan.md").name == "notes/plan.md"
    workspace.replace("link.md", "one", "two")
    assert (workspace.root / "notes/plan.md").read_text() == "two\n"
    assert (workspace.root / "link.md").is_symlink()
    assert workspace.names() == ("notes/plan.md",)


def test_a_link_put_in_the_way_is_not_followed(workspace: Workspace, outside: Path) -> None:
    """A folder that becomes a link after its path was checked is refused, not followed."""
    (workspace.root / "folder").symlink_to(outside)
    (workspace.root / "page.md").symlink_to(outside / "secret.md")
    files = Files(workspace.root)
    for name in ("folder/secret.md", "page.md"):
        with pytest.raises(WorkspaceError):
            files.read(name)
        with pytest.raises(WorkspaceError):
            files.write(name, b"new", lambda temp: None)
    assert (outside / "secret.md").read_text() == "secret\n"


@pytest.mark.parametrize("name", [".git/hooks/pre-commit", ".agentmem/pages.sqlite", "a/.hidden.md"])
def test_hidden_paths_cannot_be_written(workspace: Workspace, name: str) -> None:
    """A hidden path cannot be written directly, as a page's new name, or through a link."""
    workspace.write("page.md", "x\n")
    with pytest.raises(WorkspaceError, match="hidden"):
        workspace.write(name, "x")
    with pytest.raises(WorkspaceError, match="hidden"):
        workspace.move("page.md", name)
    (workspace.root / "link.md").symlink_to(name)
    with pytest.raises(WorkspaceError, match="hidden"):
        workspace.write("link.md", "x")
    assert not (workspace.root / name.split("/")[0] / "hooks").exists()


def test_a_named_pipe_is_refused_at_once(workspace: Workspace) -> None:
    """A named pipe is refused, because reading one would wait forever."""
    os.mkfifo(workspace.root / "pipe.md")
    refused(workspace, "pipe.md", NotAPage, "a named pipe, not a page")


def test_a_folder_a_device_and_a_socket_are_refused(workspace: Workspace) -> None:
    """Only regular files are pages: folders, devices and sockets are refused."""
    (workspace.root / "folder.md").mkdir()
    refused(workspace, "folder.md", NotAPage, "a folder, not a page")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(workspace.root / "socket.md"))
        refused(workspace, "socket.md", NotAPage, "a socket, not a page")


def test_a_link_to_a_device_is_refused(workspace: Workspace) -> None:
    """A link to a device is refused, because devices are outside."""
    (workspace.root / "null.md").symlink_to("/dev/null")
    refused(workspace, "null.md", OutsideWorkspace, "leads out")


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"text \x00 and more", "binary data"),
        ("wide".encode("utf-16"), "text in UTF-16"),
        (b"fine\nna\xefve\n", r"not UTF-8 \(byte 0xef at offset 7, line 2\)"),
        (b"\xed\xa0\x80", "not UTF-8"),
    ],
)
def test_what_is_no_text_is_refused(workspace: Workspace, data: bytes, text: str) -> None:
    """Binary files and other encodings are neither read nor overwritten."""
    (workspace.root / "page.md").write_bytes(data)
    with pytest.raises(NotAPage, match=text):
        workspace.page("page.md")
    with pytest.raises(NotAPage, match=text):
        workspace.append("page.md", "more")
    assert (workspace.root / "page.md").read_bytes() == data


def test_a_large_file_is_refused_unread(workspace: Workspace) -> None:
    """A file of 100 MB is neither read nor edited, and a text of that size is not written."""
    with (workspace.root / "large.md").open("wb") as file:
        file.truncate(100_000_000)
    refused_text = "too large for a page: pages hold at most 20 MB"
    with pytest.raises(NotAPage, match=refused_text):
        workspace.page("large.md")
    with pytest.raises(NotAPage, match=refused_text):
        workspace.append("large.md", "x")
    with pytest.raises(NotAPage, match=refused_text):
        workspace.write("new.md", "x" * (MAX_BYTES + 1))
    assert not (workspace.root / "new.md").exists()


@pytest.mark.parametrize(("text", "why"), [("a\0b", "binary data"), ("half \ud83d", "surrogate")])
def test_text_that_is_none_is_not_written(workspace: Workspace, text: str, why: str) -> None:
    """Every edit refuses zero bytes and halves of surrogate pairs."""
    workspace.write("page.md", "# A\n\nold\n")
    edits: list[Callable[[], object]] = [
        lambda: workspace.write("page.md", text),
        lambda: workspace.replace("page.md", "old", text),
        lambda: workspace.append("page.md", text),
        lambda: workspace.replace_section("page.md#A", text),
    ]
    for edit in edits:
        with pytest.raises(NotAPage, match=why):
            edit()
    assert workspace.text("page.md") == "# A\n\nold\n"


@pytest.mark.parametrize("name", ["", ".", "./", "line\nbreak.md", "half\ud800.md", "x" * 300 + ".md", "page.md/x.md"])
def test_names_that_cannot_be_are_refused(workspace: Workspace, name: str) -> None:
    """Empty names, control characters, names too long for the system, and files used as folders are refused."""
    workspace.write("page.md", "x\n")
    with pytest.raises(WorkspaceError):
        workspace.write(name, "x")
    assert workspace.names() == ("page.md",)


def test_a_page_that_is_not_there_names_the_nearest(workspace: Workspace) -> None:
    """The error for a missing page names a page of the same name elsewhere, or of a similar name. An ending is none."""
    workspace.write("handbook/leave.md", "x\n")
    for name in ("leave.md", "handbook/leafe.md"):
        with pytest.raises(PageNotFound, match=r"There is no page.*The nearest: handbook/leave\.md"):
            workspace.page(name)
        with pytest.raises(PageNotFound, match="The nearest"):
            workspace.append(name, "x")
    workspace.write("plan.md", "x\n")
    with pytest.raises(PageNotFound, match=r"There is no page 'CON\.md'\.$"):
        workspace.page("CON.md")


def test_permissions_are_kept(workspace: Workspace) -> None:
    """Replacing a file keeps its mode; a new file gets the usual one."""
    workspace.write("run.py", "print(1)\n")
    path = workspace.root / "run.py"
    path.chmod(0o751)
    workspace.replace("run.py", "1", "2")
    assert stat.S_IMODE(path.stat().st_mode) == 0o751
    umask = os.umask(0o022)
    os.umask(umask)
    workspace.write("new.md", "x")
    assert stat.S_IMODE((workspace.root / "new.md").stat().st_mode) == 0o666 & ~umask


def test_a_write_that_fails_leaves_the_old_page_and_no_litter(tmp_path: Path) -> None:
    """If the new file cannot be put in place, the old page stays and no other file is left."""
    root = tmp_path / "work"
    root.mkdir()
    (root / "page.md").write_text("old\n")
    files = Files(root)

    def interrupted(temp: str) -> None:
        assert temp.startswith(TEMP_PREFIX)
        (root / temp).mkdir()  # stands in the way of the temporary file

    with pytest.raises(WorkspaceError, match="could not be written: File exists"):
        files.write("page.md", b"new\n", interrupted)
    assert (root / "page.md").read_text() == "old\n"


def test_hidden_and_generated_files_are_not_listed(workspace: Workspace) -> None:
    """Hidden and generated files, links and binary files are not listed. Code and files without a suffix are."""
    for name in ("a.md", "src/main.py", "Makefile", "z/data.csv"):
        workspace.write(name, "x")
    for name in (".git/config", "node_modules/x/index.js", "src/__pycache__/main.pyc", "logo.png", "a/.hidden.md"):
        path = workspace.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x")
    assert workspace.names() == ("Makefile", "a.md", "src/main.py", "z/data.csv")
    assert workspace.names("src") == ("src/main.py",)
    assert workspace.names("nothing") == ()
