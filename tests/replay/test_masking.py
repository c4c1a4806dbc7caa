"""Observation masking."""

from pathlib import Path

from agentmem.kvcache.rules import rules
from agentmem.replay.masking import KEPT, Masking
from agentmem.replay.peers import PEERS, missing
from agentmem.replay.policies import Arrival, Terms
from agentmem.replay.run import chain, replay
from agentmem.replay.session import opening
from tests.replay.logs import working


def test_the_newest_ten_results_stay(tmp_path: Path) -> None:
    """Older ones are a line each that says how much is gone; calls, replies and prompts stay as they are."""
    session = working(8).session(tmp_path)
    policy, whole = Masking(Terms(opening(session), 24_000)), opening(session).reminders
    for exchange in session.exchanges:
        (sent,) = policy.send(Arrival(exchange.at, exchange.model, exchange.arrived))
        whole = (*whole, *exchange.arrived)
        found = [frame for run in sent.runs for frame in run]
        results = [at for at, frame in enumerate(whole) if frame.value["type"] == "tool_result"]
        old = set(results[:-KEPT])
        assert all(found[at] == whole[at] for at in range(len(whole)) if at not in old)
        assert all(found[at].value["content"] == "Old environment output: (41 lines omitted)" for at in old)
        policy.reply(exchange.reply)
        whole = (*whole, *exchange.reply)
    assert len(old) > KEPT


def test_each_new_result_breaks_the_prefix(tmp_path: Path) -> None:
    """What is masked changes what was sent: it is processed again from there, not from the start, and nothing declares
    it.
    """
    one = chain([working(12).session(tmp_path)], "anthropic")
    tally = replay(one, PEERS["observation-masking"], 24_000, rules)
    assert tally.breaks >= 20 and tally.cuts == tally.summary_requests == 0
    assert 0.5 < (tally.numbers()["hit_rate"] or 0) < 0.95 and tally.numbers()["redo_share"] > 0.02
    assert missing("observation-masking") is None
