"""Front matter is found in each of its formats. Text that only begins like it is text, and a note says so."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentmem.pages.front import blanked, end, fault, listed
from agentmem.pages.markdown import parse
from agentmem.pages.workspace import Workspace

BODY = "# T\nx\n"


@pytest.mark.parametrize(
    ("front", "shown"),
    [
        ("---\ntitle: x\n# c\n---\n", "- title: x\n- # c\n"),
        ("---\n# c\n\ntitle: x\n...\n", "- # c\n- title: x\n"),
        ("---\n---\n", ""),
        ("----\nt: |\n  ---\n----\n", "- t: |\n    ---\n"),
        ("+++\ntitle='x'\n# c\n[params]\na = 1\n+++\n", "- title='x'\n- # c\n- [params]\n- a = 1\n"),
        ('{\n  "title": "x",\n  "tags": [\n    "a"\n  ]\n}\n', '- "title": "x",\n- "tags": [\n    "a"\n  ]\n'),
        ("---\ntitle: a: b: c\n\tbad: [\n---\n", "- title: a: b: c\n  \tbad: [\n"),
    ],
)
@pytest.mark.parametrize("bom", ["", "\ufeff"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_front_matter_is_no_section(front: str, shown: str, bom: str, newline: str) -> None:
    """YAML, TOML and JSON front matter is not a section, with each line ending and after a byte-order mark."""
    block = (bom + front).replace("\n", newline)
    data = (block + BODY.replace("\n", newline)).encode()
    tree = parse(data)
    assert [(one.title, one.line) for one in tree.sections] == [("T", front.count("\n") + 1)]
    assert tree.front == len(block.encode())
    assert listed(block) == shown


@pytest.mark.parametrize(
    ("text", "titles"),
    [
        ("---\n\nProse here.\n\n---\n\n# T\n", ["T"]),
        ("---\n# T\nx\n\n## U\n", ["T", "U"]),
        ("---\n# T\nx\n\n---\n## U\n", ["T", "U"]),
        ("---\n- a\n---\n# T\n", ["T"]),
        ("+++ \n# T\n", ["T"]),
        ("{ x }\n# T\n", ["T"]),
        ("{\n# T\n", ["T"]),
        ('{\n"a": 1\n} x\n# T\n', ["T"]),
        (" ---\na: b\n---\n", ["a: b"]),
    ],
)
def test_what_is_no_front_matter_is_text(text: str, titles: list[str]) -> None:
    """Thematic breaks, unclosed blocks, and braces without an object are text."""
    tree = parse(text.encode())
    assert (tree.front, [one.title for one in tree.sections]) == (0, titles)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("---\ntitle: a: b\n---\n# T\n", "front matter that is not YAML (line 2: mapping values are not allowed here)"),
        ("+++\na = \n+++\n", "front matter that is not TOML (Invalid value"),
        ("---\ntitle: x\n\n# T\n", "begins like front matter, but no line '---' ends it, so it is read as text"),
        ("---\ntitle: x\n---\n", ""),
        ("---\n\n# T\n", ""),
        ("# T\n", ""),
    ],
)
def test_broken_front_matter_is_said_to_be(text: str, said: str, tmp_path: Path) -> None:
    """Broken front matter is shown as it is, with the parser's reason."""
    assert fault(text.encode()).startswith(said)
    assert bool(fault(text.encode())) == bool(said)
    workspace = Workspace(tmp_path)
    workspace.write("a.md", text)
    shown = workspace.render("a.md")
    assert said in shown.partition("\n")[0]
    assert not said or shown.endswith(text)


def test_links_in_front_matter_are_none_and_lines_stay(tmp_path: Path) -> None:
    """Front matter has no links. A link below it has the line number that an editor shows."""
    workspace = Workspace(tmp_path)
    workspace.write("a.md", "+++\nx = '[a](b.md)'\n+++\n[a](a.md)\n")
    assert [(link.line, link.to) for link in workspace.links("a.md")] == [(4, "a.md")]


def test_front_matter_reads_as_a_list() -> None:
    """Front matter is shown as a list of its own lines, with nested ones indented."""
    text = "---\na: 1\nb:\n  - c\n- d\n---\n"
    assert listed(text) == "- a: 1\n- b:\n    - c\n  - d\n"
    assert listed("\ufeff---\r\na: 1\r\n---\r\n") == "- a: 1\n"
    assert listed("") == ""


@given(st.text(st.sampled_from("-+{}\n\r#a: ='\"[]\ufeff"), max_size=30))
def test_blanking_keeps_the_lines(text: str) -> None:
    """On any page, the text after blanked front matter keeps its line numbers."""
    data = text.encode()
    behind = data[end(data) :].decode()
    assert blanked(data).endswith(behind)
    assert not blanked(data).removesuffix(behind).strip("\n")
    fault(data)
