"""agentmem.cli.team, and a team's work in agentmem report."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result

from tests.cli.invoke import invoke, invoke_json, keep
from tests.meter.rows import row
from tests.team.works import CHECK, FAILS, OTHER, PASSES, RIGHT, TASK, WRITES, contents, repository, write


def team(folder: Path, *arguments: str | Path, task: str | None = TASK, **turns: Any) -> Result:
    """`agentmem team` on the repository in ``folder``, its roles saying ``turns``."""
    named: list[str | Path] = []
    for role, said in turns.items():
        script = folder / f"{role}.json"
        script.write_text(json.dumps(list(said)), encoding="utf-8")
        named += [f"--{role}", f"scripted:{script}"]
    given: list[str | Path] = ["--repo", folder / "repo", "--check", CHECK, "--place", folder / "place"]
    given = [task, *given, "--trust-code"] if task else [*given, "--trust-code"]
    return invoke("team", *given, *named, *arguments)


def test_the_report_goes_to_stdout_and_progress_to_stderr(tmp_path: Path) -> None:
    """Two rounds, a line for each step; the repository is as it was until --apply, which goes on without a request."""
    repo = repository(tmp_path)
    before = contents(repo)
    coder = (write(OTHER), "So.", write(RIGHT), "Now.")
    result = team(tmp_path, "-t", "t", coder=coder, tester=(WRITES, *FAILS, *PASSES))
    assert result.exit_code == 0, result.stderr
    assert result.stdout.startswith(f"# Passed, re-run: {TASK}")
    assert "- Round 1: fail" in result.stdout
    for shown in ("round 1/5", "tester   runs python check.py", "tester   calls report", "the report stands: pass"):
        assert shown in result.stderr
    assert contents(repo) == before
    applied = team(tmp_path, "-t", "t", "--apply", "--with-tests", "--json", task=None, coder=["x"])
    told = json.loads(applied.stdout)
    assert (told["verdict"], told["reason"], told["merged"]) == ("pass", "pass", ["calc.py", "tests/test_sums.py"])
    assert (repo / "calc.py").read_text(encoding="utf-8") == RIGHT
    assert {agent["agent"] for agent in told["by_agent"]} == {"coder", "tester"}
    reported = invoke_json("report", "t", "-w", tmp_path / "place")
    assert {key: told[key] for key in reported if key in told and key != "run"} == {
        key: value for key, value in reported.items() if key in told and key != "run"
    }


def test_a_change_that_does_not_pass_is_not_applied(tmp_path: Path) -> None:
    """The exit code says so, and the report says why."""
    repo = repository(tmp_path)
    result = team(tmp_path, "--apply", "--rounds", "1", coder=[write(OTHER), "So."], tester=[WRITES, *FAILS])
    assert result.exit_code == 8
    assert result.stdout.startswith("# Failed")
    assert "Nothing was written to the repository" in " ".join(result.stderr.split())
    assert OTHER not in (repo / "calc.py").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("task", "options", "said"),
    [
        (None, (), "say what to do"),
        (TASK, (), "say which model"),
        (TASK, ("--coder", "local", "--rounds", "0"), "rounds is 0"),
        (TASK, ("--coder", "local", "--max-usd", "-1"), "usd must be above 0"),
    ],
)
def test_what_cannot_work_is_said_at_once(
    tmp_path: Path, task: str | None, options: tuple[str, ...], said: str
) -> None:
    """Before anything is forked or asked."""
    repository(tmp_path)
    result = team(tmp_path, *options, task=task)
    assert (result.exit_code, said in result.stderr) == (2, True), result.stderr


def test_a_report_of_a_teams_work_is_split_by_role(tmp_path: Path) -> None:
    """By its name, or as the latest; a thread of a role has a report of its own."""
    keep(
        tmp_path,
        {"w.coder": [row(thread="w.coder", agent="coder")], "w.tester": [row(thread="w.tester", agent="tester")]},
    )
    for asked in (["w"], []):
        made = invoke_json("report", *asked, "-w", tmp_path)
        assert (made["run"], made["requests"]) == ("w", 2)
        assert [line["agent"] for line in made["by_agent"]] == ["coder", "tester"]
    assert invoke_json("report", "w.tester", "-w", tmp_path)["requests"] == 1
    assert invoke("report", "x", "-w", tmp_path).exit_code == 1
