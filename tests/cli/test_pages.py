"""agentmem.cli.pages."""

from pathlib import Path

import pytest

from agentmem.pages.workspace import Workspace
from tests.cli.invoke import invoke, invoke_json

NOTES = "# Notes\n\nThe kettle boils.\n\n## Tea\n\nGreen tea, two minutes.\n"


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """A workspace of two pages."""
    (tmp_path / "notes.md").write_text(NOTES, encoding="utf-8")
    (tmp_path / "plans").mkdir()
    (tmp_path / "plans" / "trip.md").write_text("# Trip\r\n\r\nTake the kettle.\r\n", encoding="utf-8")
    return tmp_path


def test_ls_lists_pages_and_tokens(workspace: Path) -> None:
    """As JSON every page with its tokens; as text what the agent would see."""
    listed = invoke_json("pages", "ls", "-w", workspace)
    assert [page["page"] for page in listed["pages"]] == ["notes.md", "plans/trip.md"]
    assert listed["tokens"] == sum(page["tokens"] for page in listed["pages"]) > 0
    assert invoke("pages", "ls", "-w", workspace).stdout == Workspace(workspace).listing().rstrip("\n") + "\n"


def test_ls_can_look_into_one_folder(workspace: Path) -> None:
    """Only what stands below it is listed."""
    assert [page["page"] for page in invoke_json("pages", "ls", "plans", "-w", workspace)["pages"]] == ["plans/trip.md"]


def test_show_prints_what_the_model_reads(workspace: Path) -> None:
    """A page, and a section by its address."""
    text = invoke("pages", "show", "notes.md#Notes/Tea", "-w", workspace).stdout
    assert text == Workspace(workspace).render("notes.md#Notes/Tea")
    assert "Green tea" in text
    assert "kettle" not in text


def test_show_exact_prints_the_files_own_text(workspace: Path) -> None:
    """Line endings included."""
    assert invoke_json("pages", "show", "plans/trip.md", "--exact", "-w", workspace)["text"].count("\r\n") == 3


def test_show_names_the_revision(workspace: Path) -> None:
    """As JSON, with the page's whole content hash, for a section too."""
    shown = invoke_json("pages", "show", "notes.md#Notes/Tea", "-w", workspace)
    assert shown["revision"] == Workspace(workspace).revision("notes.md")


def test_outline_lists_the_headings(workspace: Path) -> None:
    """With address, level, line and tokens; of a section only those inside it."""
    sections = invoke_json("pages", "outline", "notes.md", "-w", workspace)["sections"]
    assert [(one["address"], one["level"], one["line"]) for one in sections] == [
        ("notes.md#Notes", 1, 1),
        ("notes.md#Notes/Tea", 2, 5),
    ]
    assert sections[0]["tokens"] > sections[1]["tokens"] > 0
    inside = invoke_json("pages", "outline", "notes.md#Notes/Tea", "-w", workspace)["sections"]
    assert [one["title"] for one in inside] == ["Tea"]
    assert "Tea" in invoke("pages", "outline", "notes.md", "-w", workspace).stdout


def test_find_ranks_sections(workspace: Path) -> None:
    """Each hit with its address, line and the line's own words."""
    hits = invoke_json("pages", "find", "kettle", "-w", workspace)["hits"]
    assert {hit["address"] for hit in hits} == {"notes.md#Notes", "plans/trip.md#Trip"}
    assert "notes.md#Notes/Tea:7: Green tea" in invoke("pages", "find", "green", "tea", "-w", workspace).stdout


def test_find_without_hits_says_so(workspace: Path) -> None:
    """Nothing on stdout, a remark on stderr, and no failure."""
    result = invoke("pages", "find", "zeppelin", "-w", workspace)
    assert (result.exit_code, result.stdout) == (0, "")
    assert "Nothing fits" in result.stderr
    assert invoke_json("pages", "find", "zeppelin", "-w", workspace)["hits"] == []


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("show", "absent.md"), 1),
        (("show", "notes.md#Absent"), 1),
        (("show", "../secret.md"), 1),
        (("outline", "/etc/passwd"), 1),
        (("ls", "absent"), 1),
        (("find", " "), 1),
        (("ls", "-w", "/nowhere/at/all"), 2),
        (("show",), 2),
    ],
)
def test_bad_input_is_one_clear_error(workspace: Path, arguments: tuple[str, ...], code: int) -> None:
    """Nothing on stdout, no traceback, the documented exit code."""
    result = invoke("pages", arguments[0], "-w", workspace, *arguments[1:])
    assert (result.exit_code, result.stdout) == (code, "")
    assert "Traceback" not in result.stderr
    assert "this is a bug in agentmem" not in result.stderr
