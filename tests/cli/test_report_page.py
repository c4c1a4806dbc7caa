"""The page that `agentmem report -o` writes."""

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from agentmem.distribution import install
from agentmem.transcript.journal import open_journal
from tests.cli.invoke import invoke, invoke_json
from tests.cli.test_process import agentmem, environment
from tests.report.runs import eventful


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """A workspace with two runs."""
    with open_journal(tmp_path / ".agentmem" / "agentmem.db") as journal:
        for name in ("one", "two"):
            eventful(journal, name)
    return tmp_path


def data(page: Path) -> dict[str, object]:
    """What a page carries."""
    text = page.read_text(encoding="utf-8")
    found: dict[str, object] = json.loads(text.split('id="data">')[1].split("</script>")[0])
    return found


def test_the_page_is_written_beside_the_report(workspace: Path, tmp_path: Path) -> None:
    """stdout stays what it is without -o; the page says the same of the same run."""
    plain = invoke_json("report", "one", "-w", workspace)
    page = tmp_path / "out.html"
    assert invoke_json("report", "one", "-w", workspace, "-o", page) == plain
    assert data(page).items() >= plain.items()
    assert [path.name for path in tmp_path.iterdir() if "out.html" in path.name] == ["out.html"]


def test_all_runs_on_one_page(workspace: Path, tmp_path: Path) -> None:
    """--all puts the oldest first."""
    page = tmp_path / "out.html"
    result = invoke("report", "--all", "-w", workspace, "-o", page)
    assert result.exit_code == 0, result.stderr
    assert str(page) in "".join(result.stderr.split("\n"))
    found = data(page)
    assert found["run"] is None
    assert found["turns"]["run"]["names"] == ["one", "two"]  # type: ignore[index]  # JSON of known shape


def test_where_no_page_can_be_written(workspace: Path, tmp_path: Path) -> None:
    """A folder that is not there is named; --open alone says what it lacks; an old page stays as it was."""
    gone = invoke("report", "-w", workspace, "-o", tmp_path / "nowhere" / "out.html")
    assert gone.exit_code == 1
    assert "nowhere" in gone.stderr
    assert gone.stdout == invoke("report", "-w", workspace).stdout, "the report itself is told all the same"
    bare = invoke("report", "-w", workspace, "--open")
    assert bare.exit_code == 2
    assert "-o report.html" in " ".join(bare.stderr.split())
    (tmp_path / "old.html").write_text("old")
    assert invoke("report", "no-such-run", "-w", workspace, "-o", tmp_path / "old.html").exit_code == 1
    assert (tmp_path / "old.html").read_text() == "old"


def test_without_the_plotting_library(workspace: Path, tmp_path: Path) -> None:
    """The error names the extra that brings it, the report is told all the same, and no page is written."""
    program = "import sys; sys.modules['youplot'] = None; from agentmem.cli import main; main()"
    command = [sys.executable, "-c", program, "report", "-w", str(workspace), "-o", str(tmp_path / "out.html")]
    done = subprocess.run(command, capture_output=True, text=True, env=environment(), timeout=120, check=False)
    assert done.returncode == 2
    assert install("report") in done.stderr
    assert "hit rate" in done.stdout
    assert not (tmp_path / "out.html").exists()


def test_the_browser_is_given_the_page(workspace: Path, tmp_path: Path) -> None:
    """--open hands the file's address to the user's browser."""
    browser, opened = tmp_path / "browser", tmp_path / "opened"
    browser.write_text(f"#!{sys.executable}\nimport sys\nopen({str(opened)!r}, 'w').write(sys.argv[1])\n")
    browser.chmod(browser.stat().st_mode | stat.S_IXUSR)
    page = tmp_path / "a page.html"
    done = agentmem("report", "-w", workspace, "-o", page, "--open", BROWSER=f"{browser} %s", PATH=os.environ["PATH"])
    assert done.returncode == 0, done.stderr
    assert opened.read_text() == page.resolve().as_uri()
