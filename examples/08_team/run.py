"""A coder and a tester, each with a context and a fork of its own, fix a small repository in three rounds.

Both are scripts, so that this runs without a key; the forks, the commands and the tests are real. Tokens and the cache
are simulated by a provider's published rules.
"""

import tempfile
from pathlib import Path

from agentmem import demo
from agentmem.demo import team as example
from agentmem.team import TeamProgress

with tempfile.TemporaryDirectory() as name:
    repo = example.prepare(Path(name))
    with example.team(repo, Path(name) / "work", demo.simulated()) as team:
        for event in team.stream(example.task()):
            if isinstance(event, TeamProgress):
                print(f"round {event.round}  {event.who:<8}  {event.spent.tokens:>7,} tokens  {event.doing}")
            else:
                result = event.result
        print(f"\n{result.verdict}: {result.said}")
        for refusal in result.refusals:
            print(f"refused in round {refusal.round}: {refusal.rule}")
        for one in result.rounds:
            print(f"round {one.number}: {one.verdict}, {one.failing} failing")
        if result.shared:
            shared = result.shared
            print(f"shared by both: {shared.tokens:,} tokens; the tester's first request read {shared.read_tokens:,}")
        print(f"merged: {', '.join(team.merge(result, with_tests=True))}")
    print((repo / "parking" / "fees.py").read_text(encoding="utf-8"))
