"""agentmem.report.page."""

import json
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentmem.report.data import Data, shown
from agentmem.report.page import embedded, page, policy
from agentmem.report.turns import ReportTurn
from tests.meter.rows import row
from tests.report.runs import HOSTILE


class Elements(HTMLParser):
    """Collects what a parser of HTML sees: tags with their attributes, and the text of scripts and styles."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.inside: list[str] = []
        self.within = False
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self.within = tag in ("script", "style", "title")
        if self.within:
            self.inside.append("")

    def handle_endtag(self, tag: str) -> None:
        self.within = False

    def handle_data(self, data: str) -> None:
        if self.within:
            self.inside[-1] += data


@pytest.fixture
def hostile() -> Data:
    """Data whose every name wants to be markup."""
    named = row(thread=HOSTILE, agent=HOSTILE, purpose=HOSTILE, model=HOSTILE, error=HOSTILE)
    return shown([ReportTurn(1, named)], (), HOSTILE)


def test_the_page_is_one_file_that_asks_for_nothing(hostile: Data) -> None:
    """No address but the empty picture of its tab and its own beginning, and a policy that forbids any."""
    seen = Elements(page(hostile))
    addresses = [value for _, about in seen.tags for name, value in about.items() if name in ("src", "href", "srcset")]
    assert addresses == ["data:,", "#/"]
    [held] = [about["content"] for _, about in seen.tags if about.get("http-equiv") == "Content-Security-Policy"]
    assert held and held.startswith("default-src 'none'; script-src 'sha256-")
    assert "unsafe" not in held and "http" not in held


def test_text_of_a_run_is_no_markup(hostile: Data) -> None:
    """Hostile names add no element, and read back from the page as they are."""
    plain = Elements(page(shown([ReportTurn(1, row())], (), "run-1")))
    seen = Elements(page(hostile))
    assert [tag for tag, _ in seen.tags] == [tag for tag, _ in plain.tags]
    title, _, _, kept, _ = seen.inside
    assert json.loads(kept) == json.loads(json.dumps(hostile))
    assert HOSTILE in title


def test_the_policy_names_the_scripts_that_stand_there(hostile: Data) -> None:
    """Both hashes are those of the page's own scripts, byte for byte."""
    seen = Elements(page(hostile))
    _, style, library, _, own = seen.inside
    [held] = [about["content"] for _, about in seen.tags if about.get("http-equiv") == "Content-Security-Policy"]
    assert held == policy((library, own), style)


@given(st.text() | st.sampled_from(["</script>", "<!--", "]]>", "\u2028", "&lt;", "{{data}}"]))
def test_embedding_keeps_any_text(text: str) -> None:
    """No angle bracket or ampersand is left, only ASCII, and the value reads back."""
    kept = embedded({text: [text]})
    assert not set(kept) & set("<>&")
    assert kept.isascii()
    assert json.loads(kept) == {text: [text]}
