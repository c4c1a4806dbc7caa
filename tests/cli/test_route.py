"""agentmem.cli.route."""

from pathlib import Path

from tests.cli.invoke import invoke, invoke_json
from tests.replay.logs import working


def test_a_log_is_routed_again(tmp_path: Path) -> None:
    """Four ratios of prices, each with staying, routing and a router that does not know what a warm cache is worth."""
    log = working(4).write(tmp_path / "log.jsonl")
    made = invoke_json("route", "--replay", log)
    assert [one["prices"] for one in made["runs"]] == ["0.06", "0.2", "0.33", "0.6"]
    assert all(one["routed_usd"] <= one["stay_usd"] for one in made["runs"])
    shown = invoke("route", "--replay", log, "--ratio", "0.2")
    assert shown.exit_code == 0 and "Staying is what was billed" in shown.stdout


def test_a_log_tells_where_its_tokens_ran(tmp_path: Path) -> None:
    """By label and tier, a request's why in a sentence, and the whole as a page."""
    log, page = working(4).write(tmp_path / "log.jsonl"), tmp_path / "where.html"
    made = invoke_json("where", log)
    assert made["total"]["requests"] == len(made["requests"]) == 16
    shown = invoke("where", log, "-o", page)
    assert shown.exit_code == 0 and "anthropic:claude-opus-4-6" in page.read_text(encoding="utf-8")
    why = invoke("where", log, "--why", "3")
    assert why.stdout.startswith("Request 3 (answer) ran at anthropic:claude-opus-4-6 (cloud)")


def test_a_router_is_tuned_on_labels(tmp_path: Path) -> None:
    """It is written to a file, with its certificate; a file without labels is one sentence."""
    lines = [f"What is {n} plus {n}?,right,right,sums" for n in range(60)]
    lines += [f"Prove lemma {n} by induction.,wrong,right,proofs" for n in range(60)]
    labels, router = tmp_path / "labels.csv", tmp_path / "router.npz"
    labels.write_text("\n".join(["question,small,large,subject", *lines]))
    made = invoke_json("route", "tune", labels, "-o", router)
    assert made["worse"] <= 0.02
    assert router.exists()
    labels.write_text("question\nWhat?\n")
    assert "has no column large, small" in invoke("route", "tune", labels, "-o", router).stderr


def test_what_cannot_be_routed_is_one_sentence(tmp_path: Path) -> None:
    """Nothing to route, a request that there is not, and no runs."""
    log = working(4).write(tmp_path / "log.jsonl")
    assert "--replay LOGS" in invoke("route").stderr
    assert "there is no request 300" in invoke("where", log, "--why", "300").stderr
    assert invoke("where", "-w", tmp_path / "empty").exit_code != 0
