"""Edits by section change the section, and its neighbours keep every byte."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentmem.errors import WorkspaceError
from agentmem.pages import address
from agentmem.pages.page import Page, make
from agentmem.pages.splices import appended, section_replaced
from tests.pages.documents import LINES, pages

TEXTS = st.lists(st.sampled_from(LINES), min_size=1, max_size=5).map("\n".join)


def page(text: str, name: str = "page.md") -> Page:
    """A page of this text."""
    return make(name, text.encode())


def section(text: str, path: str, new: str) -> str:
    """The page after the section was replaced."""
    one = page(text)
    return section_replaced(one, one.span(path), new).decode()


def append(text: str, path: str | None, new: str, name: str = "page.md") -> str:
    """The page after the text was appended."""
    one = page(text, name)
    return appended(one, one.span(path), new).decode()


@given(pages(), TEXTS, st.data())
def test_replacing_a_section_keeps_all_others(text: str, new: str, data: st.DataObject) -> None:
    """The bytes and headings before and after a replaced section stay, or the edit is refused."""
    one = page(text)
    paths = [address.OWN, *(address.of(found) for found in one.sections)]
    paths += [f"{path}/{address.OWN}" for path in paths[1:]]
    span = one.span(data.draw(st.sampled_from(paths)))
    try:
        after = section_replaced(one, span, new)
    except WorkspaceError:
        return
    kept = one.data[span.end :]
    assert after.startswith(one.data[: span.start])
    assert after.endswith(kept)
    headings = make("page.md", after).sections
    assert [found.title for found in one.sections if found.start < span.start] == [
        found.title for found in headings if found.start < span.start
    ]
    assert [found.title for found in one.sections if found.start >= span.end] == [
        found.title for found in headings if found.start >= len(after) - len(kept) and kept
    ]


@given(pages(), TEXTS, st.data())
def test_appending_only_inserts(text: str, new: str, data: st.DataObject) -> None:
    """Removing the inserted bytes gives the page as it was."""
    one = page(text)
    paths = [None, address.OWN, *(address.of(found) for found in one.sections)]
    span = one.span(data.draw(st.sampled_from(paths)))
    try:
        after = appended(one, span, new)
    except WorkspaceError:
        return
    more = len(after) - len(one.data)
    cuts = [at for at in range(len(one.data) + 1) if after[:at] + after[at + more :] == one.data]
    assert any(span.start <= at <= span.end for at in cuts)


PAGE = "# Top\n\nintro\n\n## A\n\nold\n\n### A1\n\ndeep\n\n## B\n\nb\n"


@pytest.mark.parametrize(
    ("path", "new", "expected"),
    [
        ("A", "new", "# Top\n\nintro\n\n## A\n\nnew\n\n## B\n\nb\n"),
        ("A", "## A2\n\nnew\n", "# Top\n\nintro\n\n## A2\n\nnew\n\n## B\n\nb\n"),
        ("A", "### A9\n\nnew", "# Top\n\nintro\n\n## A\n\n### A9\n\nnew\n\n## B\n\nb\n"),
        ("A/.", "new", "# Top\n\nintro\n\n## A\n\nnew\n\n### A1\n\ndeep\n\n## B\n\nb\n"),
        ("A/A1", "", "# Top\n\nintro\n\n## A\n\nold\n\n### A1\n\n## B\n\nb\n"),
        ("B", "new", "# Top\n\nintro\n\n## A\n\nold\n\n### A1\n\ndeep\n\n## B\n\nnew\n"),
        ("Top/.", "new\n\n\n", "# Top\n\nnew\n\n## A\n\nold\n\n### A1\n\ndeep\n\n## B\n\nb\n"),
    ],
)
def test_a_section_is_replaced(path: str, new: str, expected: str) -> None:
    """The text below the heading is replaced, and the heading too if the text has one. Blank lines around stay."""
    assert section(PAGE, path, new) == expected


@pytest.mark.parametrize(
    ("text", "path", "new", "expected"),
    [
        ("# A\n# B\n", "A", "new", "# A\n\nnew\n\n# B\n"),
        ("# A", "A", "new", "# A\n\nnew\n"),
        ("# A\nold", "A", "new", "# A\nnew"),
        ("# A\r\n\r\nold\r\n", "A", "one\ntwo", "# A\r\n\r\none\r\ntwo\r\n"),
        ("\ufeffold\n\n# A\n", ".", "new", "\ufeffnew\n\n# A\n"),
        ("---\nx: 1\n---\n\n# A\n", ".", "new", "---\nx: 1\n---\n\nnew\n\n# A\n"),
        ("Title\n=====\nold\n\nNext\n====\n", "Title", "new", "Title\n=====\nnew\n\nNext\n====\n"),
    ],
)
def test_a_section_at_the_edges(text: str, path: str, new: str, expected: str) -> None:
    """Empty sections, no final newline, other line endings, front matter and underlined headings all work."""
    assert section(text, path, new) == expected


@pytest.mark.parametrize(
    ("text", "path", "new", "expected"),
    [
        ("", None, "new", "new\n"),
        ("old", None, "new", "old\n\nnew\n"),
        ("old\n", None, "new\n", "old\n\nnew\n"),
        ("- one\n", None, "- two", "- one\n- two\n"),
        ("| a |\n|---|\n| 1 |\n", None, "| 2 |", "| a |\n|---|\n| 1 |\n| 2 |\n"),
        ("# A\n\n- one\n\n## A1\n\nx\n", "A", "- two", "# A\n\n- one\n- two\n\n## A1\n\nx\n"),
        ("# A\n\nold\n\n## A1\n\nx\n", "A", "## A2\n\ny", "# A\n\nold\n\n## A1\n\nx\n\n## A2\n\ny\n"),
        ("# A\n# B\n", "A", "new", "# A\n\nnew\n\n# B\n"),
        ("# A\r\nold\r\n# B\r\n", "A", "new", "# A\r\nold\r\n\r\nnew\r\n\r\n# B\r\n"),
    ],
)
def test_text_is_appended(text: str, path: str | None, new: str, expected: str) -> None:
    """Text is appended on its own lines, after a blank line unless it continues a list or a table."""
    assert append(text, path, new) == expected


def test_plain_text_is_appended_as_it_is() -> None:
    """In a page that is not markdown, no blank lines are added."""
    assert append("a,b\n1,2", None, "3,4", "data.csv") == "a,b\n1,2\n3,4\n"
    assert append("# comment\n", None, "# more\n", "run.py") == "# comment\n# more\n"


@pytest.mark.parametrize("new", ["```\nopen fence", "<!-- open comment", "<script>\nopen"])
def test_text_that_would_swallow_its_neighbours_is_refused(new: str) -> None:
    """Text with an open fence or comment is refused, because it would take in the next sections."""
    for edit in (section, append):
        with pytest.raises(WorkspaceError, match="would change the sections around it"):
            edit(PAGE, "A", new)
