"""Predicting a provider's usage."""

import itertools
from dataclasses import replace
from pathlib import Path

import pytest

from agentmem.replay.session import RecordedSession
from agentmem.replay.verify import compare, predict, verification
from agentmem.types import Usage
from tests.replay.logs import HEAD, Log, call, text, used, working


def without_later_usage(session: RecordedSession) -> RecordedSession:
    first, *later = session.exchanges
    return replace(session, exchanges=(first, *(replace(one, usage=Usage("measured")) for one in later)))


@pytest.mark.parametrize("model", ["claude-opus-4-6", "claude-sonnet-4-5-20250929"])
def test_no_usage_but_the_first_is_used(tmp_path: Path, model: str) -> None:
    """With all later usage zeroed the prediction is the same."""
    session = working(6, model=model).session(tmp_path)
    assert list(predict(session)) == list(predict(without_later_usage(session)))


def test_what_was_sent_before_is_read(tmp_path: Path) -> None:
    """By the rules alone a warm request reads all of the one before, and writes what is new."""
    alone = [usage for usage, _ in predict(working(1, steps=5).session(tmp_path))]
    for before, after in itertools.pairwise(alone[1:]):
        assert after.cache_read_tokens == before.input_tokens
        assert after.input_tokens == after.cache_read_tokens + after.cache_write_5m_tokens
    assert alone[0].input_tokens == HEAD


def test_an_idle_hour_costs_the_whole_context(tmp_path: Path) -> None:
    """An entry that outlived its lifetime is not read."""
    log = working(1)
    log.now += 3600
    log.prompt("and now?")
    log.reply("late", text("Nothing."))
    late = list(predict(log.session(tmp_path)))[-1][0]
    assert late.cache_read_tokens == 0 and late.cache_write_5m_tokens == late.input_tokens


def test_a_compaction_reads_the_head_only(tmp_path: Path) -> None:
    """Tools and system stay cached when the messages are replaced."""
    log = working(2)
    log.add("system", None, subtype="compact_boundary")
    log.prompt("Summary.", isCompactSummary=True)
    log.reply("after", text("On."))
    session = log.session(tmp_path)
    after = list(predict(session))[-1][0]
    assert 0 < after.cache_read_tokens < HEAD


def test_switching_thinking_off_loses_the_messages(tmp_path: Path) -> None:
    """A change of the thinking setting keeps tools and system only."""
    log = Log("claude-opus-4-5-20251101")
    thought = {"type": "thinking", "thinking": "Hm.", "signature": "s"}
    log.prompt("one " * 500)
    log.reply("m1", thought, call("c1"))
    log.result("c1", "result " * 500)
    log.reply("m2", thought, text("Done."))
    log.prompt("two")
    log.reply("m3", text("Done."))
    *_, before, after = (usage for usage, _ in predict(log.session(tmp_path)))
    assert after.cache_read_tokens < before.cache_read_tokens


def test_errors_are_in_points_and_shares(tmp_path: Path) -> None:
    """The errors compare what was simulated with what was recorded, by session and over all."""
    log = Log()
    log.prompt("go")
    log.reply("m1", text("ok"), usage=used(0, 10_000, 0))
    log.prompt("more")
    log.reply("m2", text("ok"), usage=used(5_000, 0, 5_000))
    compared = compare(log.session(tmp_path))
    assert compared is not None
    found = verification([compared])
    row = found["sessions"][0]
    assert row["hit_rate_recorded"] == 0.25 and row["requests"] == 2
    assert found["hit_rate_error_mean"] == pytest.approx(100 * (row["hit_rate_simulated"] - 0.25))
    assert found["input_tokens_error"] == pytest.approx(row["input_tokens_simulated"] / 20_000 - 1)


def test_a_ledger_cannot_be_predicted(tmp_path: Path) -> None:
    """Without text there is nothing to predict from."""
    assert compare(replace(working(1).session(tmp_path), text=False)) is None
