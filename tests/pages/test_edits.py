"""Exact replacement: what stands once is replaced, anything else is explained, all other bytes stay."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentmem.errors import TextNotUnique
from agentmem.pages.page import Page, make
from agentmem.pages.splices import replaced
from tests.pages.documents import pages


def edited(page: Page, old: str, new: str, section: str | None = None) -> bytes:
    """The page's bytes after the replacement."""
    return replaced(page, page.span(section), old, new)


def page(data: bytes) -> Page:
    """A markdown page of these bytes."""
    return make("page.md", data)


@given(pages(), st.data())
def test_only_the_text_named_changes(text: str, data: st.DataObject) -> None:
    """Any slice that stands once is replaced; what is around it keeps every byte."""
    start = data.draw(st.integers(0, max(0, len(text) - 1)))
    old = text[start : start + data.draw(st.integers(1, 20))]
    new = data.draw(st.sampled_from(["", "x", "new \u00e4 text"]))
    try:
        after = edited(page(text.encode()), old, new)
    except TextNotUnique:
        return
    before, behind = text[:start].encode(), text[start + len(old) :].encode()
    if text.count(old) == 1 and after != before + new.encode() + behind:
        assert "\n" in old or "\r" in old  # a line break matches any, and so a slice of \r\n may match more
    assert len(after) <= len(text.encode()) + len(new.encode())


def test_line_breaks_match_whatever_the_file_has() -> None:
    """Models write \\n; a page with \\r\\n is matched all the same, and keeps its line endings."""
    crlf = page(b"one\r\ntwo\r\nthree\r\n")
    assert edited(crlf, "one\ntwo", "1\n2") == b"1\r\n2\r\nthree\r\n"
    assert edited(crlf, "one\r\ntwo", "1\n2") == b"1\r\n2\r\nthree\r\n"
    mixed = page(b"one\r\ntwo\nthree\n")
    assert edited(mixed, "one\ntwo", "1\n2") == b"1\r\n2\nthree\n"
    assert edited(mixed, "three", "3\n4") == b"one\r\ntwo\n3\n4\n"


def test_text_that_stands_several_times_is_refused_with_its_lines() -> None:
    """Overlapping matches count too."""
    with pytest.raises(TextNotUnique, match=r"stands in 'page.md' 3 times, on lines 1, 3, 4\."):
        edited(page(b"a b\nc\na b\r\na b"), "a b", "x")
    with pytest.raises(TextNotUnique, match="2 times, on lines 1, 1"):
        edited(page(b"aaa"), "aa", "x")
    with pytest.raises(TextNotUnique, match="on lines 1, 2, 3, 4, 5, 6, 7, 8 and more"):
        edited(page(b"x\n" * 20), "x", "y")


def test_a_section_narrows_what_is_meant() -> None:
    """Text that stands in several sections can be replaced in one of them."""
    data = b"# A\n\nsame\n\n# B\n\nsame\n"
    assert edited(page(data), "same", "other", "B") == b"# A\n\nsame\n\n# B\n\nother\n"
    with pytest.raises(TextNotUnique, match=r"does not stand in 'page.md#A'"):
        edited(page(data), "B", "x", "A")


def test_missing_text_names_the_nearest_line() -> None:
    """With the line as it is in the file, so that it can be copied."""
    data = b"# Plan\n\n| Name  | Age |\n|---|---|\n| Ada\t| 36 |\n"
    with pytest.raises(TextNotUnique, match=r"line 5 has it with other white space .*: '\| Ada\\t\| 36 \|'"):
        edited(page(data), "| Ada | 36 |\n", "x")
    with pytest.raises(TextNotUnique, match="nearest is line 7: second"):
        edited(page(b"# A\nfirst\n\n# B\n\n\nsecond\n"), "secund", "x", "B")
    with pytest.raises(TextNotUnique, match=r"does not stand in 'page.md'. Read the page"):
        edited(page(data), "something else entirely", "x")


def test_nothing_to_replace_is_refused() -> None:
    """An empty text stands everywhere."""
    with pytest.raises(TextNotUnique, match="is empty"):
        edited(page(b"a"), "", "x")
