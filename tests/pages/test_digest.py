"""A digest gives a page's outline and tokens."""

import pytest
from hypothesis import given

from agentmem.pages.digest import digest, dump, load
from agentmem.pages.page import make
from agentmem.tokens import count
from tests.pages.documents import pages


@given(pages())
def test_a_digest_comes_back_from_the_cache(text: str) -> None:
    """A digest read from the cache has the page's own tree, and tokens that add up."""
    page = make("a.md", text.encode())
    value = digest(page)
    assert load(dump(value)) == value
    assert value.tree == page.tree
    totals = value.totals(page.tree)
    for total, section in zip(totals, page.sections, strict=True):
        inside = [
            own
            for own, one in zip(value.own[1:], page.sections, strict=True)
            if section.start <= one.start < section.end
        ]
        assert total == sum(inside)
    assert value.tokens == sum(value.own)


def test_the_tokens_of_sections_are_those_of_the_page() -> None:
    """The tokens of sections add up to those of the page, because pages are cut before headings."""
    text = "---\ntitle: x\n---\n\nBefore.\n\n\n# A\n\n- one\n\n\n\n## B ##\n\n```\n# no\n```\n### C\n"
    assert digest(make("a.md", text.encode())).tokens == count(text)


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("---\ntitle: 'Given'\n---\n# Heading\n", "Given"),
        ("## Sub\n\n# Main\n", "Main"),
        ("text\n\n## Sub\n", "Sub"),
        ("text\n", ""),
    ],
)
def test_a_page_has_a_title(text: str, title: str) -> None:
    """A title comes from the front matter, the first heading of level 1, or the first heading."""
    assert digest(make("a.md", text.encode())).title == title
