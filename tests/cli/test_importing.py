"""agentmem.cli.importing."""

from pathlib import Path

from tests.cli.invoke import invoke, invoke_json
from tests.pages.importing.made import notion_files, zipped


def test_an_export_becomes_pages_and_goes_back(tmp_path: Path) -> None:
    """A first import writes pages, a second changes nothing, and the export has every file with its bytes."""
    files = notion_files(50)
    packed, notes = zipped(tmp_path / "Export.zip", files), tmp_path / "notes"
    shown = invoke("pages", "import", packed, "--into", "notion", "-w", notes)
    assert shown.exit_code == 0, shown.stderr
    page = next((notes / "notion").rglob("Task 1 ship it.md")).read_text(encoding="utf-8")
    assert "# Task 1: ship it" in page and "the one before" in page and "A callout of 1." in page
    again = invoke_json("pages", "import", packed, "--into", "notion", "-w", notes)
    assert again["unchanged"] and not again["created"] and not again["updated"]
    back = tmp_path / "back"
    done = invoke("pages", "export", back, "--format", "notion", "--source", "Export", "-w", notes)
    assert done.exit_code == 0, done.stderr


def test_what_cannot_be_imported_is_one_sentence(tmp_path: Path) -> None:
    """A place that is not there, and a format that there is not."""
    packed = zipped(tmp_path / "Export.zip", notion_files(10))
    for arguments in ([tmp_path / "none.zip"], [packed, "--format", "word"]):
        done = invoke("pages", "import", *arguments, "-w", tmp_path / "notes")
        assert done.exit_code == 2 and done.stderr.startswith("agentmem: ")
