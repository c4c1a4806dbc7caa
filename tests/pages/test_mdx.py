"""MDX pages have the sections of their markdown. JSX neither hides nor adds any."""

import pytest

from agentmem.pages.links import references
from agentmem.pages.page import make


@pytest.mark.parametrize(
    ("text", "titles"),
    [
        (
            "import X from './x'\n\nexport const meta = {\n  title: 'T',\n\n# not\n}\n\n# {meta.title}\n",
            ["{meta.title}"],
        ),
        ("import X from './x'\n# One\n\n## Two\n", ["Two"]),
        ("import goods from abroad. Then:\n\n# One\n", ["One"]),
        ("<X a={1}>\n\n## In\n\n</X>\n\n# Out\n", ["In", "Out"]),
        ("<X>\n## In\n</X>\n# Out\n", ["In", "Out"]),
        ('<X\n  a={{b: `\n# no\n`}}\n  c="> #"\n>\n## In\n</X>\n', ["In"]),
        ("<X>\n    ## Indented\n</X>\n", ["Indented"]),
        ("<>\n# In\n</>\n", ["In"]),
        ("{/*\n# no\n*/}\n# Yes\n", ["Yes"]),
        ("{list.map(x => <li>{x}\n# no\n</li>)}\n\n# Yes\n", ["Yes"]),
        ("export function f() {\n  return <p>it's</p>\n\n  // # no }\n}\n\n# Yes\n", ["Yes"]),
        ("export const s = 'open {\n\n# Yes\n", ["Yes"]),
        ("{ never closed\n\n# Yes\n", ["Yes"]),
        ("<X never closed\n\n# Yes\n", ["Yes"]),
        ("<!--\n# no\n-->\n\n# Yes\n", ["Yes"]),
        ("```jsx\n<X>\n# no\n```\n# Yes\n", ["Yes"]),
        ("a < b\n\n# Yes\n<3\n", ["Yes"]),
        ("---\nt: x\n---\nimport X from 'x'\n\n# Yes\n", ["Yes"]),
        ("<X/>\n\nSetext\n===\n", ["Setext"]),
    ],
)
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_headings_are_those_of_the_markdown(text: str, titles: list[str], newline: str) -> None:
    """Headings between tags count. Those in imports, exports, expressions, tags and comments do not."""
    page = make("page.MDX", text.replace("\n", newline).encode())
    assert [one.title for one in page.sections] == titles


def test_links_are_those_of_the_markdown() -> None:
    """Links in components count, but not links in code."""
    text = "export const a = '[no](no.md)'\n\n<X>\n  [a](a.md)\n</X>\n\n{/* [no](no.md) */}\n\n<Card href=\"b.md\" />\n"
    assert [(one.line, one.target) for one in references(make("a.mdx", text.encode()))] == [(4, "a.md"), (9, "b.md")]


@pytest.mark.parametrize(
    "name", ["a.mdown", "a.mkd", "a.mkdn", "a.mdwn", "a.qmd", "a.Rmd", "a.mdc", "a.markdown", "a.MD"]
)
def test_markdown_of_any_suffix_has_sections(name: str) -> None:
    """Markdown of any suffix has sections, and other text files have none."""
    assert [one.title for one in make(name, b"# T\n").sections] == ["T"]
    assert make(f"{name}.txt", b"# T\n").sections == ()
