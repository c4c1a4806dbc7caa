"""The example of a team does what its page says."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_the_example_mends_its_repository_in_three_rounds(tmp_path: Path) -> None:
    """The first attempt is wrong, the second passes the repository's own tests only, the third is proven and merged."""
    environment = {name: value for name, value in os.environ.items() if not name.endswith("_API_KEY")}
    command = [sys.executable, "-W", "error", str(ROOT / "examples" / "08_team" / "run.py")]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    rounds = [
        line for line in done.stdout.splitlines() if line.startswith("round") and "failing" in line and ":" in line
    ]
    assert rounds[-3:] == ["round 1: fail, 4 failing", "round 2: fail, 3 failing", "round 3: pass, 0 failing"]
    assert "merged: parking/fees.py, parking/times.py, tests/test_long_stays.py, tests/test_rules.py" in done.stdout
    assert "return days * DAY + min(hours * HOUR, DAY)" in done.stdout
