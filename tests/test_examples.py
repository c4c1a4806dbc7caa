"""Every example runs as it stands, without a key."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = sorted((Path(__file__).resolve().parents[1] / "examples").glob("*.py"))
QUICK = {
    name: ["--quick"]
    for name in ("02_workspace_agent.py", "10_a_million_tokens.py", "11_small_budget_on_the_engine.py")
}
"""Arguments that spare the suite the local engine's minutes, and a long read."""
SAYS = {
    "01_hello_agent.py": "This page was written by an agent.",
    "02_workspace_agent.py": "70.00 €",
    "03_your_own_tools.py": "`pieces` must be a whole number",
    "04_resume_after_a_kill.py": "charges: 70 euros\n",
    "05_real_model.py": "(simulated)",
    "07_why_it_missed.py": "history_edited · requests 5 to 6",
    "09_answer_cache.py": "1 answer went with its page",
    "10_a_million_tokens.py": "exact: The Quillon dock was inspected on 9 March 1987, at 14:25.",
    "11_small_budget_on_the_engine.py": "(simulated)",
}


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_the_example_runs(path: Path, tmp_path: Path) -> None:
    """It ends well, warns of nothing and prints what it is there to show."""
    environment = {name: value for name, value in os.environ.items() if not name.endswith("_API_KEY")}
    command = [sys.executable, "-W", "error", str(path), *QUICK.get(path.name, [])]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert SAYS.get(path.name, "") in done.stdout
    assert done.stderr == ""
