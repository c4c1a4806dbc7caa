"""What is found wrong in a built site."""

from pathlib import Path

from tests.site.checks import problems


def test_what_is_wrong_is_told_by_page(tmp_path: Path) -> None:
    """Links and anchors that lead nowhere, addresses of others, headings that skip, pictures without a text."""
    (tmp_path / "good.html").write_text('<h1 id="top">A</h1><h2>B</h2><a href="bad.html">bad</a><a href="#top">up</a>')
    (tmp_path / "bad.html").write_text(
        '<script src="https://example.org/a.js"></script><h1>A</h1><h3>C</h3>'
        '<a href="none.html">x</a><a href="good.html#none">y</a><img src="none.png">'
    )
    assert problems(tmp_path) == {
        "bad.html": [
            "broken link none.html",
            "broken link good.html#none",
            "fetches https://example.org/a.js",
            "fetches none.png, which is not there",
            "a heading skips a level",
            "a picture without a text",
        ]
    }
