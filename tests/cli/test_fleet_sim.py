"""agentmem.cli.fleet_sim."""

from pathlib import Path

from tests.cli.invoke import invoke, invoke_json
from tests.replay.test_workloads import SESSION, written


def test_a_plan_is_printed_and_written(tmp_path: Path) -> None:
    """The tables on stdout, the page in a file, the same as JSON."""
    log, page = written(tmp_path / "s.jsonl", [SESSION] * 9), tmp_path / "plan.html"
    done = invoke("fleet-sim", str(log), "--target", "hit=.3,ttft=5s", "--compare", "now, update,wait", "-o", str(page))
    assert done.exit_code == 0, done.output
    for part in (
        "capacity, tokens",
        "best possible",
        "The cheapest that reaches",
        "what leaves first",
        "claimed:",
        "LMCache:",
        "assumed:",
    ):
        assert part in done.stdout
    assert "<svg" in page.read_text(encoding="utf-8")
    made = invoke_json("fleet-sim", str(log), "--target", "hit=.3", "--speed", "10")
    assert made["basis"] == "simulated" and made["workload"]["requests"] == 18
    pinned = invoke_json("fleet-sim", str(log), "--eviction", "leaf-first", "--pin", "30")
    assert {(one["eviction"], one["pin_s"]) for one in pinned["fleets"]} == {("leaf-first", 30.0)}


def test_what_cannot_be_planned_is_one_sentence(tmp_path: Path) -> None:
    """Names, targets and places that are none, before anything is read."""
    for arguments in (
        ["--chip", "H9"],
        ["--compare", "sell"],
        ["--target", "fast"],
        ["-o", str(tmp_path / "no" / "plan.html")],
    ):
        log = written(tmp_path / "s.jsonl", [SESSION])
        done = invoke("fleet-sim", str(log), *arguments)
        assert done.exit_code == 2
        assert done.stderr.startswith("agentmem: ")
