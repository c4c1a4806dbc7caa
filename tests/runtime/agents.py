"""Agents and tools for the runtime's tests."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from agentmem.models.scripted import ScriptedModel
from agentmem.runtime.agent import Agent
from agentmem.types import ToolCall

NOON = 1_764_158_400.0  # a Wednesday in November 2025


def clock() -> float:
    """A clock that stands still."""
    return NOON


def call(name: str, arguments: str = "{}", id: str = "") -> ToolCall:
    return ToolCall(id or f"call_{name}", name, arguments)


def agent(folder: Path, turns: Sequence[Any], **settings: Any) -> Agent:
    """An agent in ``folder`` whose model says ``turns``."""
    return Agent(ScriptedModel(turns), folder, clock=clock, **settings)


def kinds(one: Agent, thread: str) -> list[str]:
    """The kinds of a thread's entries, in order."""
    return [entry.kind for entry in one.journal.entries(thread)]
