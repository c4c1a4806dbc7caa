"""The fleet among the examples runs as it stands, as a program and as the command."""

import subprocess
import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[2] / "examples" / "25_fleet"


def test_the_program_and_the_command_run(tmp_path: Path) -> None:
    """Without Ray and without a key; what is run again asks nothing."""
    done = subprocess.run(
        [sys.executable, "-W", "error", str(FOLDER / "run.py")], capture_output=True, text=True, check=False
    )
    assert "parts-new: done, 2 requests on here: parts-new: yes, all is there." in done.stdout, done.stderr
    assert "0 requests when it is run again" in done.stdout
    command = ["-m", "agentmem", "fleet", "tasks.jsonl", "--agent", "make_agent:make_agent"]
    given = ["--database", str(tmp_path / "runs.db"), "--page", str(tmp_path / "fleet.html")]
    said = subprocess.run([sys.executable, *command, *given], cwd=FOLDER, capture_output=True, text=True, check=False)
    assert "Fleet tasks: 5 runs: 5 done." in said.stdout, said.stderr
    assert "order-12" in (tmp_path / "fleet.html").read_text()
