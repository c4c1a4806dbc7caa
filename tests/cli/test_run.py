"""agentmem.cli.run and agentmem.cli.watch."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result

from agentmem.cli.watch import RunWatch
from agentmem.meter.report import report
from agentmem.runtime.events import Compacted
from agentmem.transcript.journal import open_journal
from tests.cli.invoke import invoke, invoke_json

READ = {"text": "I look at the page.", "calls": [{"read": {"page": "tea.md"}}]}
ANSWER = "Green tea takes two minutes."
Run = Callable[..., Result]


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """A workspace with one page."""
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "tea.md").write_text("# Tea\n\nGreen: two minutes.\n", encoding="utf-8")
    return tmp_path / "work"


@pytest.fixture
def run(workspace: Path) -> Run:
    """`agentmem run` there, on thread t, with a model that says ``turns``."""

    def call(turns: list[Any], *arguments: str, stdin: str | None = None) -> Result:
        script = workspace.parent / "script.json"
        script.write_text(json.dumps(turns), encoding="utf-8")
        options = ("-w", str(workspace), "-m", f"scripted:{script}", "-t", "t")
        return invoke("run", *arguments, *options, stdin=stdin)

    return call


def test_the_answer_goes_to_stdout(run: Run) -> None:
    """And nothing else; what the agent does, and the numbers, go to stderr."""
    result = run([READ, ANSWER], "How long for green tea?")
    assert (result.exit_code, result.stdout) == (0, f"{ANSWER}\n")
    assert 'read {"page":"tea.md"}' in result.stderr
    assert "2 requests" in result.stderr
    assert "estimated" in result.stderr


def test_json_has_the_result_and_its_usage(run: Run, workspace: Path) -> None:
    """One document: how it ended and the USAGE of its requests, the same numbers as the report's."""
    result = run([READ, ANSWER], "How long?", "--json")
    told = json.loads(result.stdout)
    assert (result.exit_code, told["status"], told["text"], told["turns"]) == (0, "done", ANSWER, 2)
    assert told["thread"] == "t"
    reported = invoke_json("report", "t", "-w", workspace)
    assert {key: told[key] for key in ("schema", "basis", "requests", "input_tokens", "cost_usd")} == {
        key: reported[key] for key in ("schema", "basis", "requests", "input_tokens", "cost_usd")
    }
    assert result.stderr == ""


def test_the_task_can_come_from_stdin(run: Run, workspace: Path) -> None:
    """With - in its place."""
    assert run([ANSWER], "-", stdin="How long?\n").exit_code == 0
    with open_journal(workspace / ".agentmem" / "agentmem.db") as journal:
        assert "How long?" in next(entry for entry in journal.entries("t") if entry.kind == "user").data.decode()


def test_a_thread_is_gone_on_with(run: Run, workspace: Path) -> None:
    """The second run extends the first; the report counts both."""
    run([ANSWER, "Black takes four."], "How long for green?")
    assert run([ANSWER, "Black takes four."], "And black?").stdout == "Black takes four.\n"
    reported = invoke_json("report", "t", "-w", workspace)
    assert (reported["requests"], reported["breaks"], reported["cuts"]) == (2, 0, 0)


def test_a_limit_has_its_own_exit_code(run: Run) -> None:
    """The run says which limit and how to go on; going on without a task finishes it."""
    stopped = run([READ, ANSWER], "How long?", "--max-turns", "1")
    assert stopped.exit_code == 6
    assert "max_turns" in stopped.stderr
    assert "--thread t" in stopped.stderr
    assert json.loads(run([READ, ANSWER], "--json").stdout)["text"] == ANSWER


@pytest.mark.parametrize(("answer", "error"), [("--allow", False), ("--refuse", True)])
def test_a_call_waits_for_approval(run: Run, workspace: Path, answer: str, error: bool) -> None:
    """Without a person at the terminal the run ends with its own code; --allow or --refuse answers it."""
    turns = [{"calls": [{"read": {"page": "tea.md"}}]}, ANSWER]
    waiting = run(turns, "How long?", "--approve", "read", "--json")
    assert waiting.exit_code == 7
    assert [call["name"] for call in json.loads(waiting.stdout)["pending"]] == ["read"]
    assert run(turns, answer, "--approve", "read").stdout == f"{ANSWER}\n"
    with open_journal(workspace / ".agentmem" / "agentmem.db") as journal:
        results = [entry.value for entry in journal.entries("t") if entry.kind == "tool_result"]
    assert [one.get("is_error", False) for one in results] == [error]


def test_waiting_says_how_to_answer(run: Run) -> None:
    """The line names the thread and both answers."""
    waiting = run([READ, ANSWER], "How long?", "--approve", "read")
    assert "--thread t --allow" in " ".join(waiting.stderr.split())


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "which --thread"),
        (("  ",), "say what to do"),
        (("x", "--allow"), "no task"),
        (("x", "--approve", "fly"), "fly"),
        (("x", "--budget", "12"), "4,000"),
        (("x", "--max-turns", "0"), "max_turns"),
        (("x", "--model", "nonsense"), "nonsense"),
        (("x", "--model", "scripted:absent.md"), "absent.md"),
        (("x", "--workspace", "/nowhere/at/all"), "/nowhere/at/all"),
        (("x", "--max-turns", "many"), "integer"),
    ],
)
def test_a_setting_that_cannot_work_is_refused(workspace: Path, arguments: tuple[str, ...], said: str) -> None:
    """With exit code 2, one paragraph that says which, and no run begun."""
    script = workspace / "script.yaml"
    script.write_text("- Yes.\n", encoding="utf-8")
    options = {"--workspace": str(workspace), "--model": f"scripted:{script}"}
    given = [part for name, value in options.items() if name not in arguments for part in (name, value)]
    result = invoke("run", *arguments, *given)
    assert (result.exit_code, result.stdout) == (2, "")
    assert said in " ".join(result.stderr.split())
    assert invoke_json("runs", "-w", workspace)["runs"] == []


def test_a_missing_system_file_is_named(run: Run) -> None:
    """It is a failure, not a bug."""
    result = run([ANSWER], "x", "--system", "/nowhere/prompt.md")
    assert result.exit_code == 1
    assert "/nowhere/prompt.md" in result.stderr
    assert "this is a bug in agentmem" not in result.stderr


def test_what_does_not_fit_the_budget_has_its_own_code(run: Run) -> None:
    """It names the largest entries."""
    result = run([ANSWER], "tea " * 2_000, "--budget", "4800")
    assert result.exit_code == 3
    assert "Largest entries" in result.stderr


def test_a_model_that_cannot_answer_has_its_own_code(run: Run) -> None:
    """Here a script that ends too early; what was done is kept."""
    assert run([READ], "How long?").exit_code == 4
    assert run([READ, ANSWER]).stdout == f"{ANSWER}\n"


def test_a_busy_thread_has_its_own_code(run: Run, workspace: Path) -> None:
    """Another run holds it."""
    with open_journal(workspace / ".agentmem" / "agentmem.db") as journal, journal.lease("t"):
        assert run([ANSWER], "How long?").exit_code == 5


def test_prices_can_be_lent(run: Run, workspace: Path) -> None:
    """--price-as gives estimated dollars, and the report says whose they are."""
    run([ANSWER], "How long?", "--price-as", "anthropic:claude-opus-5-5")
    reported = invoke_json("report", "-w", workspace)
    assert reported["cost_usd"] > 0
    assert (reported["cost_basis"], reported["priced_as"]) == ("estimated", "anthropic:claude-opus-5-5")
    assert report([], None)["priced_as"] is None


def test_the_prefix_of_a_run_is_the_one_that_was_shown(run: Run, workspace: Path) -> None:
    """`agentmem prefix` before the run is byte for byte what the thread froze."""
    shown = invoke("prefix", "-w", workspace, "-m", "scripted:scripted", "--pin", "tea.md", "--shell").stdout_bytes
    run([ANSWER], "How long?", "--pin", "tea.md", "--shell")
    assert invoke("prefix", "-w", workspace, "--thread", "t").stdout_bytes == shown


def test_a_compaction_is_told(run: Run, workspace: Path) -> None:
    """One line on stderr says why, from how many tokens to how many, and that no model summed up; JSON counts it."""
    for number in range(24):
        (workspace / f"log-{number}.md").write_text("# Log\n\n" + f"Pump {number} ran well all day.\n\n" * 60)
    reads: list[Any] = [{"calls": [{"read": {"page": f"log-{number}.md"}}]} for number in range(24)]
    result = run([*reads, ANSWER], "Read the logs.", "--budget", "14000")
    assert (result.exit_code, result.stdout) == (0, f"{ANSWER}\n")
    told = [line for line in result.stderr.splitlines() if line.startswith("compacted")]
    assert told
    assert all(
        re.fullmatch(r"compacted \(limit\), without a model's summary: [\d,]+ tokens to [\d,]+", line) for line in told
    )
    reported = invoke_json("report", "t", "-w", workspace)
    assert reported["cuts"] == len(told)
    assert reported["peak_context_tokens"] <= 14_000


@pytest.mark.parametrize(("by", "said"), [("model", "compacted (growth): "), ("mechanical", ", without a model's")])
def test_whose_summary_it_is_stands_in_the_line(by: Any, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A summary by the model needs no word; in quiet nothing is printed at all."""
    event = Compacted("t", "growth", 40, 90_000, 12_345, by, 1)
    for quiet in (False, True):
        watch = RunWatch("t", quiet=quiet)
        watch.see(event)
        watch.rest()
        shown = capsys.readouterr().err
        assert (said in shown and "90,000 tokens to 12,345" in shown) is not quiet
