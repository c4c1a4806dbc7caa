"""agentmem.cli.replay."""

from pathlib import Path

from tests.cli.invoke import invoke, invoke_json
from tests.replay.logs import working

USAGE = {
    "requests",
    "input_tokens",
    "output_tokens",
    "uncached_tokens",
    "cache_read_tokens",
    "cache_write_5m_tokens",
    "cache_write_1h_tokens",
    "new_tokens",
    "redo_tokens",
    "hit_rate",
    "redo_share",
    "ratio",
    "breaks",
    "cuts",
    "expiries",
    "cost_usd",
    "cost_uncached_usd",
    "peak_context_tokens",
}
POLICY = {
    "policy",
    "settings",
    "summary_requests",
    "lower_bound_usd",
    "cost_over_bound",
    "cost_with_recalls_usd",
    "needed",
    "visible",
    "visible_near",
    "reachable",
    "visible_line",
    "calls",
    "calls_far",
    "calls_near",
    "calls_old_lines_far",
    "callable",
    "callable_far",
    "callable_near",
    "old_lines_far",
    "dollars_to_act_usd",
    "floor_usd",
    "excess",
}
COMPARED = {
    f"{name}_{side}" for name in ("hit_rate", "input_tokens", "input_usd") for side in ("recorded", "simulated")
}
ERRORS = {
    "hit_rate_error_mean",
    "hit_rate_error_sd",
    "hit_rate_error_abs_mean",
    "input_tokens_error",
    "input_usd_error",
}


def test_the_json_has_every_column_of_the_contract(tmp_path: Path) -> None:
    """One row a policy, the default ones in their order, each with all columns."""
    path = working(3).write(tmp_path / "log.jsonl")
    found = invoke_json("replay", path, "--jobs", "1")
    assert [row["policy"] for row in found["policies"]] == ["recorded", "append-only", "sliding", "agentmem"]
    assert all((USAGE | POLICY | {"schema", "basis"}) <= row.keys() for row in found["policies"])
    assert {"provider", "model", "budget", "chain", "skipped"} <= found.keys()
    assert (found["provider"], found["budget"], found["chain"]) == ("anthropic", 120_000, 1_000_000)


def test_verification_has_every_column_of_the_contract(tmp_path: Path) -> None:
    """One row a session, and the errors over all."""
    path = working(3).write(tmp_path / "log.jsonl")
    found = invoke_json("replay", path, "--verify", "--jobs", "1")
    assert found.keys() >= ERRORS | {"sessions", "schema", "basis"}
    assert all(row.keys() >= COMPARED | {"session", "requests"} for row in found["sessions"])


def test_people_get_tables_and_are_told_what_was_passed_over(tmp_path: Path) -> None:
    """The figures are on stdout, what could not be read on stderr, and settings stand below."""
    path = working(3).write(tmp_path / "log.jsonl")
    path.write_text(path.read_text(encoding="utf-8") + "nonsense\n", encoding="utf-8")
    result = invoke("replay", path, "--policy", "sliding", "--policy", "openhands", "--jobs", "1")
    assert result.exit_code == 0
    assert "sliding" in result.stdout and "max_tokens 120000" in result.stdout
    assert "openhands: " in result.stdout and "Python 3.12" in result.stdout
    assert "log.jsonl:34: no JSON" in " ".join(result.stderr.split())
    verified = invoke("replay", path, "--verify", "--jobs", "1")
    assert "1 sessions" in verified.stdout and "all input dollars" in verified.stdout


def test_a_wrong_policy_is_a_usage_error(tmp_path: Path) -> None:
    """The paragraph names those there are."""
    result = invoke("replay", working(1).write(tmp_path / "log.jsonl"), "--policy", "magic", "--jobs", "1")
    assert result.exit_code == 2 and "append-only" in result.stderr
