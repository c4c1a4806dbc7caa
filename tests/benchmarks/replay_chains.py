"""Our policy beside other packages' own by chain of sessions, under several providers' cache rules and prices.

A mean hides the work on which a policy loses. Each chain is about a million tokens of recorded coding sessions; for
each the dollars to act stand beside the best peer's of that chain, and the share of far calls beside the best peer's.

    python -m tests.benchmarks.replay_chains --data DIR [--only NAME ...] [--budget N] [--json FILE]
"""

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from agentmem.replay.parallel import CHAIN, ReplayPlan, over_chains
from agentmem.replay.peers import missing
from agentmem.replay.tally import excesses, total
from agentmem.replay.tasks import Replayed, Task, replay_tasks
from agentmem.types import Ttl
from tests.benchmarks.data import DATA, recording
from tests.benchmarks.heading import heading, record_figures

FILE = Path("claude-code") / "transcripts.jsonl.xz"
BUDGET = 120_000
OURS, PEERS = "agentmem", ("langchain-summarization", "deepagents")
MOST = 0.80
"""The most that it may cost to act on any chain, beside the best peer there."""


@dataclass(frozen=True, slots=True)
class CacheSetting:
    """Whose cache and prices, and the lifetime that all ask for; None: as recorded."""

    provider: str
    model: str
    ttl: Ttl | None = None


SETTINGS: Mapping[str, CacheSetting] = {
    "recorded": CacheSetting("anthropic", "claude-opus-4-6"),
    "5m": CacheSetting("anthropic", "claude-opus-4-6", "5m"),
    "1h": CacheSetting("anthropic", "claude-opus-4-6", "1h"),
    "gpt-5.6": CacheSetting("openai", "gpt-5.6"),
    "gpt-5.4": CacheSetting("openai", "gpt-5.4"),
    "deepseek": CacheSetting("deepseek", "deepseek-chat"),
}

Row = Mapping[str, Any]


def by_chain(path: Path, names: Sequence[str], budget: int) -> tuple[list[list[Replayed]], list[str]]:
    """What came of each chain under each setting of these ``names``, and what could not be read. Each is read once."""
    plan = ReplayPlan((path,), (OURS, *PEERS), budget=budget)
    replayed, skipped = over_chains(plan, partial(under_each, tuple(names)))
    return replayed, [one.reason for one in skipped]


def under_each(names: Sequence[str], task: Task) -> list[Replayed]:
    """One chain under each setting."""
    found = [SETTINGS[name] for name in names]
    terms = [replace(task, provider=one.provider, model=one.model, ttl=one.ttl) for one in found]
    return replay_tasks([((OURS, *PEERS), one) for one in terms])


def rows(tallies: Mapping[str, Any]) -> dict[str, Row]:
    """The figures of each policy, with its excess."""
    found = [{"policy": name, "chains": 1, **tally.numbers()} for name, tally in tallies.items()]
    beyond = excesses(found, PEERS)
    return {one["policy"]: {**one, "excess": beyond.get(one["policy"])} for one in found}


def beside(found: Mapping[str, Row]) -> tuple[float, float, float]:
    """To act, dollars and excess of ours over the least of the peers'."""
    ours, peers = found[OURS], [found[name] for name in PEERS]
    keys = ("dollars_to_act_usd", "cost_usd")
    act, cost = (ours[key] / min(one[key] for one in peers) for key in keys)
    return act, cost, ours["excess"]


def show(name: str, found: Mapping[str, Row]) -> float:
    """Print a line; gives the ratio of the dollars to act."""
    act, cost, excess = beside(found)
    every = (OURS, *PEERS)
    dollars = " ".join(f"{found[one]['dollars_to_act_usd']:>9,.2f}" for one in every)
    far, lines = (
        " ".join("    -" if found[one][key] is None else f"{found[one][key]:>5.1%}" for one in every)
        for key in ("callable_far", "old_lines_far")
    )
    near, redo = found[OURS]["callable_near"], found[OURS]["redo_share"]
    print(f"  {name:<10}{act:>7.3f}{cost:>7.3f}{excess:>7.3f} {dollars} | {far} | {lines} | {near:>6.2%} {redo:>5.2%}")
    return act


def measured(name: str, made: Sequence[Replayed], unread: Sequence[str]) -> tuple[dict[str, Any], list[str]]:
    """The table of one setting, printed; and what it misses."""
    setting = SETTINGS[name]
    told = [*unread, *(each.reason for one in made for each in one.skipped)]
    replayed = [one for one in made if one.tallies]
    print(f"\n{name}: {setting.provider} {setting.model}, lifetimes {setting.ttl or 'as recorded'}")
    print(f"  {'chain':<10}{'to act':>7}{'cost':>7}{'excess':>7} dollars to act: ours, {', '.join(PEERS)}", end="")
    print(" | far calls | old lines | ours near, again")
    tables = {one.bills[0].session[:8]: rows(one.tallies) for one in replayed}
    worst = {chain: act for chain, found in tables.items() if (act := show(chain, found)) >= MOST}
    whole = rows({one: total(made.tallies[one] for made in replayed) for one in (OURS, *PEERS)})
    show("all", whole)
    for one in told:
        print(f"  left out: {one}")
    missed = [f"{name}, chain {chain}: {act:.3f}" for chain, act in worst.items()]
    missed += [f"{name}: below the floor" for row in whole.values() if row["cost_usd"] < row["floor_usd"]]
    return {"all": whole, "chains": tables, "left_out": told}, missed


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DATA, help=f"the folder that holds {FILE}")
    parser.add_argument("--only", action="append", choices=SETTINGS, help="one of the settings; may be given again")
    parser.add_argument("--budget", type=int, default=BUDGET)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args(argv)
    path = recording(given.data, FILE)
    if lacking := next(filter(None, map(missing, PEERS)), None):
        print(f"skipped: {lacking}")
        return 77
    heading("Our policy beside peers', by chain", str(path), budget=given.budget, chain=f"{CHAIN:,} tokens")
    found: dict[str, Any] = {}
    misses: list[str] = []
    names = list(given.only or SETTINGS)
    replayed, unread = by_chain(path, names, given.budget)
    for at, name in enumerate(names):
        found[name], missed = measured(name, [one[at] for one in replayed], unread)
        misses += missed
    record_figures(**{name: {"all": one["all"]} for name, one in found.items()}, missed=misses)
    if given.json:
        given.json.write_text(json.dumps(found, indent=1), encoding="utf-8")
    print(f"\nno chain at {MOST:.2f} or above" if not misses else "\nmissed: " + "; ".join(misses))
    return 1 if misses else 0


if __name__ == "__main__":
    sys.exit(main())
