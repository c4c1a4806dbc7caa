"""Search finds sections by their words, best first, and names the line."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentmem.errors import WorkspaceError
from agentmem.pages.cache import Cache
from agentmem.pages.page import Page, make
from agentmem.pages.search import search, update
from agentmem.pages.workspace import Workspace


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """A workspace of a few pages."""
    workspace = Workspace(tmp_path)
    workspace.write("leave.md", "# Leave\n\nTake time off.\n\n## Parental leave\n\nParents get\nsixteen weeks off.\n")
    workspace.write("oncall.md", "# On call\n\nWhoever is on call takes no leave.\n\n## Rotation\n\nA week each.\n")
    workspace.write("src/run.py", "def get_user_id(user):\n    return user.id  # parents\n")
    workspace.write("中文.md", "# 假期\n\n员工每年有三十天假期可以使用。\n")
    return workspace


def found(workspace: Workspace, query: str) -> list[str]:
    """The addresses of the hits."""
    return [hit.address for hit in workspace.search(query)]


def test_a_hit_says_where_it_is(workspace: Workspace) -> None:
    """A hit has page, section, best line in its own words, and score."""
    hit = workspace.search("sixteen weeks")[0]
    assert (hit.page, hit.section, hit.line) == ("leave.md", "Leave/Parental leave", 8)
    assert hit.snippet == "sixteen weeks off."
    assert hit.address == "leave.md#Leave/Parental leave"
    assert hit.score > 0
    assert hit.snippet in workspace.text(hit.address)


def test_headings_weigh_more_than_text(workspace: Workspace) -> None:
    """A section about a thing comes before one that only mentions it."""
    assert found(workspace, "leave")[-1] == "oncall.md#On call"
    assert found(workspace, "rotation") == ["oncall.md#On call/Rotation"]


def test_words_are_found_in_any_form(workspace: Workspace) -> None:
    """Words are found whatever their letter case, endings and accents."""
    assert "leave.md#Leave/Parental leave" in found(workspace, "PARENT")
    workspace.write("cafe.md", "Das Café\n")
    assert found(workspace, "cafe") == ["cafe.md"]


def test_sections_with_all_words_come_before_those_with_some(workspace: Workspace) -> None:
    """Sections with all words come before those with some, and scores fall."""
    hits = workspace.search("rotation sixteen")
    assert {hit.page for hit in hits} == {"leave.md", "oncall.md"}
    hits = workspace.search("parents weeks")
    assert hits[0].section == "Leave/Parental leave"
    assert len(hits) > 1
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)


def test_words_that_stand_everywhere_are_left_out(workspace: Workspace) -> None:
    """Common words are left out of a question that has rarer ones. A search of common words alone still works."""
    assert found(workspace, "What is the rotation?") == ["oncall.md#On call/Rotation"]
    workspace.write("who.md", "Who?\n")
    assert "who.md" in found(workspace, "who")


def test_quoted_words_are_found_side_by_side_first(workspace: Workspace) -> None:
    """Quoted words count as one term, and are found side by side first."""
    workspace.write("off.md", "off time\n")
    assert found(workspace, '"time off"') == ["leave.md#Leave"]


def test_names_and_marks_are_found(workspace: Workspace) -> None:
    """Identifiers are found, and so is text that is not a word."""
    assert found(workspace, "get_user_id") == ["src/run.py"]
    assert found(workspace, "user.id") == ["src/run.py"]
    assert found(workspace, "):") == ["src/run.py"]
    assert found(workspace, "三十天")[0] == "中文.md#假期"
    assert workspace.search("三十天")[0].line == 3


def test_nothing_found_is_nothing(workspace: Workspace) -> None:
    """A search that finds nothing gives no hits, and no error."""
    assert workspace.search("zebra") == ()


@pytest.mark.parametrize("query", ["", "  ", "\n"])
def test_an_empty_search_is_refused(workspace: Workspace, query: str) -> None:
    """An empty search is refused, and the error says what to give."""
    with pytest.raises(WorkspaceError, match="search is empty"):
        workspace.search(query)


def test_the_limit_is_kept(workspace: Workspace) -> None:
    """The best hits stay within the limit."""
    assert len(workspace.search("leave", limit=2)) == 2
    assert workspace.search("leave", limit=1) == workspace.search("leave")[:1]


def test_edits_are_found_at_once(workspace: Workspace) -> None:
    """Edits by this workspace, another one, or other programs are found at once. Deleted text is not found."""
    workspace.search("zebra")
    workspace.append("leave.md", "A zebra.")
    assert found(workspace, "zebra") == ["leave.md#Leave/Parental leave"]
    (workspace.root / "new.md").write_text("zebra")
    path = workspace.root / "src/run.py"
    path.write_text(path.read_text().replace("parents", "zebras "))
    assert sorted(found(workspace, "zebra")) == [
        "leave.md#Leave/Parental leave",
        "new.md",
        "src/run.py",
    ]
    other = Workspace(workspace.root)
    assert len(other.search("zebra")) == 3
    other.delete("leave.md")
    assert sorted(found(workspace, "zebra")) == ["new.md", "src/run.py"]
    workspace.move("new.md", "moved.md")
    assert sorted(found(workspace, "zebra")) == ["moved.md", "src/run.py"]


def test_a_change_that_keeps_size_and_time_is_found(workspace: Workspace) -> None:
    """A file that changed recently is read again even if size and time stamp are the same."""
    path = workspace.root / "leave.md"
    status = path.stat()
    workspace.search("sixteen")
    path.write_text(path.read_text().replace("sixteen", "zebraen"))
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert found(workspace, "zebraen") == ["leave.md#Leave/Parental leave"]


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """One workspace for all queries of a property test, which changes nothing."""
    workspace = Workspace(tmp_path_factory.mktemp("shared"))
    workspace.write("a.md", "# A\n\na NEAR b, 'x' (y)\n")
    return workspace


@given(
    st.text(max_size=30)
    | st.sampled_from(['"', '"a', "a AND", "NEAR(a b)", "name:x", "a*", "-a", "^a", "(", "'", "a\0", "\ud800a"])
)
def test_any_query_is_safe(shared: Workspace, query: str) -> None:
    """Operators and stray quotes count as words. No query causes a database error."""
    if query.replace("\0", "").strip():
        assert isinstance(shared.search(query), tuple)


def test_long_lines_are_cut_around_the_match(workspace: Workspace) -> None:
    """The snippet of a long line holds the match and stays short."""
    workspace.write("long.md", "word " * 500 + "zebra " + "word " * 500)
    snippet = workspace.search("zebra")[0].snippet
    assert "zebra" in snippet
    assert len(snippet) <= 240


def test_an_edit_of_a_long_page_writes_the_sections_that_changed(tmp_path: Path) -> None:
    """Not all of them again, and each is found as it is now, also where lines were added and sections are gone."""
    cache, files = Cache(tmp_path, in_memory=True), dict[str, Page]()

    def put(*words: str) -> int:
        """The rows that the index of a page with a section for each word writes."""
        text = "# Top\n\n" + "".join(f"## S{at}\n\n{word} {'lorem ' * 9}\n\n" for at, word in enumerate(words))
        page = files["long.md"] = make("long.md", text.encode())
        with cache.reading() as connection:
            before = connection.total_changes
        update(cache, {"long.md": page.revision}, files.get)
        with cache.reading() as connection:
            return connection.total_changes - before

    def hits(query: str) -> list[tuple[str | None, int]]:
        return [(hit.section, hit.line) for hit in search(cache, query, 10)]

    words = [f"word{at}" for at in range(2_000)]
    assert put(*words) > 2_000
    words[1_500] = "changed"
    assert put(*words) < 40
    assert hits("changed") == [("Top/S1500", 6_005)] and hits("word1500") == []
    assert hits("word1501") == [("Top/S1501", 6_009)]
    words[0] = "two\n\nlines"
    put(*words)
    assert hits("changed") == [("Top/S1500", 6_007)]
    put(*words[:3])
    assert hits("changed") == [] and hits("word2") == [("Top/S2", 15)]
    update(cache, {}, files.get)
    assert hits("word2") == []
