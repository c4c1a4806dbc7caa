"""HTML as markdown: what has a form there, and what is kept in a fenced block."""

from pathlib import Path

import pytest

from agentmem.pages.importing import html
from agentmem.pages.importing.sources import Read

FORMS = [
    ("<h1>A &amp; B</h1><p>one<br>two", "# A & B\n\none\\\ntwo\n"),
    ("<title>Named</title><p>x</p>", "# Named\n\nx\n"),
    ("<ul><li>a<ul><li>b<ol><li>c<li>d</ol></ul><li>e</ul>", "- a\n  - b\n    1. c\n    2. d\n- e\n"),
    ("<ol start=3><li><p>a</p><p>b</p></li></ol>", "3. a\n\n   b\n"),
    (
        '<ul><li><input type="checkbox" checked> done</li><li><input type=checkbox>open</li></ul>',
        "- [x] done\n- [ ] open\n",
    ),
    ("<p>a <b> bold </b>and <i>it</i>, <code>x_y</code> <del>no</del>", "a **bold** and *it*, `x_y` ~~no~~\n"),
    ('<a href="x y.html">l</a> <img src="a.png" alt="A">', "[l](<x y.html>) ![A](a.png)\n"),
    ('<pre><code class="language-py">a = 1\n  b</code></pre>', "```py\na = 1\n  b\n```\n"),
    ("<table><tr><th>a<th>b|c<tr><td>1<td><p>2<p>3</table>", "| a | b\\|c |\n| --- | --- |\n| 1 | 2<br>3 |\n"),
    ("<details><summary>More</summary><p>in</details>", "<details>\n<summary>More</summary>\n\nin\n\n</details>\n"),
    ("<aside>Mind <b>this</b></aside>", "> [!note]\n> Mind **this**\n"),
    ("<blockquote><p>a</p><ul><li>b</ul></blockquote><hr>", "> a\n>\n> - b\n\n---\n"),
    ("<p># no heading</p><p>1. no list</p><p>*x*</p>", "\\# no heading\n\n1\\. no list\n\n\\*x\\*\n"),
    ("<script>x()</script><style>y</style><p>z", "z\n"),
    ("<div><span>a</span> <span>b</span><div>c</div>d</div>", "a b\n\nc\n\nd\n"),
]


@pytest.mark.parametrize(("given", "expected"), FORMS, ids=range(len(FORMS)))
def test_forms(given: str, expected: str) -> None:
    """Each form of HTML has its form in markdown, also where ends of elements are left out."""
    read = Read()
    assert html.markdown(given, read) == expected
    assert not read.fenced


@pytest.mark.parametrize(
    ("given", "kind"),
    [
        ("<iframe src='x'></iframe>", "iframe"),
        ("<svg><path d='M0'/></svg>", "svg"),
        ("<table><tr><td colspan=2>a</table>", "table"),
        ("<form><input name=a></form>", "form"),
    ],
)
def test_what_has_no_form_is_fenced_and_counted(given: str, kind: str) -> None:
    """Embedded things, forms and tables with joined cells stay as HTML in a fenced block."""
    read = Read()
    assert html.markdown(given, read).startswith(f"```as-imported {kind}\n<{kind}")
    assert read.fenced == {kind: 1}


def test_deep_and_broken_html_is_read(tmp_path: Path) -> None:
    """Elements nested without end and ends without beginning do not stop it, and no text is lost."""
    said = html.markdown("<div>" * 5000 + "deep" + "</p></b>" * 50 + "<p>x</table>after", Read())
    assert "deep" in said and "after" in said


def test_links_between_pages_lead_to_the_pages(tmp_path: Path) -> None:
    """Links to other files of the source are mended; those that lead nowhere are named."""
    (tmp_path / "sub").mkdir()
    (tmp_path / "a.html").write_text(
        "<a href='sub/b.html#x'>b</a> <a href='gone.html'>g</a> <a href='https://x.org'>w</a>"
    )
    (tmp_path / "sub" / "b.html").write_text("<img src='../dot.png'>")
    (tmp_path / "dot.png").write_bytes(b"\x89PNG")
    read = html.read(tmp_path)
    texts = {page.name: page.text for page in read.pages}
    assert texts == {"a.md": "[b](sub/b.md#x) [g](gone.html) [w](https://x.org)\n", "sub/b.md": "![](../dot.png)\n"}
    assert read.broken == {"a.md": ["gone.html"]} and [one.name for one in read.files] == ["dot.png"]
