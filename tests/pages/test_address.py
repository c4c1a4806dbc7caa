"""Addresses name sections exactly, and loosely where only one can be meant."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentmem.errors import SectionNotFound
from agentmem.pages import address
from agentmem.pages.markdown import Section, parse
from agentmem.pages.page import make
from tests.pages.documents import pages

PAGE = """\
# Guide

## Setup

### Linux

## Usage

### Linux

## `run` *fast*

## TCP/IP

## Same

## Same

## .

## List[2]

##
"""


def sections(text: str = PAGE) -> tuple[Section, ...]:
    """The sections of a page."""
    return parse(text.encode()).sections


def line(path: str) -> int:
    """The line of the page that the address leads to."""
    return address.find(sections(), path).line


@given(pages())
def test_every_section_has_an_exact_address_of_its_own(text: str) -> None:
    """For any headings, each section's own address differs from all others and leads back to it."""
    found = sections(text)
    for one in found:
        assert address.find(found, address.of(one)) is one
    assert len({address.of(one) for one in found}) == len(found)


@given(st.lists(st.text("a/\\.#[]12 ", min_size=1, max_size=6), min_size=1, max_size=6))
def test_titles_of_marks_alone_are_addressable(titles: list[str]) -> None:
    """Slashes, backslashes, dots and bracketed numbers in titles are not confused with those of the address."""
    text = "".join(f"{'#' * (1 + index % 3)} {title}\n" for index, title in enumerate(titles))
    page = make("page.md", text.encode())
    for one in page.sections:
        path = address.of(one)
        assert address.find(page.sections, path) is one
        whole, own = page.span(path), page.span(f"{path}/{address.OWN}")
        assert (whole.start, whole.end, own.start, own.end) == (one.start, one.end, one.body, one.stop)


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1), st.none() | st.text(min_size=1))
def test_a_page_and_a_section_join_and_split(page: str, section: str | None) -> None:
    """Number signs and backslashes in a page's name survive joining and splitting."""
    assert address.split(address.join(page, section)) == (page, section)


def test_an_empty_section_is_the_page() -> None:
    """A number sign at the end changes nothing."""
    assert address.split("a.md#") == ("a.md", None)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("Guide/Setup/Linux", 5),
        ("Usage/Linux", 9),
        ("setup/linux", 5),
        ("Setup", 3),
        ("run fast", 11),
        ("run-fast", 11),
        ("TCP/IP", 13),
        ("TCP\\/IP", 13),
        ("Guide/Same", 15),
        ("Same[2]", 17),
        ("linux[2]", 9),
        ("\\.", 19),
        ("List[2]", 21),
        ("List\\[2]", 21),
        ("Guide/[1]", 23),
    ],
)
def test_addresses_are_understood(path: str, expected: int) -> None:
    """Full paths, their last parts, GitHub's anchors and numbers each find the right section."""
    assert line(path) == expected


def test_what_may_be_several_sections_is_refused() -> None:
    """An ambiguous address is an error that names the exact addresses."""
    with pytest.raises(SectionNotFound, match=r"several.*'Guide/Setup/Linux', 'Guide/Usage/Linux'"):
        line("Linux")


def test_what_is_no_section_is_refused() -> None:
    """A wrong address is an error that names the page's sections."""
    with pytest.raises(SectionNotFound, match=r"no section 'Windows'.*'Guide/Setup'"):
        line("Windows")
    with pytest.raises(SectionNotFound, match="no headings"):
        address.find((), "Windows")
    with pytest.raises(SectionNotFound):
        line("Same[9]")
