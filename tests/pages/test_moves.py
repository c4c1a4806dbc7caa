"""A move keeps the destinations of all links, and changes no other byte."""

import signal
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from agentmem.errors import PageExists, StalePage, WorkspaceError
from agentmem.pages.names import dialect
from agentmem.pages.page import make
from agentmem.pages.targets import targets
from agentmem.pages.workspace import Mend, Workspace
from tests.pages.documents import LINES

NAMES = ("a.md", "b c.md", "docs/a.md", "docs/index.md", "docs/deep/é (1).md", "notes/a#b.md", "m.mdx", "q.markdown")
NEW = ("z.md", "docs/new name.md", "new/ü.md", "docs/deep/50%.md", "a/b/c/d.md", "index.md", "x.mdx", "docs/re [1].md")
FORMS = (
    "[t]({})",
    "[t](<{}>)",
    "see ![p]({} 'title') and [t][r]",
    "[[{}]]",
    "[[{}|shown]]",
    "- item [t]({})\n  > [u]({})",
    "| [t]({}) | `[c]({})` |\n|---|---|\n| x | [[{}\\|alias]] |",
    '<p><a href="{}">t</a>',
    "text <img src='{}'> text",
    "[r]: {}",
    "[r]: <{}> 'title'",
    "```\n[c]({})\n```",
    "    [indented]({})",
    "<!-- [c]({}) -->",
    "# [heading]({}) ##",
    "\\[no]({})",
)
TARGETS = (
    "a.md", "a", "b%20c.md", "b c.md", "./a.md#one", "../a.md", "/docs/a.md", "docs/", "docs", ".", "..", "../",
    "index.md", "deep/é%20(1).md", "deep/%C3%A9%20%281%29.md", "deep/é (1).md", "notes/a%23b.md", "m", "q", "A",
    "#one", "gone.md", "https://x.y/a.md", "a.md?plain=1#x", "docs/deep/é (1)", "logo.png", "../logo.png",
    "a\\.md", "a.md&amp;", "",
)  # fmt: skip


@st.composite
def texts(draw: st.DrawFn) -> str:
    """Pages with links of every kind between lines that are hard to parse."""
    link = st.tuples(st.sampled_from(FORMS), st.sampled_from(TARGETS)).map(lambda one: one[0].replace("{}", one[1]))
    lines = draw(st.lists(st.one_of(link, link, st.sampled_from(LINES)), max_size=8))
    return draw(st.sampled_from(["\n", "\n\n", "\r\n"])).join(lines)


def leads(workspace: Workspace, name: str) -> list[str | None]:
    """The destination of each link of a page."""
    return [link.to for link in workspace.links(name)]


@given(st.dictionaries(st.sampled_from(NAMES), texts(), min_size=1), st.sampled_from(NEW), st.data())
def test_a_move_keeps_what_every_link_leads_to(pages: dict[str, str], new: str, data: st.DataObject) -> None:
    """A move keeps all destinations. Links that could not be rewritten are named, and none silently leads elsewhere."""
    with TemporaryDirectory() as folder, Workspace(folder) as workspace:
        for name, text in pages.items():
            path = Path(folder, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text.encode())
        Path(folder, "logo.png").write_bytes(b"\x89PNG")
        old = data.draw(st.sampled_from(sorted(pages)))
        assume(dialect(old) == dialect(new))  # or other text is a link
        before = {name: leads(workspace, name) for name in pages}
        moved = workspace.move(old, new)
        for name, was in before.items():
            now_called = new if name == old else name
            wanted = [new if to == old else to for to in was]
            left = {link.line for link in moved.left if link.page == name}
            now = workspace.links(now_called)
            assert len(now) == len(wanted)
            for link, to in zip(now, wanted, strict=True):
                assert to is None or link.to == to or link.line in left, (name, link)
            page = make(now_called, Path(folder, now_called).read_bytes())
            assert around(page.data, name) == around(pages[name].encode(), name)
            mends = [mend.now for mend in moved.mended if mend.page == now_called]
            assert all(now in page.text for now in mends)
            assert mends or page.text == pages[name]


def around(data: bytes, name: str) -> list[bytes]:
    """The bytes of a page without the targets of its links."""
    found, defined = targets(data, dialect(name))
    places = sorted((one.start, one.end) for one in (*found, *defined) if one.start is not None and one.end is not None)
    ends = [0, *(end for _, end in places)]
    starts = [*(start for start, _ in places), len(data)]
    return [data[end:start] for end, start in zip(ends, starts, strict=True)]


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """Pages that link to `plan.md`, and one to which it links."""
    workspace = Workspace(tmp_path)
    workspace.write("plan.md", "# Plan\n\n## Steps\n\n[me](plan.md#steps) [todo](notes/todo.md) ![p](p.png)\n")
    workspace.write(
        "notes/todo.md", "x [[plan#Steps|the plan]]\r\n[a](../plan.md#steps 'T')\r\n\r\n[r]: </plan.md>\r\n"
    )
    workspace.write(
        "see.md", "```\n[c](plan.md)\n```\n`[c](plan.md)` [x](./plan?plain=1#steps) [web](https://x.y/plan.md)\n"
    )
    (tmp_path / "p.png").write_bytes(b"\x89PNG")
    return workspace


def test_links_are_mended_in_their_own_manner(workspace: Workspace) -> None:
    """Rewritten links keep anchors, titles, aliases, brackets and line ends. Code stays. The result lists them."""
    moved = workspace.move("plan.md", "big plans/2026 plan.md")
    assert workspace.text("notes/todo.md") == (
        "x [[2026 plan#Steps|the plan]]\r\n[a](../big%20plans/2026%20plan.md#steps 'T')\r\n\r\n"
        "[r]: </big plans/2026 plan.md>\r\n"
    )
    assert workspace.text("see.md") == (
        "```\n[c](plan.md)\n```\n`[c](plan.md)` [x](./big%20plans/2026%20plan?plain=1#steps) [web](https://x.y/plan.md)\n"
    )
    assert moved.text.endswith("[me](2026%20plan.md#steps) [todo](../notes/todo.md) ![p](../p.png)\n")
    assert moved.name == "big plans/2026 plan.md"
    assert moved.revisions == {
        name: workspace.revision(name) for name in ("big plans/2026 plan.md", "notes/todo.md", "see.md")
    }
    assert Mend("see.md", 4, "./plan?plain=1#steps", "./big%20plans/2026%20plan?plain=1#steps") in moved.mended
    assert (len(moved.mended), moved.left) == (7, ())
    assert not any(link.broken for name in workspace.names() for link in workspace.links(name))


def test_a_name_in_double_brackets_keeps_its_page(workspace: Workspace) -> None:
    """If another page of the same name would be nearer, the path is written out."""
    workspace.write("a/note.md", "A\n")
    workspace.write("b/c/other.md", "O\n")
    workspace.write("top.md", "[[note]]\n")
    moved = workspace.move("b/c/other.md", "note.md")
    assert workspace.text("top.md") == "[[a/note]]\n"
    assert [(mend.before, mend.now) for mend in moved.mended] == [("note", "a/note")]


def test_a_link_that_cannot_be_mended_is_named(workspace: Workspace) -> None:
    """If double brackets cannot hold the new name, the link is named and the page keeps its bytes."""
    workspace.write("wiki.md", "[[notes/todo]] [t](notes/todo.md)\n")
    moved = workspace.move("notes/todo.md", "notes/re[do].md")
    assert workspace.text("wiki.md") == "[[notes/todo]] [t](notes/re%5Bdo%5D.md)\n"
    assert [(link.page, link.line, link.target) for link in moved.left] == [("wiki.md", 1, "notes/todo")]


def test_a_move_is_made_to_the_revision_that_was_read(workspace: Workspace) -> None:
    """A move of a stale revision is refused, and changes nothing."""
    revision = workspace.revision("plan.md")
    workspace.append("plan.md", "more")
    before = {name: workspace.text(name) for name in workspace.names()}
    with pytest.raises(StalePage):
        workspace.move("plan.md", "new.md", revision=revision)
    with pytest.raises(PageExists):
        workspace.move("plan.md", "see.md")
    assert {name: workspace.text(name) for name in workspace.names()} == before
    assert workspace.move("plan.md", "new.md", revision=workspace.revision("plan.md")).name == "new.md"


def test_a_move_that_fails_changes_nothing(workspace: Workspace) -> None:
    """If the move itself fails, the pages that were already rewritten are restored."""
    (workspace.root / "file").write_text("x")
    before = {name: workspace.text(name) for name in workspace.names()}
    with pytest.raises(WorkspaceError, match="a part of its path is a file"):
        workspace.move("plan.md", "file/new.md")
    assert {name: workspace.text(name) for name in workspace.names()} == before
    workspace.append("see.md", "more")


KILLED = """
import os, signal, sys
from agentmem.pages.files import Files
from agentmem.pages.workspace import Workspace

left = int(sys.argv[2])

class Fatal(Files):
    __slots__ = ()

    def write(self, name, data, note):
        global left
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        left -= 1
        super().write(name, data, note)

    def move(self, name, to):
        super().move(name, to)
        os.kill(os.getpid(), signal.SIGKILL)

workspace = Workspace(sys.argv[1])
workspace._store.files.__class__ = Fatal
workspace.move("plan.md", "new/plan of all.md")
"""


@pytest.mark.parametrize("writes", [0, 1, 2, 3])
def test_a_killed_move_is_taken_back(workspace: Workspace, writes: int) -> None:
    """The next editor undoes a killed move, whenever it was killed. Later changes by others stay."""
    before = {name: workspace.text(name) for name in workspace.names()}
    done = subprocess.run([sys.executable, "-c", KILLED, str(workspace.root), str(writes)], check=False, timeout=60)
    assert done.returncode == -signal.SIGKILL
    with Workspace(workspace.root) as later:
        later.write("other.md", "x")
        assert {name: later.text(name) for name in later.names() if name != "other.md"} == before
        later.move("plan.md", "new/plan of all.md")
        assert not any(link.broken for name in later.names() for link in later.links(name))
