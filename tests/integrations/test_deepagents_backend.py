"""The backend on a workspace, held to what deepagents documents of each method, beside deepagents' own backend."""

import asyncio
import base64
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from deepagents import create_deep_agent
from deepagents.backends import FilesystemBackend
from deepagents.backends.protocol import BackendProtocol

from agentmem import Workspace
from agentmem.integrations.deepagents_backend import WorkspaceBackend
from agentmem.testing import ServerAnswer
from tests.integrations.looking_up import call, serving

MADE = {
    "README.md": "# Notes\n\nThe tide is low.\n",
    "src/app/main.py": "import tide\n\nprint('tide')\n",
    "src/util.py": "def low():\n    return 1\n",
    "docs/tides/march.md": "# March\n\nlow at 6:10\nhigh at 12:20\nlow at 18:35\n",
}


def _ours(folder: Path) -> BackendProtocol:
    return WorkspaceBackend(Workspace(folder))


def _theirs(folder: Path) -> BackendProtocol:
    return FilesystemBackend(root_dir=folder, virtual_mode=True)


@pytest.fixture(params=[_ours, _theirs], ids=["workspace", "deepagents"])
def both(request: pytest.FixtureRequest, tmp_path: Path) -> BackendProtocol:
    """A backend on a folder with files: ours, and deepagents' own as the measure."""
    make: Callable[[Path], BackendProtocol] = request.param
    return make(filled(tmp_path))


@pytest.fixture
def ours(tmp_path: Path) -> WorkspaceBackend:
    """Our backend alone."""
    return WorkspaceBackend(Workspace(filled(tmp_path)))


def filled(folder: Path) -> Path:
    for name, text in MADE.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def paths(found: Any) -> list[str]:
    return sorted(one["path"] for one in found or ())


def test_ls_lists_a_folder_alone(both: BackendProtocol) -> None:
    """Files and folders directly in it; folders end with a slash and say so."""
    found = both.ls("/")
    assert found.error is None and paths(found.entries) == ["/README.md", "/docs/", "/src/"]
    assert {one["path"]: one["is_dir"] for one in found.entries or ()} == {
        "/README.md": False, "/docs/": True, "/src/": True
    }  # fmt: skip
    assert paths(both.ls("/src").entries) == ["/src/app/", "/src/util.py"]


def test_ls_says_what_is_wrong(both: BackendProtocol) -> None:
    """A missing path and a file each have an error of their own; an empty folder has no entries and no error."""
    assert "path_not_found" in str(both.ls("/nowhere").error)
    assert "not_a_directory" in str(both.ls("/README.md").error)


def test_ls_of_an_empty_folder(both: BackendProtocol, tmp_path: Path) -> None:
    """It has no entries and no error."""
    (tmp_path / "empty").mkdir()
    found = both.ls("/empty")
    assert (found.entries, found.error) == ([], None)


def test_read_gives_lines_with_their_places(both: BackendProtocol) -> None:
    """A window has its first and last line from 1, where to go on, and the number of all lines."""
    whole = both.read("/docs/tides/march.md")
    assert whole.file_data and whole.file_data["content"].splitlines() == MADE["docs/tides/march.md"].splitlines()
    part = both.read("/docs/tides/march.md", offset=2, limit=2)
    assert part.file_data and part.file_data["content"].splitlines() == ["low at 6:10", "high at 12:20"]
    assert (part.start_line, part.end_line, part.next_offset, part.total_lines) == (3, 4, 4, 5)


def test_read_takes_odd_windows(both: BackendProtocol) -> None:
    """A negative offset begins at the first line; no lines come without places, and with their flag."""
    first = both.read("/src/util.py", offset=-4, limit=1)
    assert first.file_data and first.file_data["content"].strip() == "def low():" and first.start_line == 1
    none = both.read("/src/util.py", limit=0)
    assert none.file_data and none.file_data["content"] == ""
    assert none.start_line is None and none.no_lines_requested
    assert both.read("/src/util.py", offset=99).error and both.read("/nowhere.md").error


def test_a_file_that_is_no_text_comes_in_base64(both: BackendProtocol, tmp_path: Path) -> None:
    """Its bytes come back whole."""
    data = b"\x89PNG\r\n\x1a\n\0\0\0"
    (tmp_path / "dot.png").write_bytes(data)
    found = both.read("/dot.png").file_data
    assert found and found["encoding"] == "base64" and base64.b64decode(found["content"]) == data


def test_write_makes_and_replaces(both: BackendProtocol, tmp_path: Path) -> None:
    """Folders are made, and a file that is there is replaced."""
    for text in ("one\n", "two\n"):
        done = both.write("/new/deep/page.md", text)
        assert (done.error, done.path) == (None, "/new/deep/page.md")
        assert (tmp_path / "new/deep/page.md").read_text() == text


def test_edit_replaces_exactly(both: BackendProtocol, tmp_path: Path) -> None:
    """Once where the text is unique, everywhere when asked; else it fails and changes nothing."""
    page = "/docs/tides/march.md"
    before = (tmp_path / page[1:]).read_text()
    assert both.edit(page, "low at", "ebb at").error and both.edit(page, "gone", "x").error
    assert both.edit("/nowhere.md", "a", "b").error and both.edit(page, "", "b").error
    assert (tmp_path / page[1:]).read_text() == before
    once = both.edit(page, "high at 12:20", "high at 12:25")
    assert (once.error, once.path, once.occurrences) == (None, page, 1)
    assert both.edit(page, "low at", "ebb at", replace_all=True).occurrences == 2
    assert (tmp_path / page[1:]).read_text() == before.replace("12:20", "12:25").replace("low at", "ebb at")


def test_delete_takes_folders_with_all_in_them(both: BackendProtocol, tmp_path: Path) -> None:
    """A file, and a folder with its files; what is not there is an error."""
    assert both.delete("/src/util.py").path == "/src/util.py"
    assert both.delete("/src").error is None and not (tmp_path / "src").exists()
    assert both.delete("/src").error and both.delete("/nowhere.md").error


def test_grep_is_literal(both: BackendProtocol) -> None:
    """It finds a text as it stands, with its path and line; signs of patterns have no meaning."""
    found = both.grep("tide").matches or []
    assert {(one["path"], one["line"]) for one in found} == {
        ("/README.md", 3), ("/src/app/main.py", 1), ("/src/app/main.py", 3)
    }  # fmt: skip
    assert both.grep("t.de").matches == []
    assert [one["text"] for one in both.grep("('tide')").matches or ()] == ["print('tide')"]


def test_grep_looks_where_it_is_told(both: BackendProtocol) -> None:
    """A folder, and a pattern of files, narrow it."""
    assert {one["path"] for one in both.grep("low", path="/docs").matches or ()} == {"/docs/tides/march.md"}
    assert {one["path"] for one in both.grep("low", glob="*.py").matches or ()} == {"/src/util.py"}


def test_grep_stops_at_the_cap(both: BackendProtocol) -> None:
    """At most so many matches, with a flag if there are more, and none if these were all."""
    some, every = both.grep("low at", max_count=1), both.grep("low at", max_count=2)
    assert (len(some.matches or ()), some.truncated) == (1, True)
    assert (len(every.matches or ()), every.truncated) == (2, False)


@pytest.mark.parametrize(
    ("pattern", "path", "found"),
    [
        ("*.py", None, ["/src/app/main.py", "/src/util.py"]),
        ("src/**/*.py", None, ["/src/app/main.py", "/src/util.py"]),
        ("/*.md", None, ["/README.md"]),
        ("*.md", "/docs", ["/docs/tides/march.md"]),
        ("{util,main}.py", None, ["/src/app/main.py", "/src/util.py"]),
        ("m????.md", None, ["/docs/tides/march.md"]),
        ("src", None, []),
    ],
)
def test_glob_fits_as_documented(both: BackendProtocol, pattern: str, path: str | None, found: list[str]) -> None:
    """By the last name anywhere without a slash, by the whole path with one; folders never; absolute paths."""
    result = both.glob(pattern, path)
    assert result.error is None and paths(result.matches) == found


def test_glob_refuses_a_way_out(both: BackendProtocol) -> None:
    """A pattern with `..` is an error of the result."""
    result = both.glob("../*.md")
    assert result.error and result.matches is None


def test_files_of_any_bytes_go_up_and_down(both: BackendProtocol) -> None:
    """A response for each, in order; errors are the documented words."""
    data = bytes(range(256))
    up = both.upload_files([("/bin/all.dat", data), ("/b.txt", b"b")])
    assert [(one.path, one.error) for one in up] == [("/bin/all.dat", None), ("/b.txt", None)]
    down = both.download_files(["/b.txt", "/bin/all.dat", "/nowhere", "/src"])
    assert [one.content for one in down] == [b"b", data, None, None]
    assert [one.error for one in down] == [None, None, "file_not_found", "is_directory"]


def test_the_async_twins_do_the_same(both: BackendProtocol) -> None:
    """Each of the nine."""

    async def walk() -> list[Any]:
        return [
            (await both.als("/src")).error,
            (await both.awrite("/a.md", "one two\n")).error,
            (await both.aedit("/a.md", "one", "two")).occurrences,
            str((await both.aread("/a.md")).file_data).count("two two"),
            len((await both.agrep("two two")).matches or ()),
            len((await both.aglob("a.md")).matches or ()),
            (await both.aupload_files([("/c.txt", b"c")]))[0].error,
            (await both.adownload_files(["/c.txt"]))[0].content,
            (await both.adelete("/a.md")).path,
        ]

    assert asyncio.run(walk()) == [None, None, 1, 1, 1, 1, None, b"c", "/a.md"]


@pytest.mark.parametrize("path", ["/../outside.md", "/src/../../outside.md"])
def test_no_way_leads_out(ours: WorkspaceBackend, tmp_path: Path, path: str) -> None:
    """Neither by dots nor by a link; and what is outside is not changed."""
    outside = tmp_path.parent / "outside.md"
    outside.write_text("mine")
    (tmp_path / "link").symlink_to(tmp_path.parent)
    for given in (path, "/link/outside.md"):
        assert ours.read(given).error and ours.write(given, "x").error and ours.delete(given).error
        assert ours.upload_files([(given, b"x")])[0].error == "invalid_path"
        assert ours.download_files([given])[0].error == "invalid_path"
    assert outside.read_text() == "mine" and "/link" not in str(ours.ls("/").entries)


def test_hidden_files_and_keys_are_out_of_reach(ours: WorkspaceBackend, tmp_path: Path) -> None:
    """They are not listed, found or read, and cannot be changed; a folder that has one stays."""
    (tmp_path / ".git").mkdir()
    for name in (".env", ".git/config", "server.pem", "src/.secret"):
        (tmp_path / name).write_text("TOKEN=abc\n")
    assert "pem" not in str(ours.ls("/").entries) and ".env" not in str(ours.ls("/").entries)
    assert ours.grep("TOKEN").matches == [] and ours.glob(".env").matches == []
    for path in ("/.env", "/server.pem", "/.git/config"):
        assert ours.read(path).error and ours.write(path, "x").error and ours.edit(path, "abc", "x").error
        assert ours.delete(path).error and (tmp_path / path[1:]).read_text() == "TOKEN=abc\n"
    assert "hidden files in it stay" in str(ours.delete("/src").error) and (tmp_path / "src/.secret").exists()


def test_the_workspace_itself_stays(ours: WorkspaceBackend, tmp_path: Path) -> None:
    """Its folder cannot be deleted."""
    assert ours.delete("/").error and tmp_path.exists()


def test_an_edit_in_between_makes_an_edit_fail(tmp_path: Path) -> None:
    """Somebody else changed the page after it was read: their words stay."""

    class Slow(Workspace):
        """A workspace where somebody is faster."""

        def page(self, name: str) -> Any:
            found = super().page(name)
            (tmp_path / name).write_text("theirs\n")
            return found

    filled(tmp_path)
    done = WorkspaceBackend(Slow(tmp_path)).edit("/README.md", "low", "high")
    assert done.error and (tmp_path / "README.md").read_text() == "theirs\n"


def test_a_deep_agent_works_on_the_pages(tmp_path: Path) -> None:
    """Its own file tools read and edit the workspace's pages."""
    steps = iter(
        [
            call(1, "read_file", file_path="/README.md"),
            call(2, "edit_file", file_path="/README.md", old_string="The tide is low.", new_string="The tide is high."),
        ]
    )

    def reply(body: Any) -> ServerAnswer:
        step = next(steps, None)
        return ServerAnswer([step]) if step else ServerAnswer.text("done")

    with serving(reply) as served, Workspace(filled(tmp_path)) as workspace:
        made = create_deep_agent(served.model, [], backend=WorkspaceBackend(workspace))
        made.invoke({"messages": [{"role": "user", "content": "Mend the page."}]})
        assert workspace.text("README.md").endswith("The tide is high.\n")
