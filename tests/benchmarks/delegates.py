"""A fan-out of eight over one prefix of 60k tokens: delegates, fresh conversations, and deepagents' `task`, in dollars.

    python -m tests.benchmarks.delegates [--model claude-sonnet-5-5] [--fan-out 8] [--json FILE]

A conversation has read a list of 60k tokens, and eight pieces of work need it. Everybody does the same scripted work:
each piece looks up two shelves and reports; whoever does not have the list reads it first, in one reply. Agents,
clients and HTTP are real; a strict loopback server counts by Anthropic's published cache rules, and one function prices
all of them. The whole run is compared, with the conversation itself. Besides deepagents' default stand its mode
"fork", which it calls experimental, and fresh conversations with the list pasted before their task.
"""

import argparse
import json
import re
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from deepagents import create_deep_agent
from langchain_anthropic import ChatAnthropic
from pydantic import SecretStr

from agentmem.kvcache.reported import read_usage
from agentmem.menu.menu import tool
from agentmem.meter.prices import rates
from agentmem.models.anthropic import AnthropicModel
from agentmem.models.anthropic_request import check_body
from agentmem.runtime.agent import Agent
from agentmem.runtime.delegates import Delegation
from agentmem.testing import MessagesServer, ServerAnswer
from agentmem.types import Json, Text, Usage
from tests.benchmarks.heading import heading, record_figures

PARTS = 15
LEAST, MOST = 55_000, 75_000
"""Tokens of the prefix, in the server's count."""
FRESH, TASK = 0.35, 0.6
"""The most dollars of shared delegates over those of fresh conversations, and of deepagents' `task`."""
_PIECE = re.compile(r"PIECE (\d+):")
START = "Audit the stock: read the whole list, have each of the pieces done, and sum up."


def listing(part: int) -> str:
    """Reads a part of the stock list."""
    boxes = ((line, line * 7919 % 100_003) for line in range(190))
    lines = (f"{part}-{line}: bolt M{line % 12}, box {box:06d}, bay {line % 31}" for line, box in boxes)
    return f"LIST {part}\n" + "\n".join(lines)


def shelf(number: int) -> str:
    """Looks at a shelf."""
    return f"SHELF {number}\n" + "\n".join(f"box {number * 100 + box:06d} is there" for box in range(30))


def piece(number: int) -> str:
    return f"PIECE {number}: check shelves {number} and {number + 50} against the list, and report each difference."


def blocks(body: Json) -> list[tuple[str, Any]]:
    """The blocks of the conversation, each with its role."""
    said = []
    for message in body["messages"]:
        content = message["content"]
        parts = [{"type": "text", "text": content}] if isinstance(content, str) else content
        said += [(message["role"], part) for part in parts]
    return said


def results(said: list[tuple[str, Any]], begin: str) -> int:
    """The results that begin with these words, and texts of people that hold them."""
    return sum(
        str(part.get("content") if part["type"] == "tool_result" else part.get("text")).count(f"{begin} ")
        for role, part in said
        if role == "user"
    )


@dataclass
class Script:
    """What the model says, a function of the request alone. ``delegate`` makes the call, or calls, of the fan-out."""

    fan_out: int
    delegate: Callable[[int], list[Json]]

    def __call__(self, body: Json) -> ServerAnswer:
        said = blocks(body)
        tasks = [
            (at, found[1])
            for at, (role, part) in enumerate(said)
            if role == "user" and part["type"] == "text" and (found := _PIECE.search(part["text"]))
        ]
        if results(said, "LIST") < PARTS:
            return calls(*(("listing", {"part": part}) for part in range(PARTS)))
        return self.piece(said, *tasks[-1]) if tasks else self.main(said)

    def piece(self, said: list[tuple[str, Any]], at: int, number: str) -> ServerAnswer:
        done = results(said[at:], "SHELF")
        if done < 2:
            return calls(("shelf", {"number": int(number) + 50 * done}))
        return ServerAnswer.text(f"Report {number}: shelves {number} and {int(number) + 50} are as the list says. " * 6)

    def main(self, said: list[tuple[str, Any]]) -> ServerAnswer:
        if "Report" in str(said[-1]) or not self.delegate(1):
            return ServerAnswer.text("The stock is audited: no shelf differs from the list.")
        return ServerAnswer(self.delegate(self.fan_out))


def calls(*wanted: tuple[str, Json]) -> ServerAnswer:
    def call(at: int, name: str, given: Json) -> Json:
        return {
            "type": "tool_use",
            "id": f"c{at}_{name}_{'_'.join(map(str, given.values()))}",
            "name": name,
            "input": given,
        }

    return ServerAnswer([call(at, *one) for at, one in enumerate(wanted)])


@dataclass
class Paid:
    """What a server was asked, added up. ``refused`` are the answers that were no replies."""

    usages: list[Usage] = field(default_factory=list)
    refused: list[Json] = field(default_factory=list)

    def told(self, path: str, status: int, body: Json) -> None:
        if status != 200:
            self.refused.append(body)
        elif path == "/v1/messages":
            self.usages.append(read_usage(body["usage"], "simulated"))

    def figures(self, model: str) -> dict[str, Any]:
        price = rates("anthropic", model)
        assert price is not None
        whole = Usage("simulated")
        for one in self.usages:
            whole += one
        prefix = max(one.input_tokens for one in self.usages)
        return {
            "requests": len(self.usages),
            "input_tokens": whole.input_tokens,
            "read": whole.cache_read_tokens / whole.input_tokens,
            "output_tokens": whole.output_tokens,
            "largest_request": prefix,
            "usd": price.cost(whole),
            "refused": len(self.refused),
        }


Plays = Callable[[str, str, Path, int], None]
"""Does the work on the server at a URL, with a model, in a folder, with so many pieces."""
LISTING, SHELF = tool(listing, effect="read", cap=8_000), tool(shelf, effect="read")


def ours(url: str, model: str, folder: Path, act: Callable[[Agent], object]) -> None:
    claude = AnthropicModel(model, api_key="none", base_url=url, max_retries=0)
    with claude, Agent(claude, folder, tools=["recall", "delegate", LISTING, SHELF], delegation=Delegation()) as agent:
        result = agent.run(START, thread="main")
        assert result.status == "done", result.reason
        act(agent)


def shared(url: str, model: str, folder: Path, fan_out: int) -> None:
    def check(agent: Agent) -> None:
        assert len(agent.delegates("main")) == fan_out

    ours(url, model, folder, check)


def fresh(url: str, model: str, folder: Path, fan_out: int) -> None:
    """Fresh conversations of the same agent, one for each piece; each reads the list itself."""
    ours(url, model, folder, lambda agent: [agent.run(piece(number)) for number in range(fan_out)])


def pasted(url: str, model: str, folder: Path, fan_out: int) -> None:
    """The same, with the whole list as a block before the task: nothing needs to be read, but no mark ends the list."""
    text = Text("\n\n".join(map(listing, range(PARTS))))
    ours(url, model, folder, lambda agent: [agent.run([text, Text(piece(number))]) for number in range(fan_out)])


def deep(url: str, model: str, fan_out: int, **more: Any) -> None:
    chat = ChatAnthropic(
        model_name=model, base_url=url, api_key=SecretStr("none"), max_retries=0, timeout=60, stop=None
    )
    agent: Any = create_deep_agent(chat, [listing, shelf], **more)
    state = agent.invoke({"messages": [{"role": "user", "content": START}]}, {"recursion_limit": 1000})
    reports = [one for one in state["messages"] if one.type == "tool" and "Report" in str(one.content)]
    assert len(reports) == fan_out, [str(one.content)[:200] for one in state["messages"][-fan_out:]]


def deepagents_task(url: str, model: str, folder: Path, fan_out: int) -> None:
    deep(url, model, fan_out)


def deepagents_fork(url: str, model: str, folder: Path, fan_out: int) -> None:
    deep(url, model, fan_out, subagents=[{"name": "fork", "description": "Knows all that you know.", "mode": "fork"}])


def of_delegate(fan_out: int) -> list[Json]:
    given = {"tasks": [piece(number) for number in range(fan_out)]}
    return [{"type": "tool_use", "id": "fan_out", "name": "delegate", "input": given}]


def of_task(kind: str) -> Callable[[int], list[Json]]:
    def made(fan_out: int) -> list[Json]:
        given = [{"description": piece(number), "subagent_type": kind} for number in range(fan_out)]
        return [{"type": "tool_use", "id": f"t{at}", "name": "task", "input": one} for at, one in enumerate(given)]

    return made


CONTENDERS: dict[str, tuple[Plays, Callable[[int], list[Json]]]] = {
    "delegates, shared prefix": (shared, of_delegate),
    "fresh conversations": (fresh, lambda _: []),
    "fresh, the list pasted first": (pasted, lambda _: []),
    "deepagents task": (deepagents_task, of_task("general-purpose")),
    'deepagents task, mode "fork"': (deepagents_fork, of_task("fork")),
}


def play(name: str, model: str, fan_out: int) -> dict[str, Any]:
    plays, delegate = CONTENDERS[name]
    paid = Paid()
    script = Script(fan_out, delegate)
    with (
        tempfile.TemporaryDirectory() as folder,
        MessagesServer(script, validate=check_body, told=paid.told) as server,
    ):
        plays(server.url, model, Path(folder), fan_out)
    assert not paid.refused, paid.refused[0]
    return paid.figures(model)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="not used: the work is made here")
    parser.add_argument("--model", default="claude-sonnet-5-5")
    parser.add_argument("--fan-out", type=int, default=8)
    parser.add_argument("--json", type=Path, help="a file for the figures")
    given = parser.parse_args()
    heading("delegates", "made here", split="none", seed="none", model=given.model, fan_out=given.fan_out)
    found = {name: play(name, given.model, given.fan_out) for name in CONTENDERS}
    base = found["delegates, shared prefix"]
    for name, one in found.items():
        print(
            f"  {name:30} ${one['usd']:.4f}  {one['requests']:3} requests  {one['input_tokens']:>9,} in "
            f"({one['read']:.1%} read)  {one['output_tokens']:,} out  largest {one['largest_request']:,}  "
            f"shared / this {base['usd'] / one['usd']:.3f}"
        )
    missed = [
        f"{base['usd'] / found[name]['usd']:.3f} of {name}, target {most}"
        for name, most in (("fresh conversations", FRESH), ("deepagents task", TASK))
        if base["usd"] / found[name]["usd"] > most
    ]
    if not all(LEAST <= one["largest_request"] <= MOST + 20_000 for one in found.values()):
        missed.append("a prefix is not of 60k tokens")
    record_figures(contenders=found, missed=missed)
    if given.json:
        given.json.write_text(json.dumps({"model": given.model, "contenders": found, "missed": missed}, indent=1))
    print("  all targets met" if not missed else "  MISSED: " + "; ".join(missed))
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
