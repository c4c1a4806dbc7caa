"""LangChain's and deepagents' agents with ours and without, on recorded work: dollars to act, and what can be called.

    python -m tests.benchmarks.middleware --data DIR [--requests 600] [--json FILE]

Real agents, the real ChatAnthropic over HTTP and a strict loopback server: the recording's replies are the model's and
its results the tools'. What arrives at the server is what the replay counts, by the recording's times. Summaries are
extracts, the same for all. The sizes of our compaction were chosen on other sessions of these recordings.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from deepagents import create_deep_agent
from deepagents.backends import FilesystemBackend
from langchain.agents import create_agent
from langchain.agents.middleware import SummarizationMiddleware
from langchain_anthropic.middleware import AnthropicPromptCachingMiddleware

from agentmem.compaction.conversation import THREAD
from agentmem.integrations.langchain import ContextMiddleware
from agentmem.integrations.langchain_state import FoldedState
from agentmem.kvcache.rules import rules
from agentmem.replay.index import chains, index, load
from agentmem.replay.needed import NeededEvent, RecallReach
from agentmem.replay.policies import Terms
from agentmem.replay.recordings import sources
from agentmem.replay.run import Chain, chain, replay
from agentmem.replay.session import SkippedLine
from agentmem.replay.source import Spool
from tests.benchmarks.agents_replayed import MODEL, AgentPolicy, Parts, Reach
from tests.benchmarks.data import DATA, recording
from tests.benchmarks.heading import heading

FILE = Path("claude-code") / "transcripts.jsonl.xz"
BUDGET = 120_000
TRIGGER = 0.85
"""The share of the budget at which LangChain's summariser is told to act: what deepagents ships with."""
CHAIN = 1_000_000
COLUMNS = ("cost_usd", "dollars_to_act_usd", "callable_far", "old_lines_far", "callable_near", "reachable", "hit_rate")
TABLE = (*COLUMNS, "cuts", "summary_requests", "peak_context_tokens")
DEEP, LANG = 0.70, 0.75
READ = 0.97


class Watched(ContextMiddleware):
    """Ours, which shows the conversation of its last request."""

    folded: FoldedState | None = None
    _asks: tuple[FoldedState, RecallReach] | None = None

    def _folded(self, *given: Any) -> Any:
        kind, self.folded = super()._folded(*given)
        return kind, self.folded

    def reaches(self, event: NeededEvent, asked: str, shown: str) -> bool:
        """Whether recall brings a string back."""
        folded = self.folded
        assert folded is not None
        journal = folded.talk.journal
        if self._asks is None or self._asks[0] is not folded:
            self._asks = folded, RecallReach(journal, THREAD)
        return self._asks[1].found(event, asked, folded.talk.view)


def nothing(event: NeededEvent, asked: str, shown: str) -> bool:
    """What is gone is gone."""
    return False


def langchain(parts: Parts) -> tuple[Any, Reach]:
    summing: Any = SummarizationMiddleware(parts.model, trigger=("tokens", int(TRIGGER * parts.budget)))
    return _langchain(parts, [summing, AnthropicPromptCachingMiddleware()]), nothing


def langchain_ours(parts: Parts) -> tuple[Any, Reach]:
    ours = Watched(parts.budget, clock=parts.clock)
    return _langchain(parts, [ours]), ours.reaches


def _langchain(parts: Parts, stack: Any) -> Any:
    return create_agent(
        parts.model, parts.tools, system_prompt=parts.prompt, middleware=stack, checkpointer=parts.saver
    )


def deepagents(parts: Parts) -> tuple[Any, Reach]:
    def reaches(event: NeededEvent, asked: str, shown: str) -> bool:
        files = (path for path in parts.folder.rglob("*") if path.is_file() and path.stem in shown)
        return any(event.text in path.read_text(encoding="utf-8") for path in files)

    return _deepagents(parts), reaches


def deepagents_ours(parts: Parts) -> tuple[Any, Reach]:
    arguments = Watched.for_deepagents(budget=parts.budget, clock=parts.clock)
    ours = next(one for one in arguments["middleware"] if isinstance(one, Watched))
    return _deepagents(parts, **arguments), ours.reaches


def _deepagents(parts: Parts, **arguments: Any) -> Any:
    backend = FilesystemBackend(root_dir=parts.folder, virtual_mode=True)
    return create_deep_agent(
        parts.model, parts.tools, system_prompt=parts.prompt, backend=backend, checkpointer=parts.saver, **arguments
    )


AGENTS = {
    "create_agent": langchain,
    "create_agent + ours": langchain_ours,
    "deepagents": deepagents,
    "deepagents + ours": deepagents_ours,
}


def work_of(path: Path, first: int, requests: int) -> Chain:
    """A chain of recorded sessions: chain ``first``, up to so many requests."""
    with tempfile.TemporaryDirectory() as folder:
        found = [index(one) for one in sources([path], Spool(Path(folder))) if not isinstance(one, SkippedLine)]
        joined = chains([entry for one in found for entry in one.entries if entry.text], CHAIN)
        sessions, left = [], requests
        for entry in joined[first]:
            session = load(entry)
            if session is not None and left > 0:
                sessions.append(session)
                left -= len(session.exchanges)
    return chain(sessions, "anthropic", MODEL)


def rows(work: Chain, told: Callable[[str], None]) -> dict[str, dict[str, Any]]:
    """The figures of every agent."""
    made = {}
    for name, build in AGENTS.items():
        policy: list[AgentPolicy] = []

        def make(terms: Terms, build: Any = build, policy: list[AgentPolicy] = policy) -> AgentPolicy:
            policy.append(AgentPolicy(terms, work, build))
            return policy[0]

        tally = replay(work, make, BUDGET, partial(rules, provider="anthropic"))
        asked = policy[0].summaries
        share = sum(read for read, _ in asked) / sum(whole for _, whole in asked) if asked else None
        made[name] = {**tally.numbers(), "summary_read_share": share}
        told(name)
    return made


def printed(found: dict[str, dict[str, Any]]) -> None:
    print(f"{'':22}" + "".join(f"{name.removesuffix('_tokens')[-15:]:>16}" for name in (*TABLE, "summary_read")))
    for name, row in found.items():
        cells = [row[key] for key in (*TABLE, "summary_read_share")]
        print(f"{name:22}" + "".join(f"{_cell(one):>16}" for one in cells))


def _cell(value: Any) -> str:
    return "-" if value is None else f"{value:,}" if isinstance(value, int) else f"{value:,.4f}"


def misses(found: dict[str, dict[str, Any]]) -> list[str]:
    """What is missed of the targets."""
    missed = []
    for name, most in (("deepagents", DEEP), ("create_agent", LANG)):
        theirs, ours = found[name], found[f"{name} + ours"]
        ratio = ours["dollars_to_act_usd"] / theirs["dollars_to_act_usd"]
        print(f"{name}: dollars to act {ratio:.3f} x theirs (at most {most})")
        if ratio > most:
            missed.append(f"{name}: {ratio:.3f} x theirs to act")
        for column in ("callable_far", "reachable"):
            if (ours[column] or 0) < (theirs[column] or 0):
                missed.append(f"{name}: {column} {ours[column]:.3f} below {theirs[column]:.3f}")
        if ours["summary_read_share"] is not None and ours["summary_read_share"] < READ:
            missed.append(f"{name}: summaries read {ours['summary_read_share']:.3f} from the cache")
        if ours["peak_context_tokens"] > BUDGET:
            missed.append(f"{name}: a request over the budget")
    return missed


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=DATA, help=f"the folder that holds {FILE}")
    parser.add_argument("--requests", type=int, default=600, help="at least so many, in whole sessions")
    parser.add_argument("--chain", type=int, default=1, help="which chain of sessions, from 0")
    parser.add_argument("--json", type=Path, help="a file for the figures")
    given = parser.parse_args()
    path = recording(given.data, FILE)
    work = work_of(path, given.chain, given.requests)
    split = f"chain {given.chain}, {len(work.exchanges)} requests"
    prompt = f"{work.opening.tokens:,} tokens, as long as the recording's tools, prompt and reminders"
    heading("Agents with ours and without", str(path), model=MODEL, budget=f"{BUDGET:,}", split=split, prompt=prompt)
    found = rows(work, lambda name: print(f"  {name}: done", flush=True))
    printed(found)
    missed = misses(found)
    if given.json:
        given.json.write_text(json.dumps({"split": split, "rows": found, "missed": missed}, indent=1))
    print("all targets met" if not missed else "missed: " + "; ".join(missed))
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
