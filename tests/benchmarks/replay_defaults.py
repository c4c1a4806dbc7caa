"""What docs/how-to/claude-code-logs.md tells people to run first, on whole coding sessions: `agentmem replay FOLDER`.

No model is named and the policies are those that come by default. Every policy must get through every chain. Each
session by itself, as it was sent, is held to what the provider billed: the simulation knows neither the tools nor the
system prompt, and of usage only each session's first. The bill is low: for streamed replies logs may count only the
output that had come when the line was written, where the simulation counts the text (replay_verify compares the input).
"""

import sys
from pathlib import Path
from typing import Any

from agentmem.cli.replay import DEFAULT
from agentmem.replay.parallel import ReplayPlan, replay_all
from tests.benchmarks.data import data_file
from tests.benchmarks.heading import heading, record_figures

FILE = Path("claude-code") / "transcripts.jsonl.xz"
ERROR = 0.1
"""How far the dollars of the simulation may be from those that were billed."""


def failed(made: dict[str, Any]) -> list[str]:
    """What was passed over, and the policies that did not run on every chain."""
    most = max(row["chains"] for row in made["policies"])
    left = [f"{row['policy']}: {row['chains']} of {most} chains" for row in made["policies"] if row["chains"] < most]
    return [*left, *(one["reason"] for one in made["skipped"])]


def main() -> int:
    path = data_file(__doc__, FILE)
    made = replay_all(ReplayPlan((path,), DEFAULT))
    alone = replay_all(ReplayPlan((path,), ("recorded",), chain=0))
    bill, (recorded,) = alone["billed"], alone["policies"]
    error = recorded["cost_usd"] / bill["billed_usd"] - 1
    heading("replay_defaults", str(path), split="all", seed="none", sessions=len(made["sessions"]))
    for row in made["policies"]:
        print(
            f"  {row['policy']:<14} {row['requests']:>7,} requests  ${row['cost_usd']:>9,.2f}  chains {row['chains']}"
        )
    print(f"  billed ${bill['billed_usd']:,.2f} for {bill['billed_requests']:,} of {bill['requests']:,} requests")
    print(f"  each session by itself, simulated: ${recorded['cost_usd']:,.2f}, {error:+.1%} of ±{ERROR:.0%}")
    wrong = failed(made) + failed(alone)
    for one in wrong[:5]:
        print(f"  {one}")
    record_figures(billed_usd=bill["billed_usd"], simulated_usd=recorded["cost_usd"], error=error, failed=len(wrong))
    reached = not wrong and abs(error) <= ERROR
    print(f"  {'reached' if reached else 'MISSED'}")
    return 0 if reached else 1


if __name__ == "__main__":
    sys.exit(main())
