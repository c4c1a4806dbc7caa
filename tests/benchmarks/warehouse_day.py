"""A real day on a real engine: how much of its prompts the engine does not compute again, with a warehouse and without.

Eight conversations of four turns: coders and testers over two prefixes, forks of earlier ones. Memory holds a tenth of
all states. Beside the warehouse, which has that much memory and a disk: the engine alone, and the engine with its own
cache in as much memory. Each request goes to all three in turn, so that a busy machine is as busy for all. Tokens are
the engine's own counts. The warehouse's seconds are the engine's and all of its own: finding, building, restoring,
saving, cutting, and waiting for the disk at the end.
"""

import argparse
import json
import sys
import tempfile
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from agentmem.errors import ModelNotAvailable
from agentmem.kvcache.eviction import DEFAULT
from agentmem.kvcache.warehouse.warehouse import Warehouse
from agentmem.models.engine import Engine
from tests.benchmarks.data import skip
from tests.benchmarks.heading import ROOT, commit, heading, record_figures
from tests.benchmarks.warehouse_trace import Ceiling, Contexts, DayPlan, day, pieces

STATE = 23_040
"""Bytes of state for a token of the default weights."""
OF_CEILING, OVER_NONE, OVER_RAM, BESIDE, MEMORY = 0.99, 2.2, 1.8, 0.03, 1.10
CONTEXT = 2048


@dataclass
class Arm:
    """One engine and what it did."""

    name: str
    engine: Engine
    cached: int = 0
    input: int = 0
    output: int = 0
    engine_seconds: float = 0.0
    beside: float = 0.0
    same: int = 0
    tiers: dict[str, float] = field(default_factory=dict)

    def play(self, prompt: list[int], reply: int) -> list[int]:
        answer, sources = self.engine.complete(
            prompt, n_predict=reply, temperature=0, return_tokens=True, ignore_eos=True
        )
        timings = answer["timings"]
        self.engine_seconds += (timings["prompt_ms"] + timings["predicted_ms"]) / 1000
        self.cached += timings["cache_n"]
        self.input += len(prompt)
        self.output += timings["predicted_n"]
        for name, amount in (asdict(sources) if sources else {}).items():
            self.tiers[name] = self.tiers.get(name, 0) + amount
        tokens: list[int] = answer["tokens"]
        return tokens

    @property
    def share(self) -> float:
        return self.cached / self.input

    @property
    def rate(self) -> float:
        """Tokens written for each second of the engine and of the work beside it."""
        return self.output / (self.engine_seconds + self.beside)

    def value(self) -> dict[str, Any]:
        return {
            "arm": self.name,
            "share": round(self.share, 4),
            "input": self.input,
            "output": self.output,
            "engine_seconds": round(self.engine_seconds, 2),
            "beside_seconds": round(self.beside, 2),
            "tokens_per_engine_second": round(self.rate, 3),
            "replies_as_without": self.same,
        }


def resident() -> int:
    """The bytes of memory that this process has now. Its peak is counted from here on."""
    Path("/proc/self/clear_refs").write_text("5")
    return peak()


def peak(process: int | str = "self") -> int:
    """The most bytes of memory that a process has had."""
    status = Path(f"/proc/{process}/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM:"))


def play(plan: DayPlan, folder: Path, ram: int) -> tuple[list[Arm], float, dict[str, Any]]:
    """The arms after the day, its ceiling, and what else was seen."""
    warehouse = Warehouse(ram=ram, disk="4 GB", folder=folder)
    none, own, ours = (
        Arm("none", Engine(context=CONTEXT, cache_ram_mib=0)),
        Arm("engine's RAM cache", Engine(context=CONTEXT, cache_ram_mib=max(1, round(ram / 2**20)))),
        Arm("warehouse", Engine(context=CONTEXT, warehouse=warehouse)),
    )
    ceiling, longest = Ceiling(), 0
    with none.engine, own.engine, ours.engine:
        contexts = Contexts(plan, pieces(none.engine.tokens((ROOT / "ARCHITECTURE.md").read_text("utf-8"))))
        base = resident()
        for number, turn in enumerate(day(plan), 1):
            prompt = contexts.prompt(turn)
            ceiling.asked(prompt)
            reply = none.play(prompt, plan.reply)
            none.same += 1
            for arm in (own, ours):
                arm.same += arm.play(prompt, plan.reply) == reply
            contexts.answered(turn, prompt, reply)
            ceiling.computed([*prompt, *reply[:-1]])  # the last token was written, and not computed
            computed = (str(one.input - one.cached) for one in (none, own, ours))
            print(f"  turn {number:2}: computed so far {', '.join(computed)}", flush=True)
            longest = max(longest, len(prompt))
        most = peak() - base
        warehouse.flush()
        stats = ours.engine.warehouse_stats()
        ours.beside = sum(stats["seconds"].values())
        more = peak(ours.engine.process.number) - peak(none.engine.process.number)
    states = contexts.tokens * STATE
    about = {"longest": longest, "memory": most, "stats": stats, "states": states, "disk": stats["disk"]["bytes"]}
    about["engine_memory"] = more
    return [none, own, ours], ceiling.share, about


def found_again(plan: DayPlan, folder: Path) -> float:
    """The share of the tokens of all stored blocks that a new process's index has."""
    with Warehouse(ram=0, disk="4 GB", folder=folder) as again:
        stats = again.verify()
    return float(stats["whole"] / stats["blocks"])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, help="not used: the day is made of this repository's text")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--conversations", type=int, default=8)
    parser.add_argument("--prefix", type=int, default=500, help="tokens of each role's prefix")
    parser.add_argument("--new", type=int, default=100, help="new tokens of a turn")
    parser.add_argument("--reply", type=int, default=16, help="tokens of a reply")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    given = parser.parse_args()
    plan = DayPlan(given.conversations, 4, given.prefix, given.new, given.reply, seed=given.seed)
    states = plan.conversations * (plan.prefix + (plan.new + plan.reply) * (plan.turns + 1)) * STATE
    ram = states // 10
    heading(
        "warehouse_day",
        "this repository's ARCHITECTURE.md",
        split="none",
        seed=plan.seed,
        plan=plan,
        ram_mb=round(ram / 1e6, 1),
        eviction=DEFAULT,
    )
    with tempfile.TemporaryDirectory(prefix="agentmem-day-") as name:
        try:
            arms, ceiling, about = play(plan, Path(name), ram)
        except ModelNotAvailable as error:
            skip(str(error))
        again = found_again(plan, Path(name))
    return judged(given.json, plan, ram, arms, ceiling, about, again)


def judged(
    file: Path | None, plan: DayPlan, ram: int, arms: list[Arm], ceiling: float, about: dict[str, Any], again: float
) -> int:
    none, own, ours = arms
    for arm in arms:
        print(f"  {arm.name:20} not computed again {arm.share:.3f}  output {arm.output}", end="")
        print(f"  engine {arm.engine_seconds:6.1f} s  beside {arm.beside:5.2f} s", end="")
        print(f"  tokens a second {arm.rate:.2f}  replies as without {arm.same}")
    print(f"  warehouse by tier: {ours.tiers}")
    print(f"  seconds beside: {about['stats']['seconds']}")
    print(f"  the peak of the engine's process over that of the one without: {about['engine_memory']:,} bytes")
    rows = (
        ("of the ceiling", ours.share / ceiling, OF_CEILING, True, f"{ours.share:.4f} of {ceiling:.4f}"),
        ("tokens a second over none", ours.rate / none.rate, OVER_NONE, True, ""),
        ("tokens a second over the engine's RAM cache", ours.rate / own.rate, OVER_RAM, True, ""),
        ("work beside the engine", ours.beside / ours.engine_seconds, BESIDE, False, ""),
        ("memory over its budget", about["memory"] / ram, MEMORY, False, f"budget {ram:,}, held {about['memory']:,}"),
        ("disk over whole states", about["disk"] / about["states"], 0.70, False, f"{about['disk']:,}"),
        ("stored blocks found after a restart", again, 1.0, True, ""),
    )
    record_figures(
        share=ours.share,
        ceiling=ceiling,
        none=none.share,
        engines_cache=own.share,
        longest_prompt=about["longest"],
        **{name.replace(" ", "_").replace("'", ""): value for name, value, *_ in rows},
    )
    missed = 0
    for name, value, target, least, more in rows:
        reached = value >= target if least else value <= target
        missed += not reached
        word = "at least" if least else "at most"
        print(f"  {name}: {value:.3f}, {word} {target} {'reached' if reached else 'MISSED'} {more}")
    print(f"  longest prompt {about['longest']} tokens")
    if file:
        made = {"benchmark": "warehouse_day", "commit": commit(), "plan": asdict(plan), "ram_bytes": ram}
        made |= {"arms": [arm.value() for arm in arms], "ceiling": ceiling, "about": about}
        made["rows"] = [{"name": name, "value": value, "target": target} for name, value, target, *_ in rows]
        file.write_text(json.dumps(made, indent=1), encoding="utf-8")
    return int(missed > 0)


if __name__ == "__main__":
    sys.exit(main())
