"""Edits by section keep HTML elements whole, and never put text into unclosed code."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentmem.errors import WorkspaceError
from agentmem.pages import address
from agentmem.pages.enclosed import elements, unclosed
from agentmem.pages.page import make
from agentmem.pages.splices import appended, section_replaced
from tests.pages.documents import LINES, pages

DETAILS = "# T\n\nintro\n\n<details>\n<summary>M</summary>\n\n## In\n\nx\n\n</details>\n\n## Next\ny\n"


def replaced(text: str, path: str, new: str, name: str = "page.md") -> str:
    """The page after the section was replaced."""
    page = make(name, text.encode())
    return section_replaced(page, page.span(path), new).decode()


def added(text: str, path: str | None, new: str, name: str = "page.md") -> str:
    """The page after the text was appended."""
    page = make(name, text.encode())
    return appended(page, page.span(path), new).decode()


@pytest.mark.parametrize(
    ("path", "new", "before", "after"),
    [
        ("In", "z", "\nx\n", "\nz\n"),
        ("In", "## Other\nz", "## In\n\nx\n", "## Other\nz\n"),
        ("In", "## In\nz\n\n</details>\n", "## In\n\nx\n", "## In\nz\n"),
        ("T/.", "new", "intro", "new"),
        ("T/.", "new\n\n<details>\n<summary>M</summary>", "intro", "new"),
        ("Next", "new", "## Next\ny\n", "## Next\nnew\n"),
    ],
)
def test_a_section_inside_an_element_is_replaced_alone(path: str, new: str, before: str, after: str) -> None:
    """An element's tags stay, whether the new text repeats them or not."""
    assert replaced(DETAILS, path, new) == DETAILS.replace(before, after)


@pytest.mark.parametrize(
    ("path", "new", "before", "after"),
    [
        ("In", "more", "x\n", "x\n\nmore\n"),
        ("In", "### Deep\nmore", "x\n", "x\n\n### Deep\nmore\n"),
        ("T/.", "more", "intro\n", "intro\n\nmore\n"),
        ("T", "more", "intro\n", "intro\n\nmore\n"),
        (None, "more", "y\n", "y\n\nmore\n"),
    ],
)
def test_text_is_added_on_its_sections_side_of_a_tag(path: str | None, new: str, before: str, after: str) -> None:
    """Text is added inside the element for a section in it, and outside for a section around it."""
    assert added(DETAILS, path, new) == DETAILS.replace(before, after)


@pytest.mark.parametrize(
    ("text", "path", "new"),
    [
        ("# A\n\n<details>\n\n## B\n\nx\n\n</details>\n\ntail\n", "B", "z"),
        ("# A\n\n<div>\n\nx\n\n# B\n\n</div>\n", "A", "z"),
        ("# A\n\n<div>\n\nx\n\n# B\n\n</div>\n", "A", "z\n\n</div>"),
    ],
)
def test_an_edit_that_would_tear_an_element_is_refused(text: str, path: str, new: str) -> None:
    """An edit that would tear an element is refused, and the element is named."""
    with pytest.raises(WorkspaceError, match=r"<(details|div)> begins or ends in that part .* Nothing was changed"):
        replaced(text, path, new)


def test_tags_in_code_and_tags_without_their_other_are_no_elements() -> None:
    """Tags in code, single tags, comments, self-closing tags and void tags are not elements."""
    text = (
        b"`<a>` <br> <X/>\n\n<p>\n\n```\n<div>\n```\n\n<!-- <i> -->\n\n<p>\n\n</i></a></div></p>\n\n    <b>\n\n</b>\n"
    )
    assert [(one.name, text[one.opens : one.opens + 3]) for one in elements(text, "markdown")] == [("p", b"<p>")]


@pytest.mark.parametrize(
    ("text", "kind", "line", "closing", "name"),
    [
        ("# T\n\n```\ncode\n", "code fence", 3, "```", "a.md"),
        ("# T\n~~~~ py\n~~~\n```\n", "code fence", 2, "~~~~", "a.md"),
        ("# T\n\n<!-- x\n\ny", "comment or HTML block", 3, "-->", "a.md"),
        ("<script>\n\n", "comment or HTML block", 1, "</script>", "a.md"),
        ("```\ncode\r\n\r\n", "code fence", 1, "```", "a.mdx"),
    ],
)
def test_text_does_not_vanish_in_what_nothing_closes(text: str, kind: str, line: int, closing: str, name: str) -> None:
    """Adding to unclosed code is refused with its place, unless the text begins by closing it."""
    assert unclosed(text.encode(), "mdx" if name.endswith("x") else "markdown") == (kind, line)
    with pytest.raises(WorkspaceError, match=f"Nothing closes the {kind} that begins on line {line} of '{name}'"):
        added(text, None, "## New\nx", name)
    after = added(text, None, f"{closing}\n\n## New\nx", name)
    assert "New" in [one.title for one in make(name, after.encode()).sections]
    assert after.replace("\r\n", "\n").startswith(text.replace("\r\n", "\n").rstrip() + f"\n{closing}\n")


@pytest.mark.parametrize(
    "text",
    ["- a\n  ```\n  code\n", "> ```\n> code\n", "```\ncode\n```\n", "<div>\nx\n", "    code\n", "`x\n", "# ```\n"],
)
def test_what_ends_by_itself_takes_no_text_in(text: str) -> None:
    """A fence in a list or quote ends with it, and an HTML block ends at a blank line."""
    assert unclosed(text.encode(), "markdown") is None


@given(pages(), st.lists(st.sampled_from(LINES), min_size=1, max_size=4).map("\n".join), st.data())
def test_added_text_reads_back_in_its_section_alone(text: str, new: str, data: st.DataObject) -> None:
    """On any page, added lines are at the end of their section, and no other section changes."""
    page = make("page.md", text.encode())
    paths = [address.of(one) for one in page.sections]
    path = data.draw(st.sampled_from(paths)) if paths else None
    span = page.span(path)
    try:
        after = make("page.md", appended(page, span, f"MARK\n\n{new}"))
    except WorkspaceError:
        return
    grown = after.span(path)
    assert b"MARK" in after.data[grown.start : grown.end]
    behind = len(page.data) - span.end
    assert after.data[: span.start] == page.data[: span.start]
    assert after.data[len(after.data) - behind :] == page.data[span.end :]
    assert unclosed(after.data[: after.data.index(b"MARK")], "markdown") is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("# T\r\n\r\nx\r\n", "# T\r\n\r\nx\r\n\r\na\r\nb\r\n"),
        ("# T\r\n\nx\r\n", "# T\r\n\nx\r\n\r\na\r\nb\r\n"),
        ("# T\r\n\nx\n", "# T\r\n\nx\n\na\nb\n"),
        ("# T\rx\r", "# T\rx\r\ra\rb\r"),
        ("# T\r\nx", "# T\r\nx\r\n\r\na\r\nb\r\n"),
        ("x", "x\r\n\r\na\r\nb\r\n"),
    ],
)
def test_added_lines_end_as_the_lines_before_them(text: str, expected: str) -> None:
    """Added lines end like the lines before them, also on a page of mixed endings. Other lines keep their endings."""
    assert added(text, None, "a\r\nb") == expected
