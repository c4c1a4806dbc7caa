"""A stale edit is refused, and the error shows what changed."""

from pathlib import Path

import pytest

from agentmem.errors import PageExists, StalePage, WorkspaceError
from agentmem.pages.revisions import difference
from agentmem.pages.workspace import Workspace


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """A workspace with one page."""
    workspace = Workspace(tmp_path)
    workspace.write("page.md", "# A\n\none\ntwo\nthree\n")
    return workspace


def test_a_revision_is_the_content_hash(workspace: Workspace) -> None:
    """The same content has the same revision, in any page."""
    first = workspace.revision("page.md")
    assert len(first) == 64
    assert workspace.write("other.md", workspace.text("page.md")).revision == first
    assert workspace.append("page.md", "four").revision != first


def test_the_current_revision_or_its_beginning_is_accepted(workspace: Workspace) -> None:
    """The current revision, or at least its first eight digits, is accepted."""
    for length in (64, 12, 8):
        revision = workspace.revision("page.md")[:length]
        workspace.append("page.md", "more", revision=revision)


@pytest.mark.parametrize("revision", ["", "1234567", "not hexadecimal", "ABCDEF0123456789", "0" * 65])
def test_what_is_no_revision_is_refused(workspace: Workspace, revision: str) -> None:
    """Text that is too short, or not a hash, is refused as a revision."""
    with pytest.raises(WorkspaceError, match="is not a revision"):
        workspace.append("page.md", "x", revision=revision)


def test_a_stale_edit_is_refused_and_shown_what_changed(workspace: Workspace) -> None:
    """Every kind of stale edit is refused and shown what changed. The page stays as it is."""
    old = workspace.revision("page.md")
    now = workspace.replace("page.md", "two", "2").revision
    edits = (
        lambda: workspace.write("page.md", "x", revision=old),
        lambda: workspace.replace("page.md", "one", "x", revision=old[:12]),
        lambda: workspace.replace_section("page.md#A", "x", revision=old),
        lambda: workspace.append("page.md#A", "x", revision=old),
        lambda: workspace.delete("page.md", revision=old),
    )
    for edit in edits:
        with pytest.raises(
            StalePage, match=rf"now at revision {now[:12]}\. What changed:\n(?s:.*)-two\n\+2\n"
        ) as error:
            edit()
        assert error.value.sentence == str(error.value)
    assert workspace.revision("page.md") == now


def test_a_change_by_another_is_shown_too(workspace: Workspace) -> None:
    """The difference is between the bytes that were read here and those in the file now."""
    old = workspace.page("page.md").revision
    (workspace.root / "page.md").write_text("# A\n\none\n")
    with pytest.raises(StalePage, match=r"-two\n-three$"):
        workspace.append("page.md", "x", revision=old)


def test_a_revision_that_was_not_read_here_cannot_be_shown(workspace: Workspace) -> None:
    """A new process only knows the revisions that it has read, and says so."""
    with pytest.raises(StalePage, match=r"cannot be shown, because that revision was not read here"):
        Workspace(workspace.root).append("page.md", "x", revision="0123456789ab")


def test_a_page_that_is_gone_is_stale(workspace: Workspace) -> None:
    """An edit with a revision of a deleted page does not make the page again."""
    revision = workspace.revision("page.md")
    workspace.delete("page.md")
    with pytest.raises(StalePage, match="no longer exists"):
        workspace.write("page.md", "x", revision=revision)


def test_an_existing_page_can_be_protected(workspace: Workspace) -> None:
    """An existing page is not overwritten by a write or a move that must not."""
    with pytest.raises(PageExists):
        workspace.write("page.md", "x", overwrite=False)
    workspace.write("other.md", "x", overwrite=False)
    with pytest.raises(PageExists):
        workspace.move("page.md", "other.md")
    assert workspace.move("other.md", "new/place.md").text == "x"
    assert workspace.names() == ("new/place.md", "page.md")


def test_differences_are_short() -> None:
    """Long differences are cut, huge ones are not made, and changed line endings are named."""
    lines = difference(b"", b"x\n" * 100).splitlines()
    assert len(lines) == 41
    assert lines[-1] == "(more lines changed; read the page again)"
    assert difference(b"a", b"x" * 300_000) == "(the page is too long to compare here; read it again)"
    assert difference(b"a\r\n", b"a\n") == "(only line endings changed)"
