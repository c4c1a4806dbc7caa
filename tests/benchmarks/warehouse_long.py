"""A long day, simulated with measured rates: thirty conversations of 2,000 to 6,000 tokens on one machine.

Memory holds a tenth of all states. The share of prompt tokens that are not computed again has a ceiling that is a
property of the work: what no turn before has computed. It is printed beside what was found. The day that is held to
the targets has turns of 60 to 120 new tokens, drawn evenly; days whose turns are all of one length are shown beside it,
the longest of which may have a ceiling below the share that is asked for. Of each of them the whole ceiling must be
found. The rates are those of the
default weights on one quiet thread, or with --measure those of the engine here and now. The table of evictions is
played on a disk that holds a quarter of the day, where what leaves first matters, beside Belady's rule.
"""

import argparse
import json
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from agentmem.kvcache.eviction import DEFAULT, EVICTION
from agentmem.kvcache.warehouse.playing import EngineRates, PlayedTurn, play_warehouse, play_without
from agentmem.models.engine import Engine
from tests.benchmarks.heading import commit, heading, record_figures
from tests.benchmarks.warehouse_trace import long_day

STATE = 23_040
RATES = EngineRates(1 / 95, 0.029, 4.5e-6, 2.5e-9, 1.2e-9, 1.1e-9, 2e-9, STATE)
"""Measured on one thread of a quiet machine with the default weights."""
SHARE, OVER_NONE, OF_CEILING = 0.96, 4.2, 0.9999
WORKS = (((60, 120), 20), ((60, 120), 40), ((60, 60), 20), ((120, 120), 20), ((120, 120), 40))
"""New tokens of a turn, at least and at most, and tokens of its reply."""
HELD = (60, 120)
"""The work whose share is held to ``SHARE``; of the others, to ``OF_CEILING`` of what the work allows."""
MOST = 1 << 50


def measured() -> EngineRates:
    """The rates of the engine here and now, with a context of 1,000 tokens."""
    with tempfile.TemporaryDirectory() as name, Engine(context=2048, cache_ram_mib=0, states=Path(name)) as engine:
        prompt = [300 + at % 5000 for at in range(1000)]

        def seconds(tokens: list[int], reply: int) -> tuple[float, float]:
            timings = engine.complete(tokens, n_predict=reply, temperature=0, ignore_eos=True)[0]["timings"]
            return timings["prompt_ms"] / 1000 / timings["prompt_n"], timings["predicted_ms"] / 1000 / reply

        prefill, deep = seconds(prompt, 16)
        engine.erase()
        _, shallow = seconds(prompt[:64], 16)
        seconds(prompt, 1)
        began = time.perf_counter()
        engine.save("x.bin")
        saved = time.perf_counter()
        engine.restore("x.bin")
        restored = time.perf_counter()
        size = STATE * len(prompt)
        depth = max(0.0, (deep - shallow) / 936)
        prefill /= 1 + 500 / 8000
        save, bring = (saved - began) / size, 2 * (restored - saved) / size
    return EngineRates(prefill, shallow, depth, bring, RATES.read, save, RATES.cut, STATE)


def ceiling_of(turns: list[PlayedTurn]) -> float:
    """The share of the prompts' tokens that some turn before has computed."""
    known, seen, total = 0, set[int](), 0
    for turn in turns:
        total += len(turn.prompt)
        known += min(
            len(turn.prompt) - 1, sum(token in seen for token in turn.prompt)
        )  # a number stands for its prefix
        seen.update(turn.end)
    return known / total


def evictions(
    turns: list[PlayedTurn], rates: EngineRates, states: int, distinct: int
) -> dict[str, tuple[float, float]]:
    """The share that each eviction finds: on a disk for a quarter of the day, and in memory alone."""
    small = distinct // 4
    return {
        name: (
            play_warehouse(turns, rates, states // 10, small, name).share,
            play_warehouse(turns, rates, states // 10, 0, name).share,
        )
        for name in EVICTION
    }


def named(new: tuple[int, int]) -> str:
    """``60``, or ``60 to 120``."""
    return " to ".join(str(one) for one in dict.fromkeys(new))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, help="not used: the day is made")
    parser.add_argument("--seed", type=int, default=3)
    parser.add_argument("--conversations", type=int, default=30)
    parser.add_argument("--measure", action="store_true", help="measure the rates on the engine, now")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    given = parser.parse_args()
    rates = measured() if given.measure else RATES
    heading("warehouse_long", "made here", split="none", seed=given.seed, rates=rates, eviction=DEFAULT)
    rows, missed = list[dict[str, Any]](), 0
    for new, reply in WORKS:
        turns = long_day(given.conversations, new, reply, given.seed)
        distinct = len({token for turn in turns for token in turn.end}) * STATE
        states = sum(len(turn.end) for turn in last_of_each(turns)) * STATE
        none = play_without(turns, rates)
        ours = play_warehouse(turns, rates, states // 10, MOST, DEFAULT)
        gain, limit = ours.rate / none.rate, ceiling_of(turns)
        least = SHARE if new == HELD else OF_CEILING * limit
        reached = ours.share >= least and gain >= OVER_NONE
        missed += not reached
        print(
            f"  {named(new)} new, {reply} written, {len(turns)} turns, whole states {states / 1e9:.1f} GB, distinct"
            f" {distinct / 1e9:.1f} GB: not computed again {ours.share:.4f} (ceiling {limit:.4f},"
            f" none {none.share:.3f}), tokens a second {gain:.2f} x none,"
            f" beside {ours.beside / ours.engine_seconds:.3f}: at least {least:.4f} and {OVER_NONE} x"
            f" {'reached' if reached else 'MISSED'}{'' if limit >= SHARE else f'; its ceiling is below {SHARE}'}"
        )
        table = evictions(turns, rates, states, distinct)
        for name, (disk, ram) in table.items():
            print(f"    {name:11} disk for a quarter of the day {disk:.4f}, memory alone {ram:.4f}")
        rows.append(
            {
                "new": named(new),
                "reply": reply,
                "turns": len(turns),
                "share": ours.share,
                "ceiling": limit,
                "gain": gain,
            }
        )
        rows[-1] |= {"evictions": table, "none": none.share, "found": ours.found}
    best = max(
        (name for name in EVICTION if name != "belady"), key=lambda name: sum(row["evictions"][name][0] for row in rows)
    )
    print(f"  the eviction that finds most on a small disk: {best}; the default: {DEFAULT}")
    record_figures(rows=rows, best_eviction=best)
    if given.json:
        made = {
            "benchmark": "warehouse_long",
            "commit": commit(),
            "seed": given.seed,
            "rates": asdict(rates),
            "rows": rows,
        }
        given.json.write_text(json.dumps(made, indent=1), encoding="utf-8")
    return int(missed > 0)


def last_of_each(turns: list[PlayedTurn]) -> list[PlayedTurn]:
    """The last turn of each conversation: those that no other goes on from."""

    begun = {token for turn in turns for token in turn.prompt}
    return [turn for turn in turns if turn.end[-1] not in begun]


if __name__ == "__main__":
    sys.exit(main())
