"""Four models and one agent: each request runs where the rules put it, and the ledger says why.

The cloud, its batches and the machine in the house are one simulated server on this machine.
"""

import tempfile
from contextlib import ExitStack
from pathlib import Path

from agentmem import Agent, AnthropicModel, ModelProfile, Privacy, RouteRule, Routes, RouteTarget, labelled
from agentmem.meter import rows
from agentmem.testing import MessagesServer, ServerAnswer

RULES = [
    RouteRule("kept in the house", ("house",), {"privacy": ("private",)}),
    RouteRule("what can wait", ("night",), {"urgency": ("batch",)}, now=True),
    RouteRule("sub-tasks", ("small",), {"size": ("small",)}),
]


def claude(name: str, url: str, opened: ExitStack, provider: str = "anthropic") -> AnthropicModel:
    """A model of the simulated server. With a key, leave out the address."""
    profile = ModelProfile(provider, name, "cloud")
    return opened.enter_context(AnthropicModel(name, api_key="none", base_url=url, model_profile=profile))


def routes(url: str, opened: ExitStack) -> Routes:
    targets = [
        RouteTarget("small", claude("claude-haiku-4-5", url, opened)),
        RouteTarget("night", claude("claude-opus-4-5", url, opened), tier="batch"),
        RouteTarget("house", claude("house-model", url, opened, "vllm"), tier="edge"),
    ]
    return Routes(targets, RULES, privacy=Privacy(threads=("client-*",), words=(r"\bpatient\b",)))


def main(folder: Path) -> None:
    with ExitStack() as opened:
        url = opened.enter_context(MessagesServer(lambda body: ServerAnswer.text("Done."))).url
        model = claude("claude-opus-4-5", url, opened)
        agent = opened.enter_context(Agent(model, folder, tools=[], routes=routes(url, opened)))
        agent.run("Plan the week.", thread="main")
        agent.delegate("Check the list of parts.", thread="main", fresh=True)
        agent.run("What does the patient need?", thread="visit")
        with labelled(urgency="batch"):
            agent.run("Check all pages of this month.", thread="audit")
        for thread in ("main", "main.d1", "visit", "audit"):
            for row in rows(agent.journal, thread):
                assert row.route is not None
                print(f"{thread:<8} {row.route.target:<8} {row.route.tier:<6} {row.route.why}")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as place:
        main(Path(place))
