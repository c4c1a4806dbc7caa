"""The example of the pytest plugin."""

import subprocess
import sys
from pathlib import Path

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "06_pytest_plugin" / "run.py"


def test_the_example_catches_the_timestamp(tmp_path: Path) -> None:
    """A user's project in which one test passes and the other fails, with the difference and the fix."""
    command = [sys.executable, "-W", "error", str(EXAMPLE)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "request 2 does not extend request 1: it differs in system, block 0" in done.stdout
    assert done.stdout.endswith("The guard caught the timestamp.\n")
