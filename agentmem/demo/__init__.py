"""The demo: a small workshop's pages, a task for an agent, and a scripted planner, so that it runs without a key."""

from importlib.resources import as_file, files
from pathlib import Path
from shutil import copytree

from agentmem.kvcache.rules import claude_rules
from agentmem.kvcache.simulated.simulator import Simulator
from agentmem.models import engine, weights
from agentmem.models.metering import ReplyMeter, Simulated
from agentmem.models.scripted import ScriptedModel

__all__ = ["PINNED", "PRICED_AS", "TASK", "meter", "metered_by_engine", "planner", "prepare", "simulated", "team"]

TASK = (
    "Nadia Okafor asks whether we can bleed her tandem's rear brake and put in new resin pads before Saturday, and "
    "what it would cost. Answer from our pages, write down the quote, book a stand and leave a line in the diary."
)
PINNED = ("README.md",)
PRICED_AS = "anthropic:claude-sonnet-5-5"
"""Whose prices the report estimates with: a script has none of its own."""


def prepare(folder: Path) -> None:
    """Puts the workshop's pages into ``folder``, which must be new or empty."""
    with as_file(files("agentmem.demo") / "workspace") as pages:
        copytree(pages, folder, dirs_exist_ok=True)


def planner(meter: ReplyMeter) -> ScriptedModel:
    """The model that plays the demo's script, its usage taken from ``meter``."""
    with as_file(files("agentmem.demo") / "script.md") as script:
        return ScriptedModel.load(script, meter=meter)


def metered_by_engine() -> bool:
    """True where the local engine and its weights are installed."""
    return engine.available() and weights.find() is not None


def meter() -> ReplyMeter:
    """The local engine where it is installed, else Anthropic's cache rules."""
    return engine.Engine() if metered_by_engine() else simulated()


def simulated() -> ReplyMeter:
    """Anthropic's published cache rules, on our own token counts."""
    return Simulated(Simulator(claude_rules("claude-sonnet-5-5")))
