"""How often a calibrated estimate of a request's input covers the count that the provider reported, and how tightly.

Data: whole coding sessions with the usage of each request. Their system prompt and tools are not recorded: the first
request of a context (of a session, after a compaction, after a change of model) tells their size and is not judged.
"""

import hashlib
import json
import lzma
import math
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agentmem.tokens import MARGIN, Calibration, count, value_tokens
from tests.benchmarks.data import data_file
from tests.benchmarks.heading import heading, record_figures

TARGET = 0.99
FILE = "claude-code/transcripts.jsonl.xz"

Estimator = Callable[[Sequence["Call"]], Iterator[float]]
"""Estimates each request but the first of one context, knowing only what was reported before it."""


@dataclass(frozen=True, slots=True)
class Call:
    """One request of one context: the blocks that are new in it, and all the input tokens that it was billed for."""

    blocks: tuple[dict[str, Any], ...]
    reported: int


def contexts(records: Iterable[dict[str, Any]]) -> Iterator[list[Call]]:
    """The requests of a session, in runs between compactions and changes of model."""
    calls: list[Call] = []
    pending: list[dict[str, Any]] = []
    asked = model = ""
    for record in records:
        message = record.get("message")
        if record["type"] == "system" and "compact" in record["subtype"]:
            yield calls
            calls, pending, model = [], [], ""
        elif message and message.get("model") != "<synthetic>":
            if record["type"] == "assistant" and message["id"] != asked:
                if model and message["model"] != model:
                    yield calls
                    calls = []
                calls.append(Call(tuple(pending), reported(message["usage"])))
                asked, model, pending = message["id"], message["model"], []
            pending.extend(blocks(message["content"]))
    yield calls


def reported(usage: dict[str, Any]) -> int:
    kinds = ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens")
    return sum(usage.get(kind) or 0 for kind in kinds)


def blocks(content: str | list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{"type": "text", "text": content}] if isinstance(content, str) else content


def calibrated(calls: Sequence[Call]) -> Iterator[float]:
    """The estimate that guards the budget."""
    local = calls[0].reported
    calibration = Calibration()
    for call in calls[1:]:
        local += sum(map(value_tokens, call.blocks))
        yield calibration.estimate(local)
        calibration = calibration.observe(local, call.reported)


def factors_alone(calls: Sequence[Call]) -> Iterator[float]:
    """The same factors, but nothing learned after the first request."""
    local = calls[0].reported
    for call in calls[1:]:
        local += sum(map(value_tokens, call.blocks))
        yield math.ceil(local * MARGIN)


def bare_count(calls: Sequence[Call]) -> Iterator[float]:
    """o200k_base of the blocks' JSON, without factors; nothing learned after the first request."""
    local = calls[0].reported
    for call in calls[1:]:
        local += sum(count(json.dumps(block, ensure_ascii=False)) for block in call.blocks)
        yield math.ceil(local * MARGIN)


def four_characters(calls: Sequence[Call]) -> Iterator[float]:
    """The common rule of thumb, four characters a token; nothing learned after the first request."""
    local = float(calls[0].reported)
    for call in calls[1:]:
        local += sum(len(json.dumps(block, ensure_ascii=False)) / 4 for block in call.blocks)
        yield math.ceil(local * MARGIN)


ESTIMATORS: tuple[Estimator, ...] = (calibrated, factors_alone, bare_count, four_characters)


def held_out(session: str) -> bool:
    """Sessions whose name hashes to an odd byte: the factors were fitted on the others."""
    return hashlib.sha256(session.encode()).digest()[0] % 2 == 1


def load(path: Path) -> list[list[Call]]:
    with lzma.open(path, "rt", encoding="utf-8") as lines:
        sessions = (json.loads(line) for line in lines)
        return [
            calls
            for session in sessions
            if held_out(session["session"])
            for calls in contexts(session["records"])
            if len(calls) > 1
        ]


def show(name: str, ratios: list[float]) -> float:
    """Print one estimator's row; give back the share of requests that it covers."""
    ratios.sort()
    covered = sum(ratio >= 1 for ratio in ratios) / len(ratios)
    low, middle, high = (ratios[int(share * (len(ratios) - 1))] for share in (0.01, 0.5, 0.99))
    print(f"  {name:<16} {covered:>8.2%} {low:>8.3f} {middle:>8.3f} {high:>8.3f}")
    return covered


def main() -> int:
    path = data_file(__doc__, FILE)
    runs = load(path)
    judged = [call for calls in runs for call in calls[1:]]
    split = f"held-out half by sha256 of the session's name, odd first byte: {len(runs)} contexts"
    heading("token_estimate", FILE, split=split, seed="none", margin=MARGIN, requests_judged=len(judged))
    print("  estimate ÷ reported at or above 1    1 %      50 %      99 %")
    covered = {
        estimator.__name__: show(
            estimator.__name__,
            [
                estimate / call.reported
                for calls in runs
                for estimate, call in zip(estimator(calls), calls[1:], strict=True)
            ],
        )
        for estimator in ESTIMATORS
    }
    reached = covered["calibrated"]
    record_figures(**covered)
    print(f"  covered {reached:.2%}, target {TARGET:.0%}: {'reached' if reached >= TARGET else 'MISSED'}")
    return 0 if reached >= TARGET else 1


if __name__ == "__main__":
    sys.exit(main())
