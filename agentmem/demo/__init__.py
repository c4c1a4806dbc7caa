"""Holds the demo: a small workshop's pages, a task for an agent, and a scripted planner, so that no key is needed."""

from importlib.resources import as_file, files
from pathlib import Path
from shutil import copytree

from agentmem.kvcache.rules import claude_rules
from agentmem.kvcache.simulated.simulator import Simulator
from agentmem.models import engine, weights
from agentmem.models.meters import ReplyMeter, Simulated
from agentmem.models.scripted import ScriptedModel

__all__ = ["PINNED", "PRICED_AS", "TASK", "meter", "metered_by_engine", "planner", "prepare", "simulated", "team"]

TASK = (
    "Nadia Okafor asks whether we can bleed her tandem's rear brake and put in new resin pads before Saturday, and "
    "what it would cost. Answer from our pages, write down the quote, book a stand and leave a line in the diary."
)
PINNED = ("README.md",)
PRICED_AS = "anthropic:claude-sonnet-5-5"
"""The model whose prices the report uses, since a script has none."""


def prepare(folder: Path) -> None:
    """Copies the workshop's pages into ``folder``, which must be new or empty."""
    with as_file(files("agentmem.demo") / "workspace") as pages:
        copytree(pages, folder, dirs_exist_ok=True)


def planner(meter: ReplyMeter) -> ScriptedModel:
    """The model that plays the demo's script. Its usage comes from ``meter``."""
    with as_file(files("agentmem.demo") / "script.md") as script:
        return ScriptedModel.load(script, meter=meter)


def metered_by_engine() -> bool:
    """True if the local engine and its weights are installed."""
    return engine.available() and weights.find() is not None


def meter() -> ReplyMeter:
    """The local engine if it is installed, else Anthropic's cache rules."""
    return engine.Engine() if metered_by_engine() else simulated()


def simulated() -> ReplyMeter:
    """A meter by Anthropic's published cache rules and our own token counts."""
    return Simulated(Simulator(claude_rules("claude-sonnet-5-5")))
