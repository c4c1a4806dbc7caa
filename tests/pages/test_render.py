"""What the model is shown of a page: whole, as an outline, or in parts, within a limit of tokens."""

import json
import re
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentmem.errors import WorkspaceError
from agentmem.pages.render import Shown, shown, split
from agentmem.pages.workspace import Workspace
from agentmem.tokens import count


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """An empty workspace."""
    return Workspace(tmp_path)


def long_page(chapters: int = 5, words: int = 200) -> str:
    """A page with front matter, an introduction, and chapters with sections."""
    text = "---\ntitle: Long\n---\n\nBefore.\n\n# Book\n\nAbout.\n"
    for number in range(1, chapters + 1):
        text += f"\n## Chapter {number}\n\n" + "word " * words + f"\n\n### Notes {number}\n\n" + "note " * words + "\n"
    return text


def test_a_short_page_is_shown_whole(workspace: Workspace) -> None:
    """A header line with name, revision and tokens; then the text as it is."""
    page = workspace.write("notes/a.md", "# A\r\n\r\n\ttext")
    tokens = count(page.text)
    assert workspace.render("notes/a.md") == (
        f"notes/a.md (revision {page.revision[:12]}, {tokens} tokens)\n\n# A\r\n\r\n\ttext"
    )


def test_a_section_is_shown_with_its_exact_address(workspace: Workspace) -> None:
    """However it was asked for."""
    workspace.write("a.md", "# A\n\n## B / C\n\nb\n\n## D\n")
    shown = workspace.render("a.md#b-c")
    assert re.fullmatch(r"a\.md#A/B \\/ C \(revision [0-9a-f]{12}, \d+ tokens\)\n\n## B / C\n\nb\n\n", shown)
    assert workspace.text("a.md#b-c") == "## B / C\n\nb\n\n"


def test_front_matter_and_data_files_are_shown_readably(workspace: Workspace) -> None:
    """The header says so, and raw shows the file's own text."""
    workspace.write("a.md", "---\ntitle: Plan\n---\n\n# A\n")
    assert "; front matter shown as a list; edits take the file's own text)\n\n- title: Plan\n\n# A\n" in (
        workspace.render("a.md")
    )
    assert workspace.render("a.md", raw=True).endswith("\n\n---\ntitle: Plan\n---\n\n# A\n")
    workspace.write("a.csv", "a,b\n1,2\n")
    assert workspace.render("a.csv").endswith("own text)\n\n| a | b |\n|---|---|\n| 1 | 2 |\n")
    assert workspace.render("a.csv", raw=True).endswith("\n\na,b\n1,2\n")


def test_a_long_page_is_shown_as_an_outline(workspace: Workspace) -> None:
    """Every section with its tokens, and how to read one; each can then be read by that address."""
    workspace.write("a.md", long_page())
    shown = workspace.render("a.md", limit=1000)
    head, _, outline = shown.partition("\n\n")
    assert "too long to show whole" in head
    assert "'a.md#Book'" in head
    assert count(shown) <= 1000
    assert outline.startswith("- title: Long\n\n- . (the text before the first heading below): ")
    assert re.search(
        r"^- Book: [\d,]+ tokens\n  - \. \(its own text\): \d+ tokens\n  - Chapter 1: \d+ tokens", outline, re.M
    )
    assert workspace.render("a.md#Chapter 1/Notes 1", limit=1000).endswith("note \n\n")
    assert workspace.render("a.md#Book/.", limit=1000).endswith("\n\n\nAbout.\n\n")


def test_a_long_section_is_outlined_too(workspace: Workspace) -> None:
    """With the text that stands before its subsections."""
    workspace.write("a.md", long_page())
    shown = workspace.render("a.md#Chapter 2", limit=300)
    assert re.search(r"\n\n- \. \(the text before .*\): \d+ tokens\n- Notes 2: \d+ tokens\n$", shown)


def test_tokens_of_sections_add_up(workspace: Workspace) -> None:
    """The page's tokens are those of its text, and of its sections together."""
    page = workspace.write("a.md", long_page())
    outline = workspace.outline("a.md")
    assert workspace.tokens()["a.md"] == count(page.text)
    numbers = [int(found.replace(",", "")) for found in re.findall(r"^- .*: ([\d,]+) tokens$", outline, re.M)]
    assert sum(numbers) == count(page.text)


def test_an_outline_that_is_too_long_shows_fewer_levels_then_parts(workspace: Workspace) -> None:
    """And says how many sections are below."""
    workspace.write("a.md", "".join(f"## S{one}\n\n" + "### T\n\nx\n\n" * 9 for one in range(30)))
    shown = workspace.render("a.md", limit=700)
    assert re.search(r"^- S29: \d+ tokens \(9 sections below\)$", shown, re.MULTILINE)
    assert count(shown) <= 700
    workspace.write("b.md", "".join(f"# Heading {one}\n\n" for one in range(500)))
    first, second = workspace.render("b.md", limit=500), workspace.render("b.md", limit=500, part=2)
    assert "part 1 of " in first.partition("\n")[0]
    assert "- Heading 0: " in first
    assert first.partition("\n\n")[2] != second.partition("\n\n")[2]
    assert max(count(first), count(second)) <= 500


def test_a_long_leaf_is_shown_in_parts(workspace: Workspace) -> None:
    """The parts together are the text; the header says which is next; there is no part beyond the last."""
    text = "# A\n\n" + "".join(f"line {number}\n" for number in range(1000))
    workspace.write("a.md", text)
    first = workspace.render("a.md#A", limit=500)
    head = first.partition("\n")[0]
    found = re.search(r"; part 1 of (\d+); part 2 goes on from here\)$", head)
    assert found
    last = int(found[1])
    parts = [workspace.render("a.md#A", limit=500, part=number) for number in range(1, last + 1)]
    assert "".join(part.partition("\n\n")[2] for part in parts) == text
    assert all(count(part) <= 500 for part in parts)
    assert f"part {last} of {last})" in parts[-1]
    for number in (0, last + 1, -1):
        with pytest.raises(WorkspaceError, match=f"has parts 1 to {last}; there is no part {number}"):
            workspace.render("a.md#A", limit=500, part=number)
    with pytest.raises(WorkspaceError, match="has one part"):
        workspace.render("a.md", limit=50_000, part=2)


def test_parts_of_a_table_repeat_its_head(workspace: Workspace) -> None:
    """Each part can be read alone."""
    workspace.write("a.csv", "name,number\n" + "".join(f"row{one},{one}\n" for one in range(500)))
    part = workspace.render("a.csv", limit=400, part=2).partition("\n\n")[2]
    assert part.startswith("| name | number |\n|---|---|\n| row")


@given(st.text("ab \n\r\u00e4\U0001f600", max_size=300), st.integers(1, 40))
def test_parts_make_up_the_text(text: str, room: int) -> None:
    """Cut at line ends, or inside a line that is longer than a part; no part is empty but that of no text."""
    parts = split(Shown(text), room)
    assert "".join(parts) == text
    assert all(parts) or parts == [""]


@given(st.integers(60, 2000), st.integers(0, 40), st.integers(1, 300))
def test_what_is_shown_keeps_to_the_limit(limit: int, chapters: int, words: int) -> None:
    """Whatever the page and the limit, though a limit below the header's own size cannot be kept."""
    with tempfile.TemporaryDirectory() as folder:
        workspace = Workspace(folder)
        workspace.write("a.md", long_page(chapters, words))
        shown = workspace.render("a.md", limit=limit)
        assert count(shown) <= max(limit, count(shown.partition("\n")[0]) + 22)


def test_rendering_leaves_nothing_behind(tmp_path: Path) -> None:
    """Reading single pages makes no folder and no file."""
    (tmp_path / "a.md").write_text(long_page())
    workspace = Workspace(tmp_path)
    workspace.render("a.md")
    workspace.outline("a.md")
    assert [path.name for path in tmp_path.iterdir()] == ["a.md"]


def test_csv_reads_as_a_table() -> None:
    """Quoted cells, bars and line breaks in cells, ragged rows, other delimiters."""
    text = 'name;note\r\nAda;"a; b"\r\nBob;"x|y\nz"\r\nCy\r\n\r\n'
    table = shown("people.csv", text)
    assert table.text == ("| name | note |\n|---|---|\n| Ada | a; b |\n| Bob | x\\|y<br>z |\n| Cy |  |\n")
    assert table.head == "| name | note |\n|---|---|\n"
    assert "3 rows" in table.kind
    assert shown("a.tsv", "a\tb\n1\t2\n").text == "| a | b |\n|---|---|\n| 1 | 2 |\n"


@pytest.mark.parametrize("text", ["", "\n\n"])
def test_an_empty_csv_is_shown_as_it_is(text: str) -> None:
    """There is nothing to put into a table."""
    assert shown("a.csv", text).text == text


def test_a_csv_that_does_not_parse_is_shown_as_it_is() -> None:
    """A cell beyond the reader's limit, for example."""
    text = "a,b\n" + "x" * 200_000 + ",1\n"
    table = shown("a.csv", text)
    assert table.text == text
    assert table.kind.startswith("not readable as CSV")


def test_json_reads_as_a_list() -> None:
    """Numbers keep their digits, text its look, and repeated keys are all there."""
    text = (
        '{"name": "Ada", "born": 1815, "ratio": 1.10, "tags": ["a", "b"], "empty": {}, "none": null,'
        ' "flag": true, "text": "true", "lines": "a\\nb", "name": "again", "deep": {"x": [{"y": -0}]}}'
    )
    assert shown("a.json", text).text == (
        "- name: Ada\n- born: 1815\n- ratio: 1.10\n- tags:\n  - a\n  - b\n- empty: {}\n- none: null\n- flag: true\n"
        '- text: "true"\n- lines: "a\\nb"\n- name: again\n- deep:\n  - x:\n    -\n      - y: -0\n'
    )


def test_a_list_of_like_objects_reads_as_a_table() -> None:
    """The keys are the columns."""
    text = '[{"id": 1, "name": "a|b"}, {"id": 2, "name": null}]'
    assert shown("a.json", text).text == "| id | name |\n|---|---|\n| 1 | a\\|b |\n| 2 | null |\n"
    assert shown("a.json", '[{"id": 1}, {"name": 2}]').text == "-\n  - id: 1\n-\n  - name: 2\n"


@pytest.mark.parametrize("text", ["{", "nonsense", "[" * 100_000, '{"a": 1} x'])
def test_json_that_does_not_parse_is_shown_as_it_is(text: str) -> None:
    """With a word on why."""
    found = shown("a.json", text)
    assert found.text == text
    assert found.kind.startswith("not readable as JSON")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
)


@given(JSON)
def test_any_json_can_be_shown(value: object) -> None:
    """Whatever the value, each line of what is shown begins a list item or a table row."""
    found = shown("a.json", json.dumps(value))
    assert found.kind.startswith("shown as") or "shown as a table" in found.kind
    assert all(line.lstrip().startswith(("-", "|")) for line in found.text.removesuffix("\n").split("\n"))


def test_very_deep_json_ends_in_json() -> None:
    """A list of lists of lists is not indented for ever."""
    text = "[" * 200 + "]" * 200
    assert max(map(len, shown("a.json", text).text.splitlines())) < 500


def test_other_text_is_shown_as_it_is() -> None:
    """Code, YAML and plain text."""
    for name in ("a.py", "a.yaml", "a.txt", "Makefile"):
        assert shown(name, '{"a": 1}').text == '{"a": 1}'
