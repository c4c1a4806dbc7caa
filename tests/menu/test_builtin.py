"""The tools that come with agentmem, called as a model calls them, on a real workspace."""

import base64
import json
import os
import struct
import zlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from agentmem import images
from agentmem.errors import BadArguments, UnknownReference
from agentmem.menu import planning
from agentmem.menu.builtin import cut_into_parts
from agentmem.menu.menu import default_menu
from agentmem.menu.toolbox import Found, ToolContext, call
from agentmem.pages.workspace import Workspace
from agentmem.tokens import count
from agentmem.types import Image, Text, ToolCall, ToolResult
from tests import pictures

TODO = "# Todo\n\nSee [the plan](plan.md) and [[Nowhere]].\n\n## This week\n\n- [ ] Call Bob\n\n## Later\n\nRest.\n"


class Remembered:
    """A recall over fixed texts, of which main/7 has pictures too."""

    def __init__(self, texts: dict[str, str]) -> None:
        self.texts = texts

    def pictures(self, reference: str) -> list[Image]:
        return [Image("image/png", f"AAA{number}") for number in range(5)] if reference == "main/7" else []

    def exact(self, reference: str) -> str:
        if reference not in self.texts:
            raise UnknownReference(f"Nothing is stored under {reference} in this conversation.")
        return self.texts[reference]

    def search(self, question: str, limit: int = 8) -> list[Found]:
        found = [Found(reference, "said", text) for reference, text in self.texts.items() if question in text]
        return found[:limit]


@pytest.fixture
def context(tmp_path: Path) -> Iterator[ToolContext]:
    """A context over a small workspace."""
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "todo.md").write_text(TODO, encoding="utf-8")
    (tmp_path / "notes" / "plan.md").write_text("# Plan\n\nBack to [[todo]].\n", encoding="utf-8")
    workspace = Workspace(tmp_path)
    yield ToolContext(
        workspace,
        "main",
        Remembered({"main/3": "the port is 5432\n", "main/7": "[image/png]", "main/9": "alpha\n" * 9000}),
    )
    workspace.close()


MENU = default_menu()


def ask(context: ToolContext, name: str, **arguments: Any) -> ToolResult:
    return call(MENU, ToolCall("c1", name, json.dumps(arguments)), context)


def good(context: ToolContext, name: str, **arguments: Any) -> str:
    answer = ask(context, name, **arguments)
    assert not answer.is_error, answer
    return said(answer)


def bad(context: ToolContext, name: str, **arguments: Any) -> str:
    answer = ask(context, name, **arguments)
    assert answer.is_error, answer
    return said(answer)


def said(answer: ToolResult) -> str:
    return "\n".join(block.text for block in answer.content if isinstance(block, Text))


def text_of(context: ToolContext, name: str) -> str:
    return (context.workspace.root / name).read_text(encoding="utf-8")


# read


def test_read_gives_the_page_with_its_revision(context: ToolContext) -> None:
    """The first line tells name and revision, then comes the text."""
    text = good(context, "read", page="notes/todo.md")
    revision = context.workspace.revision("notes/todo.md")
    assert text.splitlines()[0].startswith(f"notes/todo.md (revision {revision[:12]}")
    assert TODO.strip() in text


def test_read_gives_a_section(context: ToolContext) -> None:
    """An address with a heading reads that section alone."""
    text = good(context, "read", page="notes/todo.md#This week")
    assert "Call Bob" in text
    assert "Rest." not in text


def test_a_long_text_is_read_in_parts_that_fit(context: ToolContext) -> None:
    """No part is cut by the tool's own cap, and together the parts are the page."""
    lines = [f"line {number} of a long log" for number in range(4000)]
    (context.workspace.root / "log.txt").write_text("\n".join(lines), encoding="utf-8")
    first, second = good(context, "read", page="log.txt"), good(context, "read", page="log.txt", part=2)
    assert "left out" not in first + second
    assert count(first) <= 7000
    assert lines[0] in first
    assert lines[0] not in second
    assert "line 3999 of" in "".join(good(context, "read", page="log.txt", part=part) for part in range(2, 7))


def png(width: int = 2, height: int = 2) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = zlib.compress(b"".join(b"\0" + b"\xff\0\0" * width for _ in range(height)))
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def test_read_shows_a_picture(context: ToolContext) -> None:
    """A picture in the workspace comes back as a picture."""
    (context.workspace.root / "logo.PNG").write_bytes(png())
    answer = ask(context, "read", page="logo.PNG")
    assert answer.content == (Image("image/png", base64.b64encode(png()).decode()),)


@pytest.mark.parametrize(
    "file", [png(8_100, 3), png() + b"\0" * images.MOST_ENCODED], ids=["too many pixels", "too many bytes"]
)
def test_a_picture_that_is_too_large_is_scaled_down(context: ToolContext, file: bytes) -> None:
    """A model is shown a smaller one, of the same kind; the file stays as it was."""
    (context.workspace.root / "large.png").write_bytes(file)
    (seen,) = ask(context, "read", page="large.png").content
    assert isinstance(seen, Image)
    assert images.fault(seen.media_type, seen.data) is None
    assert (context.workspace.root / "large.png").read_bytes() == file


def test_the_kind_of_a_picture_is_what_its_bytes_say(context: ToolContext) -> None:
    """Not what its name says."""
    (context.workspace.root / "logo.gif").write_bytes(png())
    assert ask(context, "read", page="logo.gif").content == (Image("image/png", pictures.encoded(png())),)


def test_a_picture_that_cannot_be_shown_is_explained(context: ToolContext, tmp_path: Path) -> None:
    """Missing, broken, too large, a fifo, a link that leads out: a sentence each."""
    root = context.workspace.root
    outside = tmp_path.parent / f"{tmp_path.name}-outside.png"
    outside.write_bytes(png())
    (root / "broken.png").write_bytes(b"not a picture")
    (root / "large.png").write_bytes(pictures.png(9_000, 400, more=100))
    (root / "out.png").symlink_to(outside)
    os.mkfifo(root / "fifo.png")
    assert "no page 'none.png'" in bad(context, "read", page="none.png")
    assert "is not a picture, or a broken one" in bad(context, "read", page="broken.png")
    assert "9,000 × 400 pixels and at most 8,000 a side" in bad(context, "read", page="large.png")
    assert "leads out of the workspace" in bad(context, "read", page="out.png")
    assert "leads out of the workspace" in bad(context, "read", page="../x.png")
    assert "is a named pipe" in bad(context, "read", page="fifo.png")


# list and find


def test_list_shows_folders_and_pages(context: ToolContext) -> None:
    """Without a place it begins at the top."""
    assert "notes/" in good(context, "list")
    assert "todo.md" in good(context, "list", place="notes")


def test_list_of_a_page_shows_its_sections_and_links(context: ToolContext) -> None:
    """Outline, what it links to (broken links marked), and which pages link to it."""
    text = good(context, "list", place="notes/todo.md")
    assert "This week" in text
    assert "Links to:\n- notes/plan.md\n- Nowhere (there is no such page or section)" in text
    assert text.endswith("Linked from:\n- notes/plan.md")


def test_list_of_what_is_not_there_is_explained(context: ToolContext) -> None:
    """A sentence, also for a path that leads out."""
    assert "no folder 'drafts'" in bad(context, "list", place="drafts")
    assert "leads out of the workspace" in bad(context, "list", place="/etc/passwd")
    assert "leads out of the workspace" in bad(context, "list", place="../..")


def test_find_shows_addresses_and_lines(context: ToolContext) -> None:
    """What it prints can be read with read."""
    assert good(context, "find", words="Bob") == "- notes/todo.md#Todo/This week (line 7): - [ ] Call Bob"
    assert "Call Bob" in good(context, "read", page="notes/todo.md#Todo/This week")


def test_find_without_a_hit_says_so(context: ToolContext) -> None:
    """And what to try."""
    assert good(context, "find", words="zebra") == "No page has: zebra. Try other words for the same thing."


# write


def test_write_makes_a_page(context: ToolContext) -> None:
    """In a new folder too; the answer gives the revision."""
    text = good(context, "write", page="reports/march.md", text="# March\n")
    assert text == f"Written: reports/march.md, now revision {context.workspace.revision('reports/march.md')[:12]}."
    assert text_of(context, "reports/march.md") == "# March\n"


def test_write_replaces_a_page_only_knowingly(context: ToolContext) -> None:
    """With its revision, or with `overwrite`; else nothing is written."""
    assert "give its revision to replace it; or set `overwrite`" in bad(
        context, "write", page="notes/todo.md", text="new"
    )
    assert text_of(context, "notes/todo.md") == TODO
    good(
        context, "write", page="notes/todo.md", text="new\n", revision=context.workspace.revision("notes/todo.md")[:12]
    )
    assert text_of(context, "notes/todo.md") == "new\n"
    good(context, "write", page="notes/todo.md", text="newer\n", overwrite=True)
    assert text_of(context, "notes/todo.md") == "newer\n"


def test_write_with_an_old_revision_is_refused(context: ToolContext) -> None:
    """Somebody else's change is not lost."""
    old = context.workspace.revision("notes/plan.md")
    (context.workspace.root / "notes" / "plan.md").write_text("# Changed\n", encoding="utf-8")
    bad(context, "write", page="notes/plan.md", text="mine", revision=old)
    assert text_of(context, "notes/plan.md") == "# Changed\n"


# edit


def test_edit_replaces_exact_text(context: ToolContext) -> None:
    """Only that text changes; an empty text takes it out."""
    good(context, "edit", page="notes/todo.md", action="replace", old="Call Bob", text="Call Ann")
    assert text_of(context, "notes/todo.md") == TODO.replace("Call Bob", "Call Ann")
    good(context, "edit", page="notes/todo.md", action="replace", old="Call Ann")
    assert text_of(context, "notes/todo.md") == TODO.replace("Call Bob", "")


def test_edit_replaces_a_section(context: ToolContext) -> None:
    """The neighbours stay as they are."""
    good(context, "edit", page="notes/todo.md#This week", action="section", text="- [x] Call Bob\n")
    assert text_of(context, "notes/todo.md") == TODO.replace("- [ ] Call Bob", "- [x] Call Bob")


def test_edit_appends(context: ToolContext) -> None:
    """To a section or to the page."""
    good(context, "edit", page="notes/todo.md#This week", action="append", text="- [ ] Call Ann")
    good(context, "edit", page="notes/todo.md", action="append", text="The end.")
    text = text_of(context, "notes/todo.md")
    assert "- [ ] Call Bob\n- [ ] Call Ann\n\n## Later" in text
    assert text.rstrip().endswith("The end.")


def test_edit_moves_a_page_and_says_which_links_it_mended(context: ToolContext) -> None:
    """On the page itself and on others, with their new revisions."""
    workspace = context.workspace
    workspace.write("see.md", "[t](notes/todo.md#later)\n")
    said = good(context, "edit", page="notes/todo.md", action="move", to="old/todo.md")
    assert said.splitlines() == [
        f"Moved: notes/todo.md is now old/todo.md, revision {workspace.revision('old/todo.md')[:12]}.",
        f"Links mended on old/todo.md, now revision {workspace.revision('old/todo.md')[:12]}: "
        "`plan.md` is now `../notes/plan.md` (line 3).",
        f"Links mended on see.md, now revision {workspace.revision('see.md')[:12]}: "
        "`notes/todo.md#later` is now `old/todo.md#later` (line 1).",
    ]
    assert text_of(context, "old/todo.md") == TODO.replace("(plan.md)", "(../notes/plan.md)")
    assert text_of(context, "notes/plan.md") == "# Plan\n\nBack to [[todo]].\n"


def test_edit_deletes_a_page(context: ToolContext) -> None:
    """And says which pages still link to it; a stale revision is refused."""
    (context.workspace.root / "loose.md").write_text("x\n", encoding="utf-8")
    assert good(context, "edit", page="loose.md", action="delete") == "Deleted: loose.md."
    bad(context, "edit", page="notes/todo.md", action="delete", revision="0123456789ab")
    assert "still link to it: notes/plan.md" in good(context, "edit", page="notes/todo.md", action="delete")
    assert not (context.workspace.root / "notes" / "todo.md").exists()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"action": "replace", "text": "x"}, "`old` is missing: `replace` needs it."),
        ({"action": "append"}, "`text` is missing: `append` needs it."),
        ({"action": "move"}, "`to` is missing: `move` needs it. It is the page's new name."),
        ({"action": "append", "text": "x", "old": "y"}, "`append` takes no `old`. Leave it out"),
        ({"action": "delete", "text": "x"}, "`delete` takes no `text`."),
        ({"action": "move", "to": "a.md", "revision": "0123456789ab"}, "changed since revision 0123456789ab"),
        ({"action": "move", "to": "a.md", "text": "x"}, "`move` takes no `text`."),
        ({"action": "section", "text": "x"}, "name a section"),
        ({"action": "replace", "old": "zebra", "text": "x"}, "is not in 'notes/todo.md'"),
        ({"action": "replace", "old": "e", "text": "x"}, "times, on lines"),
        ({"action": "replace", "old": "Bob", "text": "x", "revision": "0123456789ab"}, "notes/todo.md"),
        ({"action": "rename", "to": "x"}, "`action` must be one of `replace`, `section`, `append`, `move`, `delete`"),
    ],
)
def test_an_edit_that_cannot_be_made_is_explained(
    context: ToolContext, arguments: dict[str, Any], sentence: str
) -> None:
    """Each says what to do, and no byte is changed."""
    assert sentence in bad(context, "edit", page="notes/todo.md", **arguments)
    assert text_of(context, "notes/todo.md") == TODO


def test_nothing_is_written_outside_the_workspace(context: ToolContext) -> None:
    """Neither by write nor by edit, and not into agentmem's own folder."""
    assert "leads out of the workspace" in bad(context, "write", page="../evil.md", text="x")
    assert "leads out of the workspace" in bad(context, "edit", page="notes/plan.md", action="move", to="/tmp/evil.md")
    assert "hidden" in bad(context, "write", page=".agentmem/plans/main.md", text="x")


# recall


def test_recall_gives_the_exact_text_of_a_reference(context: ToolContext) -> None:
    """Word for word, however the reference is dressed."""
    assert good(context, "recall", what="main/3") == "the port is 5432\n"
    assert good(context, "recall", what=" `main/3` ") == "the port is 5432\n"


def test_recall_gives_a_long_text_in_parts(context: ToolContext) -> None:
    """Each part fits, and together they are the text."""
    first = good(context, "recall", what="main/9")
    assert first.startswith("[part 1 of 4; part 2 goes on from here]\n\nalpha\n")
    assert count(first) <= 6100
    last = good(context, "recall", what="main/9", part=4)
    assert last.startswith("[part 4 of 4]\n\nalpha\n")
    assert bad(context, "recall", what="main/9", part=5) == "There is no part 5: it ends with part 4."


def test_recall_brings_pictures_back(context: ToolContext) -> None:
    """Beside the text that names them, a few in each part."""
    first = ask(context, "recall", what="main/7").content
    assert first[0] == Text("[part 1 of 2; part 2 goes on from here]\n\n[image/png]")
    assert first[1:] == tuple(Image("image/png", f"AAA{number}") for number in range(3))
    second = ask(context, "recall", what="main/7", part=2).content
    assert second[1:] == tuple(Image("image/png", f"AAA{number}") for number in (3, 4))


def test_recall_searches_for_words(context: ToolContext) -> None:
    """Each passage comes with its reference."""
    assert good(context, "recall", what="port") == "main/3, said:\n> the port is 5432"
    assert "fits: zebra" in good(context, "recall", what="zebra")


class Vague(Remembered):
    """A recall whose passages fit so well, and have a day."""

    fit = 0.2

    def search(self, question: str, limit: int = 8) -> list[Found]:
        return [replace(one, fit=self.fit, day="5 May 2026") for one in super().search("port")]


def test_recall_says_when_nothing_fits_well(context: ToolContext) -> None:
    """The nearest passages follow all the same, each with its day."""
    vague = Vague({"main/3": "the port is 5432"})
    asked = replace(context, recall=vague)
    assert good(asked, "recall", what="the cat").startswith("Nothing older fits well")
    vague.fit = 0.6
    assert good(asked, "recall", what="port") == "main/3, said, 5 May 2026:\n> the port is 5432"


def test_recall_of_an_unknown_reference_is_explained(context: ToolContext) -> None:
    """A sentence."""
    assert bad(context, "recall", what="main/99") == "Nothing is stored under main/99 in this conversation."


def test_recall_without_a_journal_says_so(context: ToolContext) -> None:
    """A context without recall is told."""
    without = ToolContext(context.workspace, "main")
    assert "nothing can be recalled" in bad(without, "recall", what="main/3")


@given(text=st.text(), limit=st.integers(1, 50))
@example(text="\U00018cd6/A", limit=5)
def test_parts_join_to_the_whole_and_each_fits(text: str, limit: int) -> None:
    """Nothing is lost by paging, and no part is over the limit, unless a single character is."""
    parts = cut_into_parts(text, limit)
    assert "".join(parts) == text
    assert all(count(part) <= limit or len(part) == 1 for part in parts)


# plan


def test_plan_is_kept_as_a_task_list(context: ToolContext) -> None:
    """What the model sees is the page that a person can read."""
    shown = good(context, "plan", steps=["[x] Read the policy", "- [>] Compare", "2. Write\nit up", "[-] Ask"])
    assert shown == "# Plan (1 of 4 done)\n\n- [x] Read the policy\n- [>] Compare\n- [ ] Write it up\n- [-] Ask\n"
    assert text_of(context, ".agentmem/plans/main.md") == shown
    assert good(context, "plan") == shown


def test_a_plan_is_replaced_as_a_whole(context: ToolContext) -> None:
    """Steps left out are gone; an empty list empties it."""
    good(context, "plan", steps=["One", "Two"])
    assert good(context, "plan", steps=["[X] Two"]) == "# Plan (1 of 1 done)\n\n- [x] Two\n"
    assert good(context, "plan", steps=[]) == "# Plan (0 of 0 done)\n\nNo steps.\n"


def test_without_a_plan_it_says_so(context: ToolContext) -> None:
    """Showing makes no file."""
    assert good(context, "plan") == "There is no plan yet."
    assert not (context.workspace.root / ".agentmem" / "plans").exists()


def test_an_empty_step_is_refused(context: ToolContext) -> None:
    """Its number is told."""
    assert bad(context, "plan", steps=["One", "[x] "]).startswith("Step 2 is empty.")
    with pytest.raises(BadArguments):
        planning.rendered([""])


@pytest.mark.parametrize("thread", ["a/b", "../up", "ünï", "x" * 200, "."])
def test_each_thread_has_a_plan_of_its_own(context: ToolContext, thread: str) -> None:
    """Whatever its name, the page stays below the plans' folder."""
    other = ToolContext(context.workspace, thread)
    good(other, "plan", steps=["Go"])
    good(context, "plan", steps=["Stay"])
    assert "Go" in good(other, "plan")
    files = sorted((context.workspace.root / ".agentmem" / "plans").iterdir())
    assert len(files) == 2
