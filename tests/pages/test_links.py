"""Links are found, resolved and checked; pages know who links to them."""

from pathlib import Path

import pytest

from agentmem.pages.links import Reference, dump, load, references
from agentmem.pages.page import make
from agentmem.pages.workspace import Link, Workspace


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """A workspace of pages that link to each other."""
    workspace = Workspace(tmp_path)
    workspace.write("index.md", "# Home\n")
    workspace.write("team/index.md", "# Team\n")
    workspace.write("team/leave.md", "# Leave\n\n## How to ask?\n\n## How to ask?\n\n# Café & co.\n")
    workspace.write("notes/On call.md", "# Duty\n")
    (tmp_path / "logo.png").write_bytes(b"\x89PNG")
    return workspace


def linked(workspace: Workspace, text: str, page: str = "team/page.md") -> list[tuple[str | None, str | None, bool]]:
    """The destinations of the links of a page with this text."""
    workspace.write(page, text)
    return [(link.to, link.section, link.broken) for link in workspace.links(page)]


def found(text: str) -> list[tuple[int, str, str]]:
    """Line, text and target of each link of a page."""
    return [(one.line, one.text, one.target) for one in references(make("a.md", text.encode()))]


def test_links_are_found_wherever_markdown_has_them() -> None:
    """Links are found in paragraphs, lists, tables, quotes, headings, by reference, as pictures and as [[pages]]."""
    text = (
        "---\nx: '[no](no.md)'\n---\n# [one](1.md)\n\n"
        "A [two\nlines](<2 b.md> 'title') and\n[three][ref] ![pic](p.png)\n\n"
        "- [ ] [task](4.md)\n\n> [[Five]] and [[six|Number six]]\n\n| a | b |\n|---|---|\n| x | [seven](7.md) |\n\n"
        "[ref]: 3.md#x\n"
    )
    assert found(text) == [
        (4, "one", "1.md"),
        (6, "twolines", "2 b.md"),
        (8, "three", "3.md#x"),
        (8, "pic", "p.png"),
        (10, "task", "4.md"),
        (12, "Five", "Five"),
        (12, "Number six", "six"),
        (16, "seven", "7.md"),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "`[a](b.md)` and\n\n    [a](b.md)\n\n```\n[[a]]\n```\n",
        "[a](https://example.org/b.md) [m](mailto:a@b.c) <https://x.y> [n](//host/x)\n",
        "\\[a](b.md) \\[[b]]\n",
        "[]( )\n",
        "<!-- [a](b.md) -->\n",
    ],
)
def test_what_is_no_link_into_the_workspace_is_left_out(text: str) -> None:
    """Code, comments, escaped brackets and web addresses are not links."""
    assert found(text) == []


def test_pages_that_are_not_markdown_have_no_links(workspace: Workspace) -> None:
    """In pages other than markdown, brackets mean something else."""
    assert linked(workspace, "x = [[a]]\n", "a.py") == []


def test_relative_links_are_resolved(workspace: Workspace) -> None:
    """Paths start at the page's folder or the top. Suffix and index may be left out. Files and folders count too."""
    text = (
        "[a](leave.md) [b](../index.md) [c](/team/leave.md) [d](leave) [e](../team/) [f](../notes/On%20call.md)\n"
        "[g](../logo.png) [h](../notes) [i](.) [j](leave.md?plain=1)\n"
    )
    leave = ("team/leave.md", None, False)
    team = ("team/index.md", None, False)
    assert linked(workspace, text) == [
        leave,
        ("index.md", None, False),
        leave,
        leave,
        team,
        ("notes/On call.md", None, False),
        ("logo.png", None, False),
        ("notes/", None, False),
        team,
        leave,
    ]


def test_links_to_sections_are_resolved(workspace: Workspace) -> None:
    """Links to sections work by GitHub's anchors, also numbered ones, and by title. "#" alone is the page itself."""
    text = (
        "# Mine\n\n[a](leave.md#how-to-ask) [b](leave.md#how-to-ask-1) [c](leave.md#caf%C3%A9--co) [d](#mine)\n"
        "[[leave#How to ask?]] [[#Mine]]\n"
    )
    assert linked(workspace, text) == [
        ("team/leave.md", "Leave/How to ask?", False),
        ("team/leave.md", "Leave/How to ask?[2]", False),
        ("team/leave.md", "Café & co.", False),
        ("team/page.md", "Mine", False),
        ("team/leave.md", "Leave/How to ask?", False),
        ("team/page.md", "Mine", False),
    ]


def test_pages_in_double_brackets_are_found_by_name(workspace: Workspace) -> None:
    """[[Pages]] are found anywhere in the workspace, in any letter case, the nearest first."""
    workspace.write("archive/leave.md", "old\n")
    assert linked(workspace, "[[Leave]] [[on-call]] [[notes/On call]] [[index]]\n") == [
        ("team/leave.md", None, False),
        ("notes/On call.md", None, False),
        ("notes/On call.md", None, False),
        ("index.md", None, False),
    ]


def test_broken_links_are_marked(workspace: Workspace) -> None:
    """A link is broken if its page or section does not exist, or if it leads out of the workspace."""
    text = "[a](gone.md) [b](leave.md#gone) [[Gone]] [c](../../etc/passwd) [d](../../../../../etc/passwd) [e](#gone)\n"
    assert [broken for _, _, broken in linked(workspace, text)] == [True] * 6


def test_pages_know_who_links_to_them(workspace: Workspace) -> None:
    """Backlinks have line and text, follow edits, and leave out the page's own links."""
    workspace.write("a.md", "see\n[leave](team/leave.md#how-to-ask)\n")
    workspace.write("b.md", "[[Leave]]\n")
    workspace.append("team/leave.md", "[self](#leave)")
    link = Link("a.md", 2, "leave", "team/leave.md#how-to-ask", "team/leave.md", "Leave/How to ask?", False)
    assert workspace.backlinks("team/leave.md") == (
        link,
        Link("b.md", 1, "Leave", "Leave", "team/leave.md", None, False),
    )
    workspace.delete("b.md")
    (workspace.root / "c.md").write_text("[x](team/leave)")
    assert [one.page for one in workspace.backlinks("team/leave.md")] == ["a.md", "c.md"]
    assert [one.page for one in Workspace(workspace.root).backlinks("team/leave.md")] == ["a.md", "c.md"]


def test_links_survive_the_cache() -> None:
    """References that were dumped load as the same."""
    all_of_them = (Reference(1, "a", "b.md", False), Reference(2, "\u00e4", "c", True))
    assert load(dump(all_of_them)) == all_of_them
