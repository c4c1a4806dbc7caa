"""What routing is worth on real sessions: dollars beside staying at four price ratios, a mixed day, time of a decision.

Three sets of rules are tried on the conversations, none of which was fitted to them: one by length, one by the hour,
and one that changes its mind with each request (a request with little new goes to the small model). Beside each, the
same rules in a router that does not ask what a warm cache is worth. Staying is the provider's own bill.

The mixed day labels the sessions by what people asked for first, in `WORK`: reviews and tests are testers, plans to
implement are delegates, the rest are conversations, which no rule moves. Testers in which nobody said anything after
the first message are audits, which can wait. Each compaction's summary is a request. Nothing is made up.
"""

import argparse
import json
import re
import statistics
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

from agentmem.meter.ledger import Row
from agentmem.replay.recordings import sessions, sources
from agentmem.replay.routed import first_words, is_unattended, session_rows
from agentmem.replay.session import RecordedSession
from agentmem.replay.source import RecordingSource, Spool
from agentmem.routing.history import RouteHistory
from agentmem.routing.labels import RequestFacts
from agentmem.routing.planning import BATCH, RATIOS, SMALL, SMALL_BATCH, tables_at
from agentmem.routing.router import decide
from agentmem.routing.rules import RouteRule
from agentmem.routing.shadow import Shadow, ShadowRequest, ShadowTotal, compare, facts_of
from agentmem.routing.targets import BATCH_SHARE
from tests.benchmarks.data import DATA, recording
from tests.benchmarks.heading import commit, heading, record_figures

LITTLE = 600
"""New tokens below which a request is a small one: about the median of real sessions."""
WORK: tuple[tuple[str, str], ...] = (
    ("delegate", r"^implement the following plan"),
    ("tester", r"\b(reviews?|tests?|lint|verify|validate|check)\b"),
)
"""The work of a session by the first words of a person; the first row that fits. All others are conversations."""
WORDS = 120
"""The characters of the first message that are looked at."""
LEAST_BELOW, OF_ALLOWED = 0.25, 0.95
"""How far the mixed day must be below staying; where the labels and the ratio of prices do not allow so much, the share
of what they allow.
"""
MOST_SECONDS = 0.0005

RULES: Mapping[str, tuple[RouteRule, ...]] = {
    "long": (RouteRule("long", (SMALL,), {"context": ("long",)}),),
    "afternoon": (RouteRule("afternoon", (SMALL,), hours="12:00-18:00"),),
    "little": (RouteRule("little", (SMALL,), {"size": ("small",)}),),
}
DAY = (
    RouteRule("sub-tasks that can wait", (SMALL_BATCH,), {"urgency": ("batch",), "size": ("small",)}),
    RouteRule("what can wait", (BATCH,), {"urgency": ("batch",)}),
    RouteRule("sub-tasks", (SMALL,), {"size": ("small",)}),
)
"""Sub-tasks are summaries, testers and delegates. The figures of each are printed by themselves."""


def little(row: Row) -> RequestFacts:
    """The facts of a request, labelled small if little of it is new."""
    new = row.usage.input_tokens - row.usage.cache_read_tokens
    return replace(facts_of(row), given={"size": "small" if new < LITTLE else "large"})


def read(path: Path) -> list[RecordedSession]:
    with TemporaryDirectory() as folder:
        found = [one for one in sources([path], Spool(Path(folder))) if isinstance(one, RecordingSource)]
        return [one for source in found for one in sessions(source) if isinstance(one, RecordedSession)]


def work(session: RecordedSession) -> str:
    said = first_words(session)[:WORDS]
    found = next((name for name, pattern in WORK if re.search(pattern, said)), "agent")
    return "audit" if found == "tester" and is_unattended(session) else found


def mixed_day(recorded: Iterable[RecordedSession]) -> list[Row]:
    rows: list[Row] = []
    for one in recorded:
        rows += session_rows(one, agent=work(one))
    return sorted(rows, key=lambda row: row.at)


def conversations(rows: Sequence[Row]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for name, rules in RULES.items():
        for ratio in RATIOS:
            total, _ = compare(rows, tables_at(ratio, rules), little if name == "little" else facts_of)
            found.append({"rules": name, "ratio": ratio, **asdict(total), "share": total.share})
            print(_line(name, ratio, total))
    return found


def _line(name: str, ratio: float, total: ShadowTotal) -> str:
    naive = total.naive_usd / total.stay_usd
    return (
        f"{name:<10} {ratio:<5} stay ${total.stay_usd:8.2f}  routed ${total.routed_usd:8.2f} = {total.share:.3f}"
        f"  blind {naive:.3f}  moves {total.moves:>4}  dearer {total.above} of {total.conversations}"
        f", by ${total.worst_usd:.3f} at most"
    )


def day(rows: Sequence[Row]) -> list[dict[str, Any]]:
    found = []
    for ratio in RATIOS:
        total, routed = compare(rows, tables_at(ratio, DAY))
        parts = by_work(routed)
        found.append({"ratio": ratio, **asdict(total), "share": total.share, "parts": parts})
        below = 1 - total.routed_usd / total.stay_usd
        print(_line("mixed day", ratio, total))
        for name, (stay, usd) in parts.items():
            print(f"           {name:<10} ${stay:8.2f} ({stay / total.stay_usd:5.1%}) -> ${usd:8.2f}")
        least = least_usd(parts, ratio) / total.stay_usd
        found[-1] |= {"least_share": least, "asked": asked(1 - least)}
        print(f"           the least that these labels allow at this ratio: {least:.3f}, {1 - least:.1%} below", end="")
        print(f"; asked is {asked(1 - least):.1%}, found {below:.1%}")
    return found


def asked(allowed: float) -> float:
    """How far below staying is asked for, where at most ``allowed`` can be reached."""
    return LEAST_BELOW if allowed >= LEAST_BELOW else OF_ALLOWED * allowed


def least_usd(parts: Mapping[str, tuple[float, float]], ratio: float) -> float:
    """The dollars if each request cost its cheapest allowed place's price and no prefix were ever written again: a
    conversation at its own model, a sub-task at the small one, an audit and a summary at the small one's batch.
    """
    price = {"agent": 1.0, "audit": ratio * BATCH_SHARE, "summary": ratio * BATCH_SHARE}
    return sum(stay * price.get(name, ratio) for name, (stay, _) in parts.items())


def by_work(routed: Sequence[ShadowRequest]) -> dict[str, tuple[float, float]]:
    sums: dict[str, list[float]] = defaultdict(lambda: [0.0, 0.0])
    for one in routed:
        name = one.row.purpose if one.row.purpose != "answer" else one.row.agent
        sums[name][0] += one.stay_usd
        sums[name][1] += one.usd
    return {name: (stay, usd) for name, (stay, usd) in sorted(sums.items())}


def times(rows: Sequence[Row]) -> list[float]:
    """Seconds of each decision, on real conversations with what their ledger knows."""
    shadow = Shadow(tables_at(0.2, (*DAY, *RULES["long"])), facts_of)
    list(shadow.follow(rows))
    history: RouteHistory = shadow.history
    table = tables_at(0.2, (*DAY, *RULES["long"]))(rows[0].model)
    assert table is not None
    found = []
    for row in rows:
        conversation = shadow.conversations.get(row.thread)
        if conversation is None:
            continue
        began = perf_counter()
        decide(table, facts_of(row), conversation, history, conversation.places[conversation.target].at + 1)
        found.append(perf_counter() - began)
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--json", type=Path, help="write the figures here")
    given = parser.parse_args()
    path = recording(given.data, "claude-code/transcripts.jsonl.xz")
    recorded = read(path)
    rows = sorted((row for one in recorded for row in session_rows(one)), key=lambda row: row.at)
    little = f"below {LITTLE} new tokens"
    heading("routing", str(path), split="none: nothing is fitted", seed="none", ratios=RATIOS, little=little)
    print(f"  {len(recorded)} sessions, {len(rows):,} requests")
    alone = conversations(rows)
    mixed = day(mixed_day(recorded))
    taken = times(rows)
    median, slow = statistics.median(taken), sorted(taken)[int(0.99 * len(taken))]
    print(f"a decision: median {median * 1e3:.3f} ms, p99 {slow * 1e3:.3f} ms, over {len(taken):,} (target .5 ms)")
    made = {"commit": commit(), "alone": alone, "day": mixed, "seconds": [median, slow]}
    record_figures(alone=alone, day=mixed, median_seconds=median, p99_seconds=slow)
    if given.json:
        given.json.write_text(json.dumps(made), encoding="utf-8")
    missed = [f"{one['rules']} at {one['ratio']} costs more than staying" for one in alone if one["share"] > 1]
    short = [one for one in mixed if 1 - one["share"] < one["asked"]]
    missed += [f"the mixed day at {one['ratio']} is {1 - one['share']:.1%} below" for one in short]
    missed += ["a decision takes more than .5 ms"] if median > MOST_SECONDS else []
    print("missed: " + "; ".join(missed) if missed else "all targets are reached")
    return 1 if missed else 0


if __name__ == "__main__":
    raise SystemExit(main())
