"""The sections are those of markdown-it, in byte offsets that divide a page without gaps."""

from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from agentmem.pages.markdown import line_starts, outline, parse, parsed_outline, parser
from tests.pages.documents import pages
from tests.pages.spec import EXAMPLES, Example, SpecUnavailable, examples, top_headings


@pytest.fixture(scope="module")
def specification() -> list[Example]:
    """The examples of CommonMark. Skips, with the reason, if they are not available."""
    try:
        return examples()
    except SpecUnavailable as error:
        pytest.skip(str(error))


def titles(text: str) -> list[tuple[int, str]]:
    """Level and title of each section."""
    return [(one.level, one.title) for one in parse(text.encode()).sections]


def joined(data: bytes) -> bytes:
    """The page, joined from its sections."""
    cuts = parse(data).cuts()
    assert list(cuts) == sorted(cuts)
    return b"".join(data[start:end] for start, end in pairwise(cuts))


def test_every_example_of_commonmark_comes_back_byte_for_byte(specification: list[Example]) -> None:
    """Parsing a page and joining its sections changes no byte, with each line ending and without the last."""
    assert len(specification) == EXAMPLES
    for one in specification:
        for newline in ("\n", "\r\n", "\r"):
            data = one.markdown.replace("\n", newline).encode()
            assert joined(data) == data
            assert joined(data.rstrip()) == data.rstrip()


def test_every_example_of_commonmark_has_the_sections_its_html_has(specification: list[Example]) -> None:
    """The specification's own HTML says which headings there are. Front matter and tables are extensions."""
    for one in specification:
        data = one.markdown.encode()
        if parse(data).front == 0:
            assert [level for level, _ in titles(one.markdown)] == top_headings(one.html), one.markdown


@given(pages())
@example("- # a\n# b\n")
@example("<div>\n# no\n\n# yes\n")
@example("> a\n# yes\n")
@example("\x0c# no\n# yes")
def test_the_fast_reading_is_the_parsers(text: str) -> None:
    """On any page, simple or not, the headings are those of markdown-it."""
    data = text.encode()
    assert outline(data) == parsed_outline(data)


@given(pages())
def test_sections_are_slices_of_the_page(text: str) -> None:
    """Sections divide the page without gaps, nest, begin on their own lines, and number repeated titles."""
    data = text.encode()
    tree = parse(data)
    assert joined(data) == data
    starts = line_starts(data)
    for one in tree.sections:
        assert one.start < one.body <= one.stop <= one.end <= len(data)
        assert starts[one.line - 1] == one.start
        inside = [other for other in tree.sections if one.start <= other.start < one.end]
        assert all(other.end <= one.end and other.path[: len(one.path)] == one.path for other in inside)
        assert all(other.level > one.level for other in inside[1:])
    assert len({one.path for one in tree.sections}) == len(tree.sections)


@given(pages())
def test_line_numbers_are_markdown_its(text: str) -> None:
    """Our table of line offsets agrees with the parser's line maps, for all line endings."""
    data = text.encode()
    lines = line_starts(data)
    source = data.decode("utf-8-sig")
    for token in parser("normalize", "block").parse(source):
        if token.type == "fence" and token.map and token.level == 0:
            first = data[lines[token.map[0]] : lines[token.map[0] + 1]].lstrip()
            assert first.startswith(token.markup.encode())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("# A\n\n````\n```\n# no\n```\n````\n## B\n", [(1, "A"), (2, "B")]),
        ("<pre>\n# no\n\n# no\n</pre>\n\n# A\n", [(1, "A")]),
        ("Title\nof two lines\n===\n\nSub\n---\n", [(1, "Title of two lines"), (2, "Sub")]),
        ("- # no\n\n> # no\n\n1. a\n\n   ## no\n\n# A\n", [(1, "A")]),
        ("---\n# no\n---\n# A\n", [(1, "A")]),
        ("\ufeff# A\r\n## B\r\n", [(1, "A"), (2, "B")]),
        ("# C#\n## F# / OCaml ##\n#\n", [(1, "C#"), (2, "F# / OCaml"), (1, "")]),
        ("# See [the *plan*](plan.md#x) <a href='y'>z</a>\n", [(1, "See the *plan* z")]),
    ],
)
def test_headings_that_count(text: str, expected: list[tuple[int, str]]) -> None:
    """Fences, HTML, lists, quotes and front matter hide headings. Underlines, marks and byte-order marks do not."""
    assert titles(text) == expected


def test_a_section_lasts_until_a_heading_of_its_level_or_above() -> None:
    """Levels may be left out, and a deeper heading may come first."""
    data = b"### deep\n# A\n#### B\nb\n## C\nc\n# D\n"
    tree = parse(data)
    assert [data[one.start : one.end] for one in tree.sections] == [
        b"### deep\n",
        b"# A\n#### B\nb\n## C\nc\n",
        b"#### B\nb\n",
        b"## C\nc\n",
        b"# D\n",
    ]
    assert [[title for title, _ in one.path] for one in tree.sections[2:4]] == [["A", "B"], ["A", "C"]]


@given(st.binary(max_size=200).map(lambda data: data.replace(b"\0", b"").decode("utf-8", "ignore")))
def test_any_text_is_a_page(text: str) -> None:
    """Any text can be parsed, without losing a byte."""
    assert joined(text.encode()) == text.encode()
