"""Agents over one warehouse: forks, roles and later sessions share what they begin with, on the real engine."""

from pathlib import Path

from agentmem.kvcache.warehouse.warehouse import Warehouse
from agentmem.meter.ledger import rows
from agentmem.models.engine import Engine
from agentmem.models.scripted import ScriptedModel
from agentmem.runtime.agent import Agent
from agentmem.types import KvSources

SYSTEM = "You work in a small print shop. Paper is ordered on Mondays. Be brief, and name the page. " * 3


def sources(agent: Agent, thread: str) -> KvSources:
    """Where the last request of a thread had its KV state from."""
    found = list(rows(agent.journal, thread))[-1].sources
    assert found is not None
    return found


def opened(engine: Engine, folder: Path) -> Agent:
    return Agent(ScriptedModel(["Done."] * 5, meter=engine, sequential=True), folder, tools=[], system=SYSTEM)


def test_roles_forks_and_later_sessions_start_warm(weights: Path, tmp_path: Path) -> None:
    """One engine with one slot: each computes only what nobody computed before, and a restart finds all of it."""
    with (
        Engine(context=1024, warehouse=Warehouse(ram="2 MB", folder=tmp_path / "kv")) as engine,
        opened(engine, tmp_path / "coder") as coder,
        opened(engine, tmp_path / "tester") as tester,
    ):
        coder.run("Look at order 17.", thread="main")
        first = sources(coder, "main")
        tester.run("Look at invoice 3.", thread="main")
        assert sources(tester, "main").computed < first.computed / 2
        coder.fork("main", to="other")
        coder.run("Another way?", thread="other")
        forked = sources(coder, "other")
        assert forked.computed < first.computed / 2
        assert forked.ram + forked.disk > 0
    with (
        Engine(context=1024, warehouse=Warehouse(ram=0, folder=tmp_path / "kv")) as later,
        opened(later, tmp_path / "coder") as again,
    ):
        again.run("And now?", thread="main")
        found = sources(again, "main")
        assert found.disk >= first.computed - 1
        assert found.computed < first.computed / 2
