"""LangChain's and deepagents' agents with ours and without, on recorded work: dollars to act, and what can be called.

    python -m tests.benchmarks.middleware --data DIR [--chain 5 9] [--requests 600] [--paging Read] [--kept FOLDER]
        [--json FILE]

Real agents, the real ChatAnthropic over HTTP and a strict loopback server: the recording's replies are the model's and
its results the tools'. What arrives at the server is what the replay counts, by the recording's times. A session that
found its tools and prompt in the cache finds the agent's there, as in the replay. Summaries are extracts, the same for
all. The sizes of our compaction were chosen by replays of these recordings, of which the middleware knows nothing.

The least dollars are what quality 1 is for: it saves most. The default keeps more lines of files in view. It may cost
more, and may show no fewer of them than the peers do.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache, partial
from pathlib import Path
from typing import Any

from deepagents import create_deep_agent
from deepagents.backends import FilesystemBackend
from langchain.agents import create_agent
from langchain.agents.middleware import SummarizationMiddleware
from langchain_anthropic.middleware import AnthropicPromptCachingMiddleware

from agentmem.compaction.conversation import THREAD
from agentmem.compaction.when import Quality
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
from tests.benchmarks.agents_replayed import MODEL, AgentPolicy, Build, Parts, Reach, warm
from tests.benchmarks.data import DATA, recording
from tests.benchmarks.heading import commit, heading, record_figures

FILE = Path("claude-code") / "transcripts.jsonl.xz"
BUDGET = 120_000
TRIGGER = 0.85
"""The share of the budget at which LangChain's summariser is told to act: what deepagents ships with."""
CHAIN = 1_000_000
PAGING = ("read_file",)
"""The middleware's own default. The recording's tool for files is "Read"."""
COLUMNS = ("cost_usd", "dollars_to_act_usd", "callable_far", "old_lines_far", "callable_near", "reachable", "hit_rate")
TABLE = (*COLUMNS, "cuts", "summary_requests", "peak_context_tokens", "summary_read")
SUMS = (
    "cost_usd",
    "dollars_to_act_usd",
    "floor_usd",
    "requests",
    "cuts",
    "summary_requests",
    "summary_read_tokens",
    "summary_tokens",
)
SHARES = {
    "callable_far": "calls_far",
    "old_lines_far": "calls_old_lines_far",
    "callable_near": "calls_near",
    "reachable": "needed",
    "hit_rate": "input_tokens",
}
"""The figures that are shares, and what of."""
PEERS = ("deepagents", "create_agent")
MOST = {"quality 1": {"deepagents": 0.70, "create_agent": 0.75}, "ours": {"deepagents": 0.75, "create_agent": 0.75}}
"""The most that ours may cost to act, as a share of theirs, by setting; "ours" is the default."""
NO_FEWER = {"quality 1": ("callable_far", "reachable"), "ours": ("callable_far", "old_lines_far", "reachable")}
"""The figures in which each setting is not below a peer."""
READ = 0.97
Row = dict[str, Any]


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


def langchain_ours(parts: Parts, quality: Quality = 2, paging: Sequence[str] = PAGING) -> tuple[Any, Reach]:
    ours = Watched(parts.budget, quality=quality, paging=paging, clock=parts.clock)
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


def deepagents_ours(parts: Parts, quality: Quality = 2, paging: Sequence[str] = PAGING) -> tuple[Any, Reach]:
    arguments = Watched.for_deepagents(budget=parts.budget, quality=quality, paging=paging, clock=parts.clock)
    ours = next(one for one in arguments["middleware"] if isinstance(one, Watched))
    return _deepagents(parts, **arguments), ours.reaches


def _deepagents(parts: Parts, **arguments: Any) -> Any:
    backend = FilesystemBackend(root_dir=parts.folder, virtual_mode=True)
    return create_deep_agent(
        parts.model, parts.tools, system_prompt=parts.prompt, backend=backend, checkpointer=parts.saver, **arguments
    )


def agents(paging: Sequence[str] = PAGING) -> Mapping[str, Build]:
    """The agents by their names. ``paging`` are the tools whose long results ours shows whole."""
    return {
        "create_agent": langchain,
        "create_agent + ours": partial(langchain_ours, paging=paging),
        "create_agent + quality 1": partial(langchain_ours, quality=1, paging=paging),
        "deepagents": deepagents,
        "deepagents + ours": partial(deepagents_ours, paging=paging),
        "deepagents + quality 1": partial(deepagents_ours, quality=1, paging=paging),
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


def row(work: Chain, build: Build) -> Row:
    """The figures of one agent on some work."""
    policy: list[AgentPolicy] = []

    def make(terms: Terms) -> AgentPolicy:
        policy.append(AgentPolicy(terms, work, build))
        return policy[0]

    tally = replay(warm(work, build, BUDGET), make, BUDGET, partial(rules, provider="anthropic"))
    read, asked = map(sum, zip(*policy[0].summaries, strict=True)) if policy[0].summaries else (0, 0)
    return {**tally.numbers(), "summary_read_tokens": read, "summary_tokens": asked}


def _row(work: Callable[[], Chain], build: Build) -> Row:
    return row(work(), build)


def kept(folder: Path | None, number: int, name: str, settings: str, make: Callable[[], Row]) -> Row:
    """The figures of one agent on one chain: from ``folder``, if an earlier run of this commit has left them there,
    with the same ``settings``.
    """
    file = folder / f"chain-{number}-{name.replace(' ', '')}.json" if folder else None
    known = json.loads(file.read_text()) if file and file.exists() else {}
    if (known.get("commit"), known.get("settings")) == (commit(), settings):
        print(f"  chain {number}, {name}: measured before")
        return dict(known["row"])
    made = make()
    if file:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps({"commit": commit(), "settings": settings, "row": made}))
    print(f"  chain {number}, {name}: done", flush=True)
    return made


def summed(rows: Sequence[Row]) -> Row:
    """The figures of one agent on several chains: sums, the highest peak, and shares of what they are shares of."""
    made: Row = {key: sum(one[key] for one in rows) for key in SUMS}
    made |= {key: _share(rows, key, whole) for key, whole in SHARES.items()}
    read, asked = made["summary_read_tokens"], made["summary_tokens"]
    peak = max(one["peak_context_tokens"] for one in rows)
    return made | {"peak_context_tokens": peak, "summary_read": read / asked if asked else None}


def _share(rows: Sequence[Row], key: str, whole: str) -> float | None:
    many = sum(one[whole] for one in rows)
    return sum((one[key] or 0.0) * one[whole] for one in rows) / many if many else None


def printed(found: Mapping[str, Row]) -> None:
    print(f"{'':26}" + "".join(f"{name.removesuffix('_tokens')[-15:]:>16}" for name in TABLE))
    for name, one in found.items():
        print(f"{name:26}" + "".join(f"{_cell(one[key]):>16}" for key in TABLE))
    for name in PEERS:
        least = found[name]["floor_usd"]
        for setting in MOST:
            told = f"{_ratio(found, name, setting):.3f} x theirs, {_beyond(found, name, setting):.3f} beyond"
            print(f"  {name} + {setting}: to act {told} the ${least:.2f} that anybody pays")


def _cell(value: Any) -> str:
    return "-" if value is None else f"{value:,}" if isinstance(value, int) else f"{value:,.4f}"


def _ratio(found: Mapping[str, Row], name: str, setting: str) -> float:
    return float(found[f"{name} + {setting}"]["dollars_to_act_usd"] / found[name]["dollars_to_act_usd"])


def _beyond(found: Mapping[str, Row], name: str, setting: str) -> float:
    rows = found[f"{name} + {setting}"], found[name]
    ours, theirs = (one["dollars_to_act_usd"] - one["floor_usd"] for one in rows)
    return float(ours / theirs)


def misses(found: Mapping[str, Row]) -> list[str]:
    """What is missed of the targets."""
    return [one for setting in MOST for name in PEERS for one in _misses(found, name, setting)]


def _misses(found: Mapping[str, Row], name: str, setting: str) -> Iterator[str]:
    theirs, ours, named = found[name], found[f"{name} + {setting}"], f"{name} + {setting}"
    if (ratio := _ratio(found, name, setting)) > (most := MOST[setting][name]):
        yield f"{named}: {ratio:.3f} x theirs to act, at most {most}"
    for column in NO_FEWER[setting]:
        if (ours[column] or 0) < (theirs[column] or 0):
            yield f"{named}: {column} {ours[column]:.3f} below {theirs[column]:.3f}"
    if ours["summary_read"] is not None and ours["summary_read"] < READ:
        yield f"{named}: summaries read {ours['summary_read']:.3f} from the cache"
    if ours["peak_context_tokens"] > BUDGET:
        yield f"{named}: a request over the budget"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=DATA, help=f"the folder that holds {FILE}")
    parser.add_argument("--requests", type=int, default=600, help="at least so many of a chain, in whole sessions")
    parser.add_argument("--chain", type=int, nargs="+", default=[*range(11)], help="which chains of sessions")
    parser.add_argument("--paging", nargs="+", default=PAGING, help="tools whose long results ours shows whole")
    parser.add_argument("--kept", type=Path, help="a folder for the figures of each chain, to go on from")
    parser.add_argument("--json", type=Path, help="a file for the figures")
    given = parser.parse_args()
    path = recording(given.data, FILE)
    split = f"chains {' '.join(map(str, given.chain))}, {given.requests} requests of each and the session's rest"
    paging = " ".join(given.paging)
    heading("Agents with ours and without", str(path), model=MODEL, budget=f"{BUDGET:,}", split=split, paging=paging)
    builds = agents(given.paging)
    each: dict[str, list[Row]] = {name: [] for name in builds}
    for number in given.chain:
        work = cache(partial(work_of, path, number, given.requests))
        for name, build in builds.items():
            each[name].append(kept(given.kept, number, name, paging, partial(_row, work, build)))
        printed({name: summed(rows[-1:]) for name, rows in each.items()})
    found = {name: summed(rows) for name, rows in each.items()}
    print(f"\nall {len(given.chain)} chains")
    printed(found)
    missed = misses(found)
    record_figures(rows=found, missed=missed)
    if given.json:
        given.json.write_text(json.dumps({"split": split, "rows": found, "each": each, "missed": missed}, indent=1))
    print("all targets met" if not missed else "missed: " + "; ".join(missed))
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
