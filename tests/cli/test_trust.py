"""Settings that come with a folder are named and confirmed, once and when they change."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

SETTINGS = 'model = "scripted:script.yml"\n'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with settings and a script, and beside it a home folder."""
    work = tmp_path / "work"
    work.mkdir()
    (work / "script.yml").write_text("- hello\n")
    (work / "agentmem.toml").write_text(SETTINGS)
    return work


def agentmem(folder: Path, *arguments: str, **changes: str) -> "subprocess.CompletedProcess[str]":
    """The command in a process of its own, without a terminal."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("AGENTMEM_", "XDG_"))}
    environment = {**clean, "HOME": str(folder.parent / "home"), **changes}
    command = [sys.executable, "-c", "from agentmem.cli import main; main()", *arguments]
    return subprocess.run(
        command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120
    )


def test_without_a_person_new_settings_are_refused_and_named(folder: Path) -> None:
    """With what they could do, and how to confirm them. Nothing is made."""
    (folder / "agentmem.toml").write_text(SETTINGS + 'database = "postgresql://elsewhere/x"\nmax_usd = 900.0\n')
    for command in (("run", "go"), ("runs",)):
        done = agentmem(folder, *command)
        assert done.returncode == 2
        for said in ("postgresql://elsewhere/x", "where conversations are sent", "max_usd = 900.0", "--trust"):
            assert said in done.stderr
    assert not (folder / ".agentmem").exists()


def test_what_was_confirmed_is_remembered_until_it_changes(folder: Path) -> None:
    """Comments and layout are no change; another value is."""
    assert agentmem(folder, "--trust", "run", "go").stdout.strip() == "hello"
    (folder / "agentmem.toml").write_text("# a comment\n" + SETTINGS.replace(" = ", "="))
    assert agentmem(folder, "run", "go").returncode == 0
    (folder / "agentmem.toml").write_text(SETTINGS + "max_usd = 5.0\n")
    done = agentmem(folder, "run", "go")
    assert done.returncode == 2 and "has changed" in done.stderr
    assert agentmem(folder, "run", "go", AGENTMEM_TRUST="1").returncode == 0
    assert agentmem(folder, "run", "go").returncode == 2


def test_it_is_remembered_outside_the_folder_for_its_user_alone(folder: Path) -> None:
    """A file in the workspace could be written by the model."""
    agentmem(folder, "--trust", "runs")
    kept = folder.parent / "home" / ".local" / "state" / "agentmem" / "trusted.json"
    assert str(folder) in kept.read_text()
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert not list(folder.rglob("trusted*"))


def test_another_folder_with_the_same_settings_asks_again(folder: Path) -> None:
    """What is trusted is a file, not a text."""
    agentmem(folder, "--trust", "runs")
    other = folder.parent / "other"
    other.mkdir()
    (other / "agentmem.toml").write_text(SETTINGS)
    assert agentmem(other, "runs").returncode == 2


def test_a_folder_without_settings_asks_nothing(folder: Path) -> None:
    """Nor do variables, which are the person's own."""
    (folder / "agentmem.toml").unlink()
    assert agentmem(folder, "run", "go", AGENTMEM_MODEL="scripted:script.yml").stdout.strip() == "hello"
