"""How much of the prefix that coder and tester share the tester's first request finds in the local engine's KV cache.

Both roles run on one model. A script decides what they do, in real forks of a small repository; every request's own
bytes go through the engine, and its counters tell. Beside it: the same request with the role in front of the prompt,
as frameworks that give each agent its own system prompt have it.
"""

import argparse
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from itertools import takewhile
from pathlib import Path

from agentmem.kvcache.frames import encode, frame
from agentmem.models.engine import Engine
from agentmem.models.scripted import ScriptedModel, Turn
from agentmem.team import Role, Team, TeamResult
from agentmem.types import Frame, Message, Request, Usage
from tests.benchmarks import players
from tests.benchmarks.engine import local_engine
from tests.benchmarks.heading import heading, record_figures
from tests.benchmarks.local_cache import Recording

TARGET = 0.9
TASK = "Write `double(number)`, which gives twice the number."
STUB = "def double(number: int) -> int:\n    raise NotImplementedError\n"
RIGHT = "def double(number: int) -> int:\n    return 2 * number\n"
GIVEN = "def check(double):\n    assert double(3) == 6\n    assert double(-1) == -2\n\ncheck(double)"

write = players.coder(RIGHT)


def is_tester(request: Request) -> bool:
    """Which role a request is for: the first message says so."""
    return "You are the tester." in players.conversation(request)[0][0]


def script(request: Request) -> Turn:
    """Both roles: the coder writes the function at once, the tester tests it."""
    return players.tester(request) if is_tester(request) else write(request)


def work(engine: Engine, folder: Path, isolation: str) -> tuple[TeamResult, list[Usage], list[Request]]:
    """A team on one model: its result, and each request with what the engine counted."""
    meter = Recording(engine, [])
    model = ScriptedModel(script, meter=meter)
    return team_run(model, folder, isolation), meter.usages, model.requests


def team_run(model: ScriptedModel, folder: Path, isolation: str) -> TeamResult:
    """A team whose roles are both this model, on a new repository in ``folder``."""
    repo = folder / "repo"
    repo.mkdir()
    (repo / "solution.py").write_text(STUB)
    told = Role(model, f"The acceptance tests of the task:\n\n```python\n{GIVEN}\n```")
    with Team(
        Role(model), told, repo, check=players.CHECK, place=folder / "place", isolation=players.isolation(isolation)
    ) as team:
        return team.run(TASK)


def frames(request: Request) -> list[Frame]:
    """What a model reads, in the order in which it is cached."""
    return [*request.tools, *request.system, *(one for turn in request.turns for one in turn.frames)]


def shared(one: Request, other: Request) -> list[Frame]:
    """The frames that both requests begin with."""
    pairs = takewhile(lambda pair: pair[0] == pair[1], zip(frames(one), frames(other), strict=False))
    return [frame for frame, _ in pairs]


def count(engine: Engine, some: Sequence[Frame]) -> int:
    """The engine's own count of the tokens of frames."""
    return sum(len(engine.tokens(encode(one).decode())) for one in some)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, help="not used: the repository is made")
    parser.add_argument("--isolation", default="auto", help="as in Team")
    given = parser.parse_args()
    with local_engine() as engine, tempfile.TemporaryDirectory() as folder:
        heading("team_prefix", "made here: one function", split="none", seed="none", engine=engine.name)
        result, usages, requests = work(engine, Path(folder), given.isolation)
        at = next(place for place, request in enumerate(requests) if is_tester(request))
        common = shared(requests[0], requests[at])
        tokens, size, first = count(engine, common), sum(len(encode(one)) for one in common), usages[at]
        print(f"  the team: {result.verdict} after {len(result.rounds)} round, {len(requests)} requests")
        print(f"  shared prefix: {len(common)} frames, {size:,} bytes, {tokens:,} tokens")
        for name, used in (("coder", usages[0]), ("tester", first)):
            print(f"  the {name}'s first request: {used.cache_read_tokens:,} cached {used.uncached_tokens:,} processed")
        told = frame("system", {"type": "text", "text": "You are the tester of this team."})
        other = engine.usage(replace(requests[at], tools=(told, *requests[at].tools)), Message("assistant", ()))
        print(f"  with the role in front: {other.cache_read_tokens:,} cached {other.uncached_tokens:,} processed")
    share, contrast = min(1.0, first.cache_read_tokens / tokens), other.cache_read_tokens / tokens
    print(f"  read of the shared prefix: {share:.1%}, with the role in front {contrast:.1%}, limit 100 %, ", end="")
    record_figures(read=share, role_in_front=contrast, tokens=tokens)
    ok = share >= TARGET and result.passed
    print(f"target {TARGET:.0%}: {'reached' if ok else 'MISSED'}")
    return 0 if ok else 1


if __name__ == "__main__":
    sys.exit(main())
