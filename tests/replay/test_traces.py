"""Traces of blocks, through the command and by the store itself."""

import json
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from agentmem.kvcache.simulated.simulators import BlockStore
from agentmem.replay.formats.traces import BlockTrace
from agentmem.replay.parallel import ReplayPlan, replay_all
from agentmem.replay.traces import read_blocks
from tests.cli.invoke import invoke
from tests.replay.logs import working

REQUESTS = [[0, 1, 2], [0, 1, 3], [4], [0, 1, 2, 5]]


def mooncake(path: Path) -> Path:
    lines = [
        {"timestamp": at, "input_length": 512 * len(one), "output_length": 9, "hash_ids": one}
        for at, one in enumerate(REQUESTS)
    ]
    path.write_text("".join(json.dumps(one) + "\n" for one in lines) + '{"hash_ids": [1], "input_length":', "utf-8")
    return path


def written(path: Path) -> Path:
    own = [{"type": "n", "hash_runs": [[1, 4]]}, {"type": "n", "hash_runs": [[1, 3], [9, 1]]}]
    session = {"id": "t", "block_size": 64, "requests": [*own, {"type": "subagent"}]}
    other = {**session, "requests": own[:1]}
    path.write_text("".join(json.dumps(one) + "\n" for one in (session, other, {"block_size": 64})), "utf-8")
    return path


def test_mooncakes_requests_share_a_cache(tmp_path: Path) -> None:
    """The share of leading blocks that were there, by room for tokens; what was published of a known trace beside."""
    known, other = mooncake(tmp_path / "conversation_trace.jsonl"), mooncake(tmp_path / "mine.jsonl")
    found = replay_all(ReplayPlan((known, other)))
    for one, published in zip(found["traces"], ([0.366, 0.136, 0.285, 0.364], [None] * 4), strict=True):
        assert (one["format"], one["block_tokens"], one["requests"], one["blocks"]) == ("mooncake", 512, 4, 11)
        assert [each["hit_rate"] for each in one["caches"]] == [5 / 11] * 4
        assert [each["published"] for each in one["caches"]] == published
    assert len(found["skipped"]) == 2 and all(row["missing"] for row in found["policies"])


def test_a_testers_sessions_have_caches_of_their_own(tmp_path: Path) -> None:
    """Their quartiles; requests of sub-agents do not count, and a line that is no session is named."""
    found = replay_all(ReplayPlan((written(tmp_path / "traces.jsonl"),)))
    (one,) = found["traces"]
    assert (one["sessions"], one["requests"], one["blocks"], one["block_tokens"]) == (2, 3, 12, 64)
    assert one["quartiles"]["hit_rates"][1] == (3 / 8 + 0) / 2
    assert one["quartiles"]["published"] == [0.92, 0.96, 0.97]
    assert ["lacks" in each["reason"] for each in found["skipped"]] == [True]


def test_traces_are_shown_by_themselves_and_beside_sessions(tmp_path: Path) -> None:
    """Without sessions there are no tables of policies; with them there are both."""
    path = mooncake(tmp_path / "synthetic_trace.jsonl")
    alone = invoke("replay", path, "--jobs", "1")
    assert alone.exit_code == 0 and "3,000,000 tokens" in alone.stdout and "64.0%" in alone.stdout
    assert "append-only" not in alone.stdout
    both = invoke("replay", path, working(2).write(tmp_path / "log.jsonl"), "--jobs", "1")
    assert "append-only" in both.stdout and "64.0%" in both.stdout


@given(st.lists(st.lists(st.integers(0, 6), max_size=5, unique=True), max_size=8))
def test_a_cache_without_a_limit_is_a_store_without_one(requests: list[list[int]]) -> None:
    """The fast way finds what the store finds."""
    store, read = BlockStore(), 0
    for blocks in requests:
        read += store.read(blocks)
        store.store(blocks)
    trace = BlockTrace(2, tuple(map(tuple, requests)))
    assert read_blocks(trace, None) == read_blocks(trace, 1_000) == read
