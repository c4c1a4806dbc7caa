"""Every example runs as it stands, without a key."""

import ast
import os
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from agentmem.models.weights import find

FOLDER = Path(__file__).resolve().parents[1] / "examples"
EXAMPLES = sorted(FOLDER.glob("*.py"))
QUICK = {
    name: ["--quick"]
    for name in (
        "02_workspace_agent.py",
        "10_a_million_tokens.py",
        "11_small_budget_on_the_engine.py",
        "12_under_langchain.py",
        "20_across_a_cut.py",
    )
}
"""Arguments that make slow examples fast enough for the suite."""
SAYS = {
    "01_hello_agent.py": "This page was written by an agent.",
    "02_workspace_agent.py": "70.00 €",
    "03_your_own_tools.py": "`pieces` must be a whole number",
    "04_resume_after_a_kill.py": "charges: 70 euros\n",
    "05_real_model.py": "(simulated)",
    "07_why_it_missed.py": "history_edited · 2 requests, from 5 to 6",
    "09_answer_cache.py": "1 answer went with its page",
    "10_a_million_tokens.py": "exact: The Quillon dock was inspected on 9 March 1987, at 14:25.",
    "11_small_budget_on_the_engine.py": "(simulated)",
    "12_under_langchain.py": "deepagents_after   All records are read.",
    "13_answers_over_weeks.py": " 0 stale answers",
    "14_delegates.py": "stock.d8   1 requests, 99% from the cache",
    "15_typed_results.py": "Payer(name='Ada', pays_by_card=False)\none prefix: True",
    "16_fallbacks.py": "for the lost prefix\nI am back: it is 12.",
    "17_skills.py": "- reminders: How we remind people who have not paid.\none prefix: True",
    "18_edited_approvals.py": 'It ran with: {"part":"B30","pieces":6}] Ordered 6 of B30.',
    "19_your_own_client.py": "waits 0.1 s: the provider is overloaded or limits the rate\nHello.",
    "20_across_a_cut.py": "request 2: clock broke the prefix in system",
    "21_mcp_both_ways.py": "the server was started 2 times",
    "22_memory_tool.py": "Anna drinks green tea.",
    "23_a_day_on_one_machine.py": "engine" if find() is None else "tokens were not computed again",
    "24_where_every_token_ran.py": "house    edge   it begins here: the rule 'kept in the house' names house",
}


ROOMS = ("answers", "demo", "fleet", "integrations", "mcp", "meter", "sandbox", "team", "testing")
"""The rooms with public names of their own, in `__all__`."""
PUBLIC = ("agentmem", *(f"agentmem.{room}" for room in ROOMS))


@pytest.mark.parametrize("path", sorted(FOLDER.rglob("*.py")), ids=lambda path: str(path.relative_to(FOLDER)))
def test_the_example_imports_public_names_alone(path: Path) -> None:
    """An example uses only names in `__all__`, so that a user can do the same."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names = [one.name for one in node.names] if isinstance(node, ast.Import | ast.ImportFrom) else []
        home = node.module or "" if isinstance(node, ast.ImportFrom) else ""
        if home.startswith("agentmem"):
            assert home in PUBLIC
            assert set(names) <= {*import_module(home).__all__, *ROOMS}
        elif isinstance(node, ast.Import):
            assert not [name for name in names if name.startswith("agentmem.") and name not in PUBLIC]


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_the_example_runs(path: Path, tmp_path: Path) -> None:
    """The example ends without an error or a warning, and prints its result."""
    environment = {name: value for name, value in os.environ.items() if not name.endswith("_API_KEY")}
    command = [sys.executable, "-W", "error", str(path), *QUICK.get(path.name, [])]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert SAYS.get(path.name, "") in done.stdout
    assert done.stderr == ""
