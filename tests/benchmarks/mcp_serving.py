"""`agentmem serve --mcp` over HTTP: 100 clients of the SDK at once, of several tenants, each with its own rights.

python -m tests.benchmarks.mcp_serving [--clients 100] [--calls 1] [--json FILE]
"""

import argparse
import asyncio
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from agentmem.answers.cache import AnswerCache
from agentmem.answers.values import AnswerScope
from agentmem.mcp.offered import Offer
from agentmem.mcp.tenants import Tenant, Tokens
from tests.benchmarks.heading import heading, record_figures
from tests.mcp.clients import client, said, served

TENANTS = 4
QUESTION = "What is the name of the customer?"
OUT = ("../secret.md", "/etc/passwd", ".env", "a/../../secret.md", "out.md")
TARGET = (
    "100 clients at once: every call answered, no write without the right, no path out, no answer of another tenant"
)


def tenants() -> Tokens:
    """Every second tenant may write; each has a folder of its own."""
    named = (Tenant(f"t{n}", f"t{n}", (f"t{n}-*",), write=n % 2 == 0) for n in range(TENANTS))
    return Tokens(tuple((f"token-of-tenant-{one.name}", one) for one in named))


def workspace(root: Path) -> None:
    for n in range(TENANTS):
        (root / f"t{n}").mkdir(parents=True)
        (root / f"t{n}" / "about.md").write_text(f"# About\n\nThe secret of t{n} is {n * 1111}.\n")
        (root / f"t{n}" / ".env").write_text("KEY=1")
        (root / f"t{n}" / "out.md").symlink_to("/etc/hostname")
    (root.parent / "secret.md").write_text("secret")
    with AnswerCache(root / ".agentmem" / "answers", exact_only=True) as cache:
        for n in range(TENANTS):
            cache.put(QUESTION, f"It is t{n}.", context=AnswerScope(f"t{n}"))


async def one_client(server: Any, number: int, calls: int, found: dict[str, Any]) -> None:
    token, tenant = server.tokens.tenants[number % TENANTS]
    async with client(server, token) as one:
        for turn in range(calls):
            began = time.monotonic()
            text, _ = await said(one, "answers", question=QUESTION)
            found["foreign"] += text != f"It is {tenant.name}."
            text, _ = await said(one, "find", words="secret")
            found["foreign"] += any(f"of t{n} " in text for n in range(TENANTS) if f"t{n}" != tenant.name)
            _, failed = await said(one, "read", page=OUT[turn % len(OUT)])
            found["out"] += not failed
            _, failed = await said(one, "write", page=f"new-{number}-{turn}.md", text="x\n")
            found["unjust"] += failed == tenant.write
            found["seconds"].append((time.monotonic() - began) / 4)
            found["calls"] += 4


async def all_clients(root: Path, clients: int, calls: int) -> dict[str, Any]:
    found: dict[str, Any] = {"calls": 0, "foreign": 0, "out": 0, "unjust": 0, "seconds": []}
    with served(Offer(root, write=True), tenants()) as server:
        began = time.monotonic()
        await asyncio.gather(*(one_client(server, number, calls, found) for number in range(clients)))
        found["wall_seconds"] = time.monotonic() - began
    seconds = sorted(found.pop("seconds"))
    written = [path.relative_to(root).as_posix() for path in root.rglob("new-*.md")]
    found["pages_written"] = len(written)
    found["written_without_right"] = sum(int(name[1]) % 2 for name in written)
    found["a_call_median_seconds"], found["a_call_p95_seconds"] = (
        statistics.median(seconds),
        seconds[int(len(seconds) * 0.95)],
    )
    return found


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", help="not needed")
    parser.add_argument("--clients", type=int, default=100)
    parser.add_argument("--calls", type=int, default=1, help="rounds of four calls for each client")
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    heading(TARGET, "a workspace made here", clients=given.clients, rounds=given.calls, tenants=TENANTS)
    with tempfile.TemporaryDirectory() as place:
        root = Path(place) / "notes"
        workspace(root)
        found = asyncio.run(all_clients(root, given.clients, given.calls))
    for key, value in found.items():
        print(f"  {key}: {value}")
    record_figures(**found)
    if given.json:
        given.json.write_text(json.dumps(found, indent=1))
    wrong = found["foreign"] + found["out"] + found["unjust"] + found["written_without_right"]
    met = not wrong and found["calls"] == 4 * given.clients * given.calls
    print("met" if met else "MISSED")
    return int(not met)


if __name__ == "__main__":
    sys.exit(main())
