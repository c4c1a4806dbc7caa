"""What was billed, beside what is simulated; and a cache that was warm when the recording began."""

import json
from pathlib import Path

import pytest

from agentmem.replay.billed import bill, billed
from agentmem.replay.parallel import ReplayPlan, replay_all
from tests.cli.invoke import invoke
from tests.replay.logs import HEAD, Log, text, used, working


def log(read: int, model: str = "claude-opus-4-6") -> Log:
    """Two requests; the first found ``read`` tokens in the cache."""
    made = Log(model)
    made.prompt("Where is the key? " * 30)
    made.reply("m1", text("Below the mat."), usage=used(4, HEAD - read, read))
    made.prompt("And the lock?")
    made.reply("m2", text("On the door."), usage=used(4, 50, HEAD))
    return made


def test_a_bill_is_the_sum_of_what_requests_report(tmp_path: Path) -> None:
    """Dollars by hand, at Claude Opus 4.6's list prices; a request without usage or price is counted as such."""
    session = log(0).session(tmp_path)
    found = bill(session, "here", 3)
    usd = 8 * 5e-6 + (HEAD + 50) * 6.25e-6 + HEAD * 0.5e-6 + 10 * 25e-6
    assert found.usd == pytest.approx(usd) and (found.requests, found.reported, found.priced) == (2, 2, 2)
    unknown = bill(log(0, "claude-nobody-knows").session(tmp_path), "here", 3)
    assert (unknown.usd, unknown.reported, unknown.priced) == (None, 2, 0)
    both = billed([found, unknown])
    assert both["billed_usd"] == pytest.approx(usd) and (both["requests"], both["billed_requests"]) == (4, 2)
    [row] = both["prices"]
    assert (row["model"], row["requests"]) == ("anthropic:claude-opus-4-6", 2)
    assert row["usd"] == pytest.approx(usd) and row["table"].startswith("genai-prices")
    assert billed([])["billed_usd"] is None and billed([])["input_tokens"] is None


@pytest.mark.parametrize("chain", [0, 1_000_000])
def test_each_session_has_its_bill_beside_what_every_policy_costs(chain: int, tmp_path: Path) -> None:
    """Their sums are the rows' own figures, joined to chains or not."""
    for number in range(3):
        made = working(2)
        for record in made.records:
            record["uuid"] = f"{number}-{record['uuid']}"
            if record["type"] == "assistant":
                record["message"]["id"] += f"-{number}"
        made.write(tmp_path / f"{number}.jsonl")
    found = replay_all(ReplayPlan((tmp_path,), ("recorded", "agentmem"), chain=chain, jobs=1))
    assert [one["session"] for one in found["sessions"]] == ["0", "1", "2"]
    for row in found["policies"]:
        simulated = sum(one["simulated_usd"][row["policy"]] for one in found["sessions"])
        assert simulated == pytest.approx(row["cost_usd"])
        assert row["billed_usd"] == pytest.approx(sum(one["billed_usd"] for one in found["sessions"]))
    assert found["billed"]["billed_usd"] == pytest.approx(found["policies"][0]["billed_usd"])
    json.dumps(found, allow_nan=False)


@pytest.mark.parametrize("policy", ["recorded", "append-only", "sliding", "agentmem"])
def test_a_cache_that_was_warm_is_warm_in_the_simulation(policy: str, tmp_path: Path) -> None:
    """The first request reads what the recording's first request read, and the rest is written as ever."""
    read = 12_000
    cold, warm = (
        replay_all(ReplayPlan((log(size).write(tmp_path / f"{size}.jsonl"),), (policy,), jobs=1))["policies"][0]
        for size in (0, read)
    )
    assert warm["input_tokens"] == cold["input_tokens"]
    assert warm["cache_read_tokens"] - cold["cache_read_tokens"] == read
    assert warm["new_tokens"] + warm["redo_tokens"] + warm["cache_read_tokens"] == warm["input_tokens"]


def test_people_see_the_bill_in_the_table(tmp_path: Path) -> None:
    """In sum as the first row, and for every session; that its tokens are the provider's, and what has no price."""
    log(0).write(tmp_path / "seen.jsonl")
    found = invoke("replay", tmp_path, "-p", "recorded", "--jobs", "1").stdout
    rows = [line.split() for line in found.splitlines() if line.strip()]
    assert next(row[:3] for row in rows if row[0] == "billed") == ["billed", "2", "$0.1356"]
    assert next(row[:3] for row in rows if row[0] == "seen") == ["seen", "2", "$0.1356"]
    assert "billed: tokens as the provider counted them" in found
    path = log(0, "claude-nobody-knows").write(tmp_path / "unpriced.jsonl")
    path.write_text(path.read_text(encoding="utf-8").replace('"m1"', '"n1"').replace('"m2"', '"n2"'), encoding="utf-8")
    assert "billed: 2 of 4 requests" in invoke("replay", tmp_path, "-p", "recorded", "--jobs", "1").stdout
