"""What a team, a fork, a delegate and later sessions find of what was computed before them, over one warehouse.

One engine with one slot, and a later one over the same folder. First a real team: coder and tester in real forks of a
small repository. A script decides what they do, since the local model uses no tools; each request's own bytes go
through the engine. Then agents on the local model, which writes their replies: two agents by turns, a fork and a
delegate of the first one; and a later session of it. All tokens are the engine's own counts. Beside them: the most that
earlier prompts had of each prompt, and what the slot alone would have held.
"""

import argparse
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from agentmem.kvcache.warehouse.blocks import shared
from agentmem.kvcache.warehouse.warehouse import Warehouse
from agentmem.models.engine import Engine, available
from agentmem.models.local import LocalModel
from agentmem.models.scripted import ScriptedModel
from agentmem.runtime.agent import Agent
from agentmem.types import Delta, KvSources, Message, Reply, Request, Usage
from tests.benchmarks.data import skip
from tests.benchmarks.heading import heading, record_figures
from tests.benchmarks.team_prefix import frames, is_tester, script, team_run

OF_KNOWN = 0.99
LONGEST = 12
SYSTEM = "You work in a small print shop. Paper is ordered on Mondays. Be brief, and name the page. " * 12


@dataclass(frozen=True, slots=True)
class Asked:
    """A prompt of somebody, and where the engine had it from."""

    who: str
    prompt: list[int]
    sources: KvSources

    @property
    def found(self) -> int:
        return len(self.prompt) - self.sources.computed


class TeamMeter:
    """Takes a team's requests through the engine."""

    def __init__(self, engine: Engine, session: str, asked: list[Asked]) -> None:
        self._engine, self._session, self._asked = engine, session, asked

    def usage(self, request: Request, reply: Message) -> Usage:
        return self.measured(request, reply)[0]

    def measured(self, request: Request, reply: Message) -> tuple[Usage, KvSources | None]:
        usage, sources = self._engine.measured(request, reply)
        assert sources
        prompt = [token for one in frames(request) for token in self._engine._encoded(one)]
        who = "tester" if is_tester(request) else "coder"
        self._asked.append(Asked(f"{self._session}{who}", prompt, sources))
        return usage, sources

    def close(self) -> None: ...


class WatchedModel(LocalModel):
    """The local model, whose prompts are kept."""

    def __init__(self, engine: Engine, who: str, asked: list[Asked]) -> None:
        super().__init__(engine=engine, longest=LONGEST)
        self.who, self._asked = who, asked

    def stream(self, request: Request) -> Iterator[Delta]:
        for delta in super().stream(request):
            if isinstance(delta, Reply):
                assert delta.sources
                self._asked.append(Asked(self.who, self._prompt(self._fitted(request)), delta.sources))
            yield delta


def teams(folder: Path, isolation: str) -> tuple[list[Asked], bool]:
    """A team, and the same work by another team in a later session. The requests, and if both passed."""
    asked, passed = list[Asked](), True
    for session in ("", "later "):
        place = folder / f"{session or 'first'}".strip()
        place.mkdir()
        with Engine(warehouse=Warehouse(ram="32 MB", folder=folder / "kv")) as engine:
            model = ScriptedModel(script, meter=TeamMeter(engine, session, asked))
            passed &= team_run(model, place, isolation).passed
    return asked, passed


def agents(folder: Path) -> list[Asked]:
    """Two agents on the local model by turns, a fork, a delegate, and a later session."""
    asked = list[Asked]()
    with Engine(warehouse=Warehouse(ram="8 MB", folder=folder / "kv")) as engine:
        one, other = WatchedModel(engine, "first agent", asked), WatchedModel(engine, "second agent", asked)
        with agent(one, folder, "one") as first, agent(other, folder, "two") as second:
            for task in ("Look at order 17.", "And at order 18."):
                first.run(task, thread="main")
                second.run(task.replace("order", "invoice"), thread="main")
            one.who = "fork"
            first.run("Another way?", thread=first.fork("main"))
            second.run("And at invoice 19.", thread="main")
            one.who = "delegate"
            first.delegate("Check the boxes of order 17.", thread="main")
    with (
        Engine(warehouse=Warehouse(ram=0, folder=folder / "kv")) as later,
        agent(WatchedModel(later, "later session", asked), folder, "one") as again,
    ):
        again.run("And at order 19.", thread="main")
    return asked


def agent(model: LocalModel, folder: Path, name: str) -> Agent:
    return Agent(model, folder / name, tools=[], system=SYSTEM)


@dataclass(frozen=True, slots=True)
class Start:
    """The first request of somebody: its tokens, those that earlier prompts had, those that were found, and those that
    one slot alone would have had.
    """

    who: str
    tokens: int
    known: int
    found: int
    slot: int

    @property
    def share(self) -> float:
        return self.found / self.known if self.known else 1.0


def starts(asked: Sequence[Asked]) -> list[Start]:
    """The first request of each, in order. The last token of a prompt is always computed."""
    seen, made = set[str](), list[Start]()
    for at, one in enumerate(asked):
        if one.who in seen:
            continue
        seen.add(one.who)
        most = len(one.prompt) - 1
        known = max((min(most, shared(before.prompt, one.prompt)) for before in asked[:at]), default=0)
        slot = 0 if "later" in one.who or not at else shared(asked[at - 1].prompt, one.prompt)
        made.append(Start(one.who, len(one.prompt), known, one.found, min(most, slot)))
    return made


def shown(asked: Sequence[Asked]) -> tuple[list[Start], float]:
    """Print each start. Returns them, and the share of all prompts' tokens that was not computed."""
    made = starts(asked)
    for one in made:
        print(f"  {one.who}: {one.tokens:,} tokens, {one.known:,} known, {one.found:,} found", end="")
        print(f", the slot alone {one.slot:,}")
    total = sum(len(one.prompt) for one in asked)
    share = sum(one.found for one in asked) / total
    tiers = {name: sum(getattr(one.sources, name) for one in asked) for name in ("slot", "ram", "disk", "computed")}
    print(f"  all {len(asked)} requests, {total:,} tokens: {share:.1%} not computed again; {tiers}")
    return made, share


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, help="not used: the work is made")
    parser.add_argument("--isolation", default="auto", help="as in Team")
    given = parser.parse_args()
    if not available():
        skip("the local engine is not installed: `agentmem local install`")
    heading("warehouse_team", "made here", split="none", seed="none", slots=1)
    with tempfile.TemporaryDirectory(prefix="agentmem-team-") as name:
        for part in ("team", "agents"):
            (Path(name) / part).mkdir()
        team, passed = teams(Path(name) / "team", given.isolation)
        team_starts, team_share = shown(team)
        agent_starts, agent_share = shown(agents(Path(name) / "agents"))
    warm = [one for one in (*team_starts, *agent_starts) if one.who not in ("coder", "first agent")]
    worst = min(warm, key=lambda one: one.share)
    record_figures(worst=worst.share, team=team_share, agents=agent_share, starts={one.who: one.share for one in warm})
    ok = worst.share >= OF_KNOWN and passed
    print(
        f"  found of what was known, in the worst start ({worst.who}): {worst.share:.1%}, at least {OF_KNOWN:.0%}",
        end="",
    )
    print(f"; the teams {'passed' if passed else 'did not pass'}: {'reached' if ok else 'MISSED'}")
    return int(not ok)


if __name__ == "__main__":
    sys.exit(main())
