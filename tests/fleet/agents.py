"""Agents for the tests of fleets, made where a worker is."""

import os
import signal
from pathlib import Path
from typing import Any

from agentmem import Agent
from agentmem.errors import ModelOverloaded
from agentmem.fleet.settings import FleetSeat
from agentmem.models.scripted import SCRIPTED, ScriptedModel, place
from agentmem.types import ModelProfile, Options, Request

PRICED = ModelProfile("anthropic", "claude-sonnet-5-5", "cloud")


def make_agent(seat: FleetSeat) -> Agent:
    """Writes a page and answers with its key. ``more`` has it fail, wait for a person, have a price, or kill itself."""

    def turn(request: Request) -> Any:
        if seat.more.get("error") == "always":
            raise ModelOverloaded("busy")
        if seat.more.get("error") == "bug":
            raise ValueError("a bug of mine")
        if place(request) == 0 or _cut_off(request):
            return {"text": "I write.", "calls": [{"write": {"page": "note.md", "text": f"# {seat.key}\n"}}]}
        if "kills_worker" in seat.more:
            _die_once(Path(seat.more["kills_worker"]))
        return f"Done {seat.key}."

    priced = seat.more.get("priced")
    return Agent(
        ScriptedModel(turn, profile=PRICED if priced else SCRIPTED),
        seat.workspace,
        database=seat.database,
        tools=["read", "write"],
        approve=["write"] if seat.more.get("asks") else [],
        archive=None,
        options=Options(max_tokens=100) if priced else Options(),
        system=f"You keep notes. {seat.prefix}",
    )


def _cut_off(request: Request) -> bool:
    """If the last result says that the call may not have taken effect: its worker died under it."""
    return any("was cut off" in str(frame.value) for frame in request.turns[-1].frames)


def _die_once(mark: Path) -> None:
    """Kill this process as the kernel does, unless the mark says that it was done before."""
    if not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)


KEPT = ScriptedModel(["Done."])


def made_before(seat: FleetSeat) -> Agent:
    """Not a new agent: one whose model nobody put behind a gate."""
    from agentmem.runtime.components import AROUND

    AROUND.set(None)
    return Agent(KEPT, seat.workspace, database=seat.database, archive=None)
