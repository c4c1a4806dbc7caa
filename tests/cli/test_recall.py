"""agentmem.cli.recall."""

from pathlib import Path

import pytest

from agentmem.transcript import transcript
from agentmem.transcript.journal import open_journal
from tests.cli.invoke import invoke, invoke_json
from tests.recall.threads import begun, compacted, tell


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """A workspace with a run, part of which has left the window."""
    with open_journal(tmp_path / ".agentmem" / "agentmem.db") as journal:
        begun(journal, "main", "The owl is asleep.", "The fox is awake.", "Bees like [clover].")
        tell(journal, "main", compacted(2, "Animals."), transcript.user("And the owls of today?"))
    return tmp_path


def test_a_question_brings_back_exact_text_and_its_place(workspace: Path) -> None:
    """The latest run is asked; what is in the window yet is found too."""
    found = invoke_json("recall", "which bird sleeps? owl", "-w", workspace)["found"]
    assert found[0] == {"reference": "main/1", "kind": "said by the user", "text": "The owl is asleep."}
    assert "main/5" in [one["reference"] for one in found]


def test_a_reference_brings_back_its_text(workspace: Path) -> None:
    """On stdout as it is; the place goes to stderr."""
    result = invoke("recall", "main/3", "-w", workspace)
    assert (result.exit_code, result.stdout) == (0, "Bees like [clover].\n")
    assert "main/3, exact" in result.stderr


def test_the_archive_can_be_rebuilt(workspace: Path) -> None:
    """From the runs, with the number of pieces; a question may follow."""
    result = invoke("recall", "--rebuild", "-w", workspace)
    assert (result.exit_code, result.stdout) == (0, "")
    assert "2 pieces" in result.stderr
    assert invoke("recall", "fox", "--most", "1", "--rebuild", "-w", workspace).stdout == "The fox is awake.\n"


def test_forgetting_takes_it_out_of_the_archive(workspace: Path) -> None:
    """No file of the archive has the text any more."""
    invoke("recall", "--rebuild", "-w", workspace)
    assert invoke("forget", "main", "--yes", "-w", workspace).exit_code == 0
    files = [file for file in (workspace / ".agentmem" / "archive").rglob("*") if file.is_file()]
    assert files
    assert not [file for file in files if b"asleep" in file.read_bytes()]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [((), "give a question, or a reference"), (("owl", "--thread", "nobody"), "no run 'nobody'")],
)
def test_what_cannot_be_recalled_is_explained(workspace: Path, arguments: tuple[str, ...], said: str) -> None:
    """Without a question, or with a run that is not there."""
    result = invoke("recall", *arguments, "-w", workspace)
    assert result.exit_code != 0
    assert said in result.stderr


def test_an_empty_folder_stays_empty(tmp_path: Path) -> None:
    """Nothing is made where there are no runs."""
    assert invoke("recall", "owl", "-w", tmp_path).exit_code != 0
    assert not list(tmp_path.iterdir())
