"""Recordings as workloads for engines."""

import json
import lzma
from pathlib import Path
from typing import Any

import pytest

from agentmem.errors import ConfigError
from agentmem.kvcache.tiers.curve import hit_curve
from agentmem.replay.workloads import TEXT_BLOCK, workload
from tests.replay.logs import working

MOONCAKE = [
    {"timestamp": 2_000, "input_length": 1_100, "output_length": 7, "hash_ids": [0, 1, 2]},
    {"timestamp": 0, "input_length": 600, "output_length": 5, "hash_ids": [0, 5]},
]
SESSION: dict[str, Any] = {
    "block_size": 64,
    "requests": [
        {"t": 0.0, "in": 128, "out": 3, "hash_runs": [[0, 2]], "stop": "tool_use"},
        {"t": 9.0, "in": 256, "out": 4, "hash_runs": [[0, 2], [7, 2]], "stop": "end_turn"},
    ],
}
DELEGATING: dict[str, Any] = {
    "block_size": 64,
    "requests": [
        {"t": 0.0, "in": 128, "out": 3, "hash_runs": [[0, 2]], "stop": "tool_use"},
        {
            "t": 2.0,
            "type": "subagent",
            "agent_id": "a1",
            "requests": [
                {"t": 0.0, "in": 192, "out": 1, "hash_runs": [[0, 1], [50, 2]]},
                {"t": 3.0, "in": 256, "out": 1, "hash_runs": [[0, 1], [50, 3]]},
            ],
        },
        {"t": 9.0, "in": 192, "out": 4, "hash_runs": [[0, 3]]},
    ],
}
LEDGER: dict[str, Any] = {
    "session": "s",
    "events": [
        {"ts": "2026-03-01T10:00:00Z", "model": "claude-sonnet-4-5", "inp": 40, "cw": 600, "cr": 0, "out": 5},
        {"ts": "2026-03-01T10:01:00Z", "model": "claude-sonnet-4-5", "inp": 40, "cw": 600, "cr": 640, "out": 6},
        {"ts": "2026-03-01T10:01:30Z", "type": "compact_boundary"},
        {"ts": "2026-03-01T10:02:00Z", "model": "claude-sonnet-4-5", "inp": 56, "cw": 200, "cr": 128, "out": 7},
        {"ts": "2026-03-01T10:03:00Z", "model": "claude-sonnet-4-5", "inp": 28, "cw": 100, "cr": 384, "out": 8},
    ],
}
AZURE = (
    "TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:17:03.9799600,100,10\n2023-11-16 18:17:04.9799600,64,8\n"
)


def written(path: Path, values: list[Any]) -> Path:
    path.write_text("".join(json.dumps(one) + "\n" for one in values), encoding="utf-8")
    return path


def test_mooncakes_requests_in_order_of_arrival(tmp_path: Path) -> None:
    """Seconds from the first, runs of blocks of 512 tokens, and a line that lacks something is named."""
    work = workload([written(tmp_path / "trace.jsonl", [*MOONCAKE, {"hash_ids": [1], "timestamp": 1}])])
    assert work.block == 512
    assert [(one.at, one.tokens, one.output, one.blocks) for one in work.requests] == [
        (0.0, 600, 5, 2),
        (2.0, 1_100, 7, 3),
    ]
    assert work.requests[0].runs[0][0] == work.requests[1].runs[0][0]
    assert [one.line for one in work.skipped] == [3]
    assert (work.tokens, work.context, work.seconds) == (1_700, 850.0, 2.0)


def test_sessions_have_blocks_of_their_own(tmp_path: Path) -> None:
    """Equal numbers of two sessions are different blocks; beginnings are spread."""
    work = workload([written(tmp_path / "sessions.jsonl", [SESSION, SESSION])])
    assert [(one.at, one.session) for one in work.requests] == [
        (0.0, (0, "")),
        (4.5, (1, "")),
        (9.0, (0, "")),
        (13.5, (1, "")),
    ]
    assert hit_curve(work.requests, 64, []).points[-1].blocks == 4
    assert [one.tool for one in work.requests] == [True, True, False, False]


def test_a_sub_agent_is_a_session_that_shares_its_parents_blocks(tmp_path: Path) -> None:
    """Its clock begins when it does; what its parent has computed it finds, and its siblings' too."""
    work = workload([written(tmp_path / "sessions.jsonl", [DELEGATING])])
    assert [(one.at, one.session, one.tokens) for one in work.requests] == [
        (0.0, (0, ""), 128),
        (2.0, (0, "a1"), 192),
        (5.0, (0, "a1"), 256),
        (9.0, (0, ""), 192),
    ]
    alone = {one.session: [at.blocks for at in work.requests if at.session == one.session] for one in work.requests}
    assert alone == {(0, ""): [2, 3], (0, "a1"): [3, 4]}
    assert hit_curve(work.requests, 64, []).points[-1].blocks == 1 + 3 + 2


def test_a_ledger_has_sizes_only(tmp_path: Path) -> None:
    """A context that grows finds the one before; after a compaction it finds what the provider read."""
    work = workload([written(tmp_path / "ledger.jsonl", [LEDGER])])
    assert [(one.at, one.tokens, one.blocks, one.output) for one in work.requests] == [
        (0.0, 640, 10, 5),
        (60.0, 1_280, 20, 6),
        (120.0, 384, 6, 7),
        (180.0, 512, 8, 8),
    ]
    assert hit_curve(work.requests, work.block, []).points[-1].blocks == 10 + 2 + 6


def test_clocks_that_began_with_their_recording_begin_with_the_first_date(tmp_path: Path) -> None:
    """A log without times, or a trace that counts from nought, is not put half a century before the others."""
    timed = workload([written(tmp_path / "ledger.jsonl", [LEDGER])])
    both = workload([tmp_path / "ledger.jsonl", written(tmp_path / "sessions.jsonl", [SESSION])])
    assert both.seconds == timed.seconds
    assert both.requests[0].at == 0.0


def test_azures_table_has_lengths_only(tmp_path: Path) -> None:
    """No two requests share a block, also when it is packed; another table is refused."""
    path = tmp_path / "code.csv.xz"
    path.write_bytes(lzma.compress(AZURE.encode()))
    work = workload([path])
    assert [(one.at, one.tokens, one.output, one.blocks) for one in work.requests] == [
        (0.0, 100, 10, 2),
        (1.0, 64, 8, 1),
    ]
    assert hit_curve(work.requests, work.block, []).points[-1].blocks == 0
    other = tmp_path / "other.csv"
    other.write_text("a,b\n1,2\n", encoding="utf-8")
    with pytest.raises(ConfigError, match="ContextTokens"):
        workload([other])


def test_conversations_become_blocks(tmp_path: Path) -> None:
    """A growing conversation finds its own beginning, and the same log again finds everything."""
    work = workload([working(6).write(tmp_path / "one.jsonl")])
    assert work.block == TEXT_BLOCK
    assert all(one.tokens >= TEXT_BLOCK * one.blocks for one in work.requests)
    once = hit_curve(work.requests, work.block, [])
    grown = sum(min(one.blocks, other.blocks) for one, other in zip(work.requests, work.requests[1:], strict=False))
    assert 0 < once.points[-1].blocks <= grown


def test_more_traffic_is_more_users(tmp_path: Path) -> None:
    """Twice the speed begins conversations twice as close, and leaves the time within each as it was."""
    sessions = workload([written(tmp_path / "sessions.jsonl", [SESSION, SESSION])]).faster(2)
    assert [(one.at, one.session) for one in sessions.requests] == [
        (0.0, (0, "")),
        (2.25, (1, "")),
        (9.0, (0, "")),
        (11.25, (1, "")),
    ]
    alone = workload([written(tmp_path / "trace.jsonl", MOONCAKE)]).faster(4)
    assert [one.at for one in alone.requests] == [0.0, 0.5]
    assert len(alone.first(1).requests) == 1


def test_what_is_no_workload_is_said(tmp_path: Path) -> None:
    """Nothing to read, or blocks of two sizes."""
    with pytest.raises(ConfigError, match="no requests"):
        workload([written(tmp_path / "empty.jsonl", [{"x": 1}])])
    with pytest.raises(ConfigError, match="does not exist"):
        workload([tmp_path / "none"])
    with pytest.raises(ConfigError, match="plan them apart"):
        workload([written(tmp_path / "a.jsonl", MOONCAKE), written(tmp_path / "b.jsonl", [SESSION])])
