"""Runs that can wait go through the batch API by their label, and a kill while they wait sends nothing twice."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from agentmem.kvcache.simulated.batches import PATH, SimulatedBatches
from agentmem.kvcache.simulated.events import ServerAnswer
from agentmem.kvcache.simulated.faults import Expired
from agentmem.kvcache.simulated.faults import Reply as Served
from agentmem.kvcache.simulated.server import MessagesServer, echo
from agentmem.meter.ledger import rows
from agentmem.models.anthropic import AnthropicModel
from agentmem.models.anthropic_request import check_body
from agentmem.models.batches import BatchModel
from agentmem.routing.labels import labelled
from agentmem.routing.routes import Routes
from agentmem.routing.rules import RouteRule
from agentmem.routing.targets import RouteTarget
from agentmem.runtime.agent import Agent
from tests.runtime.agents import NOON

PATIENT = RouteRule("what can wait", ("later",), {"urgency": ("batch",)})
CHILD = """
import sys
from pathlib import Path
from agentmem import Agent, AnthropicModel, RouteRule, RouteTarget, Routes, labelled
from agentmem.models.batches import BatchModel

url, folder = sys.argv[1], Path(sys.argv[2])
inner = AnthropicModel("claude-haiku-4-5", api_key="none", base_url=url)
later = RouteTarget("later", BatchModel(inner, folder / "batches", poll=600), "batch")
routes = Routes([later], [RouteRule("what can wait", ("later",), {"urgency": ("batch",)})])
model = AnthropicModel("claude-opus-4-5", api_key="none", base_url=url)
with labelled(urgency="batch"), Agent(model, folder, tools=[], routes=routes) as agent:
    for event in agent.stream("Check the pages.", thread="t"):
        print(type(event).__name__, flush=True)
"""


@contextmanager
def batching(server: MessagesServer, folder: Path, **settings: Any) -> Iterator[Agent]:
    with (
        AnthropicModel("claude-haiku-4-5", api_key="none", base_url=server.url) as inner,
        AnthropicModel("claude-opus-4-5", api_key="none", base_url=server.url) as model,
    ):
        later = RouteTarget("later", BatchModel(inner, folder / "batches", poll=0.001), "batch")
        with Agent(model, folder, tools=[], routes=Routes([later], [PATIENT]), **settings) as agent:
            yield agent


def sent(server: MessagesServer) -> int:
    return sum(one.path == PATH and one.body is not None for one in server.requests)


def test_a_run_that_can_wait_goes_in_a_batch(tmp_path: Path) -> None:
    """By its label; its row says the tier, and costs half. Others go as ever."""
    with MessagesServer(echo, validate=check_body) as server, batching(server, tmp_path, clock=lambda: NOON) as agent:
        with labelled(urgency="batch"):
            assert agent.run("Check the pages.", thread="t").text.startswith("You said:")
        assert (sent(server), len(server.bodies)) == (1, 0)
        agent.run("Check the pages.", thread="u")
        assert (sent(server), len(server.bodies)) == (1, 1)
        (row,) = rows(agent.journal, "t")
        assert row.route is not None
        assert (row.route.target, row.route.tier, row.extras.speed) == ("later", "batch", "batch")
        assert row.cost_usd is not None
        assert row.route.move_usd is not None
        assert row.cost_usd < row.route.move_usd * 2


def test_a_conversation_goes_on_elsewhere_when_somebody_waits(tmp_path: Path) -> None:
    """The next run of the thread is interactive: it leaves the batch."""
    with MessagesServer(echo, validate=check_body) as server, batching(server, tmp_path, clock=lambda: NOON) as agent:
        with labelled(urgency="batch"):
            agent.run("Check the pages.", thread="t")
        agent.run("And now?", thread="t")
        assert [row.route.target for row in rows(agent.journal, "t") if row.route] == ["later", "default"]


def test_an_expired_batch_falls_back(tmp_path: Path) -> None:
    """The request is answered by the default instead, and the ledger says why."""
    script: list[Served] = [Expired(), ServerAnswer.text("Now.")]
    with MessagesServer(script, validate=check_body) as server, batching(server, tmp_path) as agent:
        with labelled(urgency="batch"):
            assert agent.run("Check the pages.", thread="t").text == "Now."
        failed, answered = rows(agent.journal, "t")
        assert failed.error is not None
        assert "expired in its batch" in failed.error
        assert answered.route is not None
        assert answered.route.target == "default"


def test_a_kill_while_it_waits(tmp_path: Path) -> None:
    """The process dies while its batch is worked on: the next run finds the batch, and sends nothing twice."""
    with MessagesServer(echo, validate=check_body, batches=SimulatedBatches(looks=2)) as server:
        command = [sys.executable, "-c", CHILD, server.url, str(tmp_path)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
            assert child.stdout is not None
            assert any(line.strip() == "Waiting" for line in child.stdout)
            child.kill()
        assert sent(server) == 1
        with batching(server, tmp_path) as agent:
            assert agent.run(thread="t").text.startswith("You said:")
            (row,) = rows(agent.journal, "t")
            assert row.route is not None
            assert (row.route.target, row.route.why) == ("later", "its batch was sent already")
        assert (sent(server), len(server.bodies)) == (1, 0)
