"""The workspace as a whole: opening, listing, telling of changes, and a cache that may disappear at any time."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from agentmem.errors import ConfigError, PageNotFound, SectionNotFound, WorkspaceError
from agentmem.pages.workspace import PageChange, Workspace
from agentmem.tokens import count


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """An empty workspace."""
    return Workspace(tmp_path / "work", create=True)


def test_a_workspace_is_a_folder(tmp_path: Path) -> None:
    """A folder is made if asked for. A file, or a missing folder, is refused."""
    with pytest.raises(ConfigError, match="is not a folder"):
        Workspace(tmp_path / "new")
    (tmp_path / "file").write_text("x")
    for create in (False, True):
        with pytest.raises(ConfigError, match="is not a folder"):
            Workspace(tmp_path / "file", create=create)
    assert Workspace(tmp_path / "new" / "deep", create=True).root == tmp_path / "new" / "deep"
    assert Workspace(str(tmp_path)).names() == ("file",)


def test_opening_makes_nothing(workspace: Workspace) -> None:
    """Opening, listing names and reading make no files."""
    (workspace.root / "a.md").write_text("x")
    workspace.names()
    workspace.text("a.md")
    assert [path.name for path in workspace.root.iterdir()] == ["a.md"]


def test_its_own_folder_stays_out_of_version_control(workspace: Workspace) -> None:
    """The workspace's own folder ignores itself."""
    workspace.write("a.md", "x")
    assert (workspace.root / ".agentmem/.gitignore").read_text() == "*\n"


def test_a_name_with_a_number_sign_is_a_page_where_there_is_one(workspace: Workspace) -> None:
    """A name with a number sign is the page of that name, if there is one. Else it is a section, and not written."""
    workspace.write("c\\#/notes.md", "# A\n\nx\n")
    assert workspace.names() == ("c#/notes.md",)
    assert workspace.text("c#/notes.md") == workspace.text("c\\#/notes.md")
    assert workspace.text("c\\#/notes.md#A") == "# A\n\nx\n"
    with pytest.raises(WorkspaceError, match="names a section"):
        workspace.write("plan.md#Goals", "x")
    with pytest.raises(SectionNotFound, match="is a whole page"):
        workspace.replace_section("c#/notes.md", "x")


@pytest.mark.parametrize(
    "call",
    [
        lambda one: one.text(None),
        lambda one: one.render(3),
        lambda one: one.outline(b"plan.md"),
        lambda one: one.listing(3),
        lambda one: one.page(["plan.md"]),
        lambda one: one.write(3, "x"),
        lambda one: one.write("plan.md", None),
        lambda one: one.write("plan.md", b"x"),
        lambda one: one.replace("plan.md", "x", 3),
        lambda one: one.replace_section("plan.md#A", None),
        lambda one: one.append("plan.md", 3),
        lambda one: one.move("plan.md", 3),
        lambda one: one.delete(None),
        lambda one: one.links(3),
        lambda one: one.search(3),
    ],
)
def test_what_is_no_text_is_said(workspace: Workspace, call: Callable[[Any], object]) -> None:
    """Names, texts and queries of another type are refused by a sentence, and nothing changes."""
    workspace.write("plan.md", "# A\n\nx\n")
    with pytest.raises(WorkspaceError, match=r"must be a text, and .* is not"):
        call(workspace)
    assert workspace.text("plan.md") == "# A\n\nx\n" and workspace.names() == ("plan.md",)


def test_the_listing_shows_one_folder(workspace: Workspace) -> None:
    """The listing shows folders with their totals, pages with title, tokens and size, and other files by name."""
    workspace.write("plan.md", "---\ntitle: 'The plan'\n---\n# Plan\n")
    workspace.write("team/leave.md", "intro\n\n# Leave\n")
    workspace.write("team/a/b.txt", "x\n")
    (workspace.root / "logo.png").write_bytes(b"\x89PNG")
    (workspace.root / "data.raw").write_bytes(b"\0")
    tokens = workspace.tokens()
    assert workspace.listing() == (
        f"workspace (3 pages, {sum(tokens.values())} tokens)\n\n"
        f"- team/ (2 pages, {tokens['team/leave.md'] + tokens['team/a/b.txt']} tokens)\n"
        f"- plan.md: The plan ({tokens['plan.md']} tokens, 33 bytes)\n"
        "- not readable as pages: data.raw, logo.png\n"
    )
    leave, note = tokens["team/leave.md"], tokens["team/a/b.txt"]
    assert workspace.listing("team/") == (
        f"team/ (2 pages, {leave + note} tokens)\n\n"
        f"- a/ (1 page, {note} tokens)\n- leave.md: Leave ({leave} tokens, 15 bytes)\n"
    )
    for folder in ("gone", "plan.md"):
        with pytest.raises(PageNotFound, match="no folder"):
            workspace.listing(folder)


def test_a_long_listing_is_cut(workspace: Workspace) -> None:
    """A long listing is cut and says how much is left out. An empty one says that it is empty."""
    assert workspace.listing().endswith("\n\n(empty)\n")
    for number in range(50):
        (workspace.root / f"page{number}.md").write_text("x")
    shown = workspace.listing(limit=200)
    assert count(shown) <= 220
    assert shown.rstrip().endswith("more: list a folder, or search)")


def test_subscribers_hear_of_every_change_made_here(workspace: Workspace) -> None:
    """Subscribers hear of created, edited, moved and deleted pages, with revisions, and only of real changes."""
    heard: list[PageChange] = []
    unsubscribe = workspace.subscribe(heard.append)
    one = workspace.write("a.md", "one\n").revision
    two = workspace.replace("a.md", "one", "two").revision
    workspace.write("a.md", "two\n")
    workspace.move("a.md", "b.md")
    workspace.delete("b.md")
    assert heard == [
        PageChange("created", "a.md", one, None),
        PageChange("edited", "a.md", two, one),
        PageChange("deleted", "a.md", None, two),
        PageChange("created", "b.md", two, None),
        PageChange("deleted", "b.md", None, two),
    ]
    unsubscribe()
    unsubscribe()
    workspace.write("c.md", "x")
    assert len(heard) == 5


def test_subscribers_hear_of_changes_by_others(workspace: Workspace) -> None:
    """Changes by others are reported when the page is read again, or all pages are looked at."""
    one = workspace.write("a.md", "one\n").revision
    assert workspace.refresh() == ()
    heard: list[PageChange] = []
    workspace.subscribe(heard.append)
    other = Workspace(workspace.root)
    two = other.write("a.md", "two\n").revision
    assert workspace.page("a.md").revision == two
    assert heard == [PageChange("edited", "a.md", two, one)]
    new = other.write("b.md", "new\n").revision
    other.delete("a.md")
    assert workspace.refresh() == (PageChange("deleted", "a.md", None, two), PageChange("created", "b.md", new, None))
    assert len(heard) == 3
    assert workspace.refresh() == ()


def test_a_subscriber_may_use_the_workspace(workspace: Workspace) -> None:
    """A subscriber is called after the edit, without a lock, so it may use the workspace."""
    seen: list[str] = []
    workspace.subscribe(lambda change: seen.append(workspace.text(change.page)))
    workspace.write("a.md", "x")
    assert seen == ["x"]


def test_tokens_are_counted_once(workspace: Workspace) -> None:
    """Token counts are the same when the workspace is opened again, from the cache or without it."""
    for number in range(6):
        workspace.write(f"{number}.md", f"# Page {number}\n\n" + "text " * number)
    (workspace.root / "bad.md").write_bytes(b"\xff")
    expected = {f"{number}.md": count(workspace.text(f"{number}.md")) for number in range(6)}
    assert workspace.tokens() == expected
    workspace.close()
    assert Workspace(workspace.root).tokens() == expected
    shutil.rmtree(workspace.root / ".agentmem")
    assert Workspace(workspace.root).tokens() == expected


def test_the_cache_may_be_deleted_while_it_is_used(workspace: Workspace) -> None:
    """A cache that is deleted while in use is made again at the next look."""
    workspace.write("a.md", "zebra\n")
    assert workspace.search("zebra")
    shutil.rmtree(workspace.root / ".agentmem")
    workspace.append("a.md", "lion")
    assert workspace.search("lion")
    assert workspace.tokens() == {"a.md": count(workspace.text("a.md"))}
    assert (workspace.root / ".agentmem" / "pages.sqlite").is_file()


def test_a_damaged_cache_is_made_again(workspace: Workspace) -> None:
    """A damaged cache is made again, whether it was damaged before opening or after."""
    workspace.write("a.md", "zebra\n")
    workspace.search("zebra")
    workspace.close()
    path = workspace.root / ".agentmem" / "pages.sqlite"
    path.write_bytes(b"nonsense" * 1000)
    assert workspace.search("zebra")
    workspace.close()
    data = bytearray(path.read_bytes())
    data[4096:] = b"\x55" * (len(data) - 4096)
    path.write_bytes(data)
    assert workspace.search("zebra")
    assert workspace.tokens() == {"a.md": count("zebra\n")}


def test_without_a_place_for_the_cache_it_lives_in_memory(workspace: Workspace) -> None:
    """If its own folder cannot be made, a workspace can be read and searched, but not edited."""
    (workspace.root / "a.md").write_text("zebra\n")
    (workspace.root / ".agentmem").write_text("a file stands in the way")
    assert workspace.search("zebra")
    assert workspace.tokens() == {"a.md": count("zebra\n")}
    with pytest.raises(WorkspaceError):
        workspace.append("a.md", "x")
    assert (workspace.root / "a.md").read_text() == "zebra\n"


def test_a_workspace_closes(tmp_path: Path) -> None:
    """A workspace can be closed by a context, more than once, and used again."""
    with Workspace(tmp_path) as workspace:
        workspace.write("a.md", "zebra")
        assert workspace.search("zebra")
    workspace.close()
    assert workspace.search("zebra")
    workspace.close()
