"""Replaying chains under policies."""

import json
from pathlib import Path

import pytest

from agentmem.errors import ConfigError
from agentmem.kvcache.rules import TTLS, rules
from agentmem.replay.parallel import ReplayPlan, replay_all, verify_all
from agentmem.replay.policies import AppendOnly, Sliding
from agentmem.replay.run import GAP, chain, replay
from agentmem.replay.simulation import patient
from agentmem.replay.tally import Tally, excesses, total
from tests.replay.logs import Log, text, used, working

MODEL = "claude-opus-4-6"


def test_hit_new_and_redo_make_the_whole(tmp_path: Path) -> None:
    """Every input token was read, is new, or is processed again."""
    session = working(10).session(tmp_path)
    for policy in (AppendOnly, Sliding):
        numbers = replay(chain([session], "anthropic"), policy, 23_000, rules).numbers()
        parts = numbers["cache_read_tokens"] + numbers["new_tokens"] + numbers["redo_tokens"]
        assert parts == numbers["input_tokens"] and numbers["redo_tokens"] >= 0
        assert numbers["requests"] == len(session.exchanges)


def test_append_only_neither_breaks_nor_forgets(tmp_path: Path) -> None:
    """Nothing changes what was sent, and everything stays visible; dropping the oldest breaks and forgets."""
    one = chain([working(30).session(tmp_path)], "anthropic")
    kept, slid = (replay(one, policy, 23_000, rules).numbers() for policy in (AppendOnly, Sliding))
    assert kept["breaks"] == kept["cuts"] == 0
    assert kept["redo_share"] < 0.001  # replies that repeat word for word are not new
    assert slid["breaks"] > 10 and slid["hit_rate"] < kept["hit_rate"]
    assert slid["peak_context_tokens"] <= 23_000 < kept["peak_context_tokens"]


def test_sessions_are_joined_with_a_gap(tmp_path: Path) -> None:
    """The second begins two hours after the first, when nothing cached is left, anew behind the first one's opening."""
    first, second = working(1).session(tmp_path), working(2).session(tmp_path)
    joined = chain([first, second], "anthropic")
    start = joined.exchanges[len(first.exchanges)]
    assert start.at == first.exchanges[-1].answered + GAP
    assert start.cut is not None and start.cut.frames == start.arrived
    for ttl in TTLS:
        assert max(patient(rules(MODEL)).lifetimes.values()) < GAP
        lasting = chain([first, second], "anthropic", ttl=ttl)
        assert replay(lasting, AppendOnly, 100_000, rules).expiries == 1


def test_tallies_add_up() -> None:
    """Sums are sums, the peak is the highest, and requests without a price are named beside the dollars of the rest."""
    one, other = Tally(requests=2, peak_context_tokens=5, cost_usd=1.0), Tally(requests=3, peak_context_tokens=4)
    other.unpriced["my-local-model"] = 3
    both = total([one, other])
    assert (both.requests, both.peak_context_tokens, both.cost_usd) == (5, 5, 1.0)
    assert both.numbers()["unpriced"] == [{"model": "my-local-model", "requests": 3}]
    assert both.numbers()["cost_usd"] == 1.0
    assert other.numbers()["cost_usd"] is other.numbers()["lower_bound_usd"] is None


def test_excess_is_beside_the_cheapest_peer() -> None:
    """Dollars to act beyond the floor over the peer's; nothing where no peer ran, or on other chains than a policy."""

    def row(policy: str, dollars: float | None, chains: int = 2) -> dict[str, object]:
        return {"policy": policy, "dollars_to_act_usd": dollars, "floor_usd": 10.0, "chains": chains}

    rows = [row("ours", 14.0), row("dear", 30.0), row("cheap", 18.0), row("absent", None), row("partly", 5.0, chains=1)]
    assert excesses(rows, ("dear", "cheap", "absent")) == {"ours": 0.5, "dear": 2.5, "cheap": 1.0}
    assert excesses(rows, ("absent",)) == {}


def test_the_whole_way_from_files_to_the_contract(tmp_path: Path) -> None:
    """Logs in a folder give one row a policy with every column, on one process or two alike."""
    for number in range(5):
        working(3 + number).write(tmp_path / f"{number}.jsonl")
    (tmp_path / "broken.jsonl").write_text("nonsense\n", encoding="utf-8")
    found = [replay_all(ReplayPlan((tmp_path,), model=MODEL, chain=5_000, jobs=jobs)) for jobs in (1, 2)]
    assert found[0] == found[1]
    rows = {row["policy"]: row for row in found[0]["policies"]}
    assert list(rows) == ["recorded", "append-only", "sliding"]
    assert all(
        row["basis"] == "simulated" and row["cost_usd"] > 0 and row["needed"] is not None for row in rows.values()
    )
    assert [Path(one["path"]).name for one in found[0]["skipped"]] == ["broken.jsonl"]
    json.dumps(found[0], allow_nan=False)


def test_a_ledger_has_its_own_figures_and_no_others(tmp_path: Path) -> None:
    """Without text the recorded policy reports what was measured, and all that needs text is null. What a ledger says
    of output may be partial: it is no measured count.
    """
    event = {"ts": "2026-01-05T14:30:41Z", "model": MODEL, "inp": 10, "cw": 30, "cr": 60, "out": 2, "cw1h": 0}
    path = tmp_path / "ledger.jsonl"
    path.write_text(json.dumps({"session": "s", "events": [event] * 3}) + "\n", encoding="utf-8")
    made = replay_all(ReplayPlan((path,), ("recorded", "append-only")))
    recorded, appended = made["policies"]
    for one in (recorded, made["billed"], *made["sessions"]):
        assert one["output_tokens"] is None and one["logged_output_tokens"] == 6
        assert one["output_basis"] == "estimated"
    assert recorded["ratio"] is None
    assert recorded["basis"] == "measured" and recorded["hit_rate"] == 0.6 and recorded["visible"] is None
    assert recorded["lower_bound_usd"] is recorded["floor_usd"] is recorded["callable"] is None
    assert recorded["redo_share"] is None
    assert appended["hit_rate"] is None and "no text" in appended["missing"]


def test_a_missing_peer_has_a_row_that_says_so(tmp_path: Path) -> None:
    """A policy that cannot run is null in every column, and the others are not touched."""
    path = working(2).write(tmp_path / "a.jsonl")
    peer, recorded = replay_all(ReplayPlan((path,), ("openhands", "recorded")))["policies"]
    assert peer["cost_usd"] is None and "Python 3.12" in peer["missing"]
    assert recorded["cost_usd"] > 0 and recorded["missing"] is None


def test_another_provider_has_its_own_rules(tmp_path: Path) -> None:
    """Where matching is by tokens every long prefix is read, and nothing is written at a price."""
    path = working(3).write(tmp_path / "a.jsonl")
    (row,) = replay_all(ReplayPlan((path,), ("append-only",), provider="openai", model="gpt-5"))["policies"]
    assert row["hit_rate"] > 0.5 and row["cache_write_5m_tokens"] == 0
    with pytest.raises(ConfigError, match="needs --model"):
        replay_all(ReplayPlan((path,), provider="openai"))


def test_nothing_to_replay_is_an_error(tmp_path: Path) -> None:
    """An empty folder has no sessions; the error says where it looked."""
    with pytest.raises(ConfigError, match="no session to replay"):
        replay_all(ReplayPlan((tmp_path,)))


def test_verification_lists_every_session(tmp_path: Path) -> None:
    """Sessions with usage are compared; those with nothing to compare are named."""
    working(3).write(tmp_path / "a.jsonl")
    log = Log()
    log.prompt("go")
    log.reply("other", text("ok"), usage=used(1, 2, 3))
    log.write(tmp_path / "b.jsonl")
    event = {"ts": "2026-01-05T14:30:41Z", "model": MODEL, "inp": 10, "cw": 30, "cr": 60, "out": 2}
    (tmp_path / "c.jsonl").write_text(json.dumps({"session": "s", "events": [event]}) + "\n", encoding="utf-8")
    found = verify_all(ReplayPlan((tmp_path,), jobs=1))
    assert {row["session"] for row in found["sessions"]} == {"a", "b"}
    assert len(found["skipped"]) == 1 and found["hit_rate_error_mean"] is not None
