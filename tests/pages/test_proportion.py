"""Work in proportion: of a page ten times as large, every function does about ten times as much, whatever is in it.

Counted are Python's calls, the characters that tokens are counted of, and the text that is handed to SQLite, not time.
"""

import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType

import pytest

from agentmem.menu.output import readable
from agentmem.pages.markdown import outline as parsed
from agentmem.pages.render import shown
from agentmem.pages.search import best_line_of, pieces
from agentmem.pages.workspace import Workspace
from agentmem.tokens import about, exceeds

SHAPES: dict[str, Callable[[int], str]] = {
    "headings": lambda n: "".join(f"# h{at}\n" for at in range(n)),
    "the same heading": lambda n: "# h\n" * n,
    "nested headings": lambda n: "".join("#" * (at % 6 + 1) + f" h{at}\n" for at in range(n)),
    "anchors": lambda n: "".join(f"# h{at}\n[a](#h{at})\n" for at in range(n // 2)),
    "one line": lambda n: "word " * n,
    "lines": lambda n: "word\n" * n,
    "links": lambda n: "".join(f"[a](p{at}.md) [[q{at}]]\n" for at in range(n // 2)),
    "brackets in a heading": lambda n: "# " + "[" * n + "\n",
    "tags in a heading": lambda n: "# " + "<a" * n + "\n",
    "a long title above many": lambda n: f"# {'t' * n}\n" + "## h\n" * n,
}
LOOKS: dict[str, Callable[[Workspace], object]] = {
    "render": lambda workspace: workspace.render("p.md", limit=500),
    "outline": lambda workspace: workspace.outline("p.md"),
    "links": lambda workspace: workspace.links("p.md"),
    "search": lambda workspace: workspace.search("word h5"),
}


def calls(work: Callable[[], object]) -> int:
    """How many calls, of Python and of C, some work makes."""
    made = 0

    def see(frame: FrameType, event: str, value: object) -> None:
        nonlocal made
        made += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(see)
    try:
        work()
    finally:
        sys.setprofile(before)
    return made


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("shape", SHAPES)
def test_a_page_is_read_in_proportion(shape: str, look: str, tmp_path: Path) -> None:
    """Of four times as much at most some six times the calls."""
    made = []
    for number in (500, 2000):
        with Workspace(tmp_path / str(number), create=True) as workspace:
            workspace.write("p.md", SHAPES[shape](number))
            made.append(calls(lambda: LOOKS[look](workspace)))
    assert made[1] <= 6 * made[0] + 6000


def test_titles_do_not_fill_the_index() -> None:
    """A title of a million characters is cut: it would stand in the address of every section below it."""
    _, headings = parsed(b"# " + b"t" * 1_000_000 + b"\n## b\n")
    assert max(len(one.title) for one in headings) == 200


def test_a_long_text_is_marked_in_short_pieces() -> None:
    """Marking copies the text for each match: the pieces are short, make up the text, and know their lines."""
    text = "word " * 5000 + "\nx\r\nsecond match here\n" + "y" * 5000
    cut = list(pieces(text))
    assert "".join(piece for _, piece in cut) == text
    assert max(len(piece) for _, piece in cut) <= 1000
    line, marked = best_line_of(text, ['"second"', '"match"'])
    assert line == 2
    assert "second" in marked


def test_wide_tables_are_not_filled_up() -> None:
    """A header of a thousand columns above rows of one, or records that share no key, are no table."""
    assert len(shown("a.csv", "," * 1000 + "\n" + "a\n" * 1000).text) < 20_000
    assert len(readable([{f"k{at}": 1} for at in range(1000)])) < 50_000


def test_very_long_texts_are_sampled() -> None:
    """Near enough to say how long a text is, and whether it fits is exact."""
    text = "the quick brown fox\n" * 400_000
    assert abs(about(text) - 5 * 400_000) < 0.05 * 5 * 400_000
    assert exceeds(text, 1000)
    assert not exceeds(" word" * 10, 10)
    assert exceeds(" word" * 10, 9)
