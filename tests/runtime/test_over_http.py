"""The agent on the official SDK over real HTTP: what the server receives is the wire, and the ledger is its bill."""

from pathlib import Path

from agentmem.context.view import wire
from agentmem.context.window import window
from agentmem.kvcache import frames
from agentmem.kvcache.prompts import Prompt
from agentmem.kvcache.rules import claude_rules
from agentmem.kvcache.simulated.events import ServerAnswer
from agentmem.kvcache.simulated.server import MessagesServer
from agentmem.kvcache.simulated.simulator import CacheOutcome, Simulator
from agentmem.menu.menu import tool
from agentmem.meter.ledger import decode
from agentmem.models.anthropic import AnthropicModel
from agentmem.runtime.agent import Agent
from agentmem.types import Options, Usage
from tests.runtime.agents import clock


def add(a: int, b: int) -> str:
    """Adds two numbers.

    Args:
        a: the first
        b: the second
    """
    return str(a + b)


THINKING = {"type": "thinking", "thinking": "Adding is for tools.", "signature": "c2lnbmVk"}
CALLS = [{"type": "tool_use", "id": f"toolu_{n}", "name": "add", "input": {"b": n, "a": 1}} for n in range(3)]
REPLIES = [
    ServerAnswer((THINKING, *CALLS)),
    ServerAnswer.text("One, two and three."),
    ServerAnswer.text("You are welcome."),
]


class Recording(Simulator):
    """Keeps what it answered."""

    def __init__(self) -> None:
        super().__init__(claude_rules)
        self.outcomes: list[CacheOutcome] = []

    def begin(self, prompt: Prompt, at: float | None = None) -> CacheOutcome:
        self.outcomes.append(super().begin(prompt, at))
        return self.outcomes[-1]


def converse(server: MessagesServer, folder: Path) -> Agent:
    """An agent that has said all of REPLIES on thread t, in two runs."""
    model = AnthropicModel("claude-sonnet-5", api_key="none", base_url=server.url, max_retries=0)
    options = Options(thinking='{"type":"adaptive"}', effort="low")
    system = "Use the tool for every sum, however small. " * 150
    agent = Agent(model, folder, tools=[tool(add, effect="read")], system=system, options=options, clock=clock)
    agent.run("Add 0, 1 and 2 to 1.", thread="t")
    agent.run("Thanks.", thread="t")
    model.close()
    return agent


def test_the_server_receives_the_wire(tmp_path: Path) -> None:
    """Invariant 1: the frames rebuilt from each body are those of the transcript at that moment, thinking included."""
    with MessagesServer(REPLIES) as server, converse(server, tmp_path) as agent:
        entries = list(agent.journal.entries("t"))
        asked = [entry.seq for entry in entries if entry.kind == "assistant"]
        bodies = server.bodies
    assert len(bodies) == len(REPLIES)
    for body, seq in zip(bodies, asked, strict=True):
        assert frames.wire(frames.body_frames(body)) == wire(window(entries[:seq]))


def test_the_ledger_is_what_the_provider_reported(tmp_path: Path) -> None:
    """Invariant 7: the sums of the ledger are the sums of the usage in the responses, and say that it was simulated."""
    simulator = Recording()
    with MessagesServer(REPLIES, simulator=simulator) as server, converse(server, tmp_path) as agent:
        rows = [decode(entry) for entry in agent.journal.own("t", "usage")]
        reported = [outcome.usage for outcome in simulator.outcomes]
    assert [row.usage.input_tokens for row in rows] == [usage.input_tokens for usage in reported]
    assert [row.usage.cache_read_tokens for row in rows] == [usage.cache_read_tokens for usage in reported]
    assert {row.usage.basis for row in rows} == {"simulated"}
    assert sum((row.usage for row in rows), Usage("simulated")).cache_read_tokens > 0
    assert [row.break_ for row in rows] == ["first", "none", "none"]


def test_there_are_never_more_than_four_breakpoints(tmp_path: Path) -> None:
    """Invariant 5, on the bodies that were sent."""
    with MessagesServer(REPLIES) as server, converse(server, tmp_path):
        assert all(1 <= str(body).count("cache_control") <= 4 for body in server.bodies)
