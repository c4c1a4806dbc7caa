"""The demo of a team: a car park's fees with three faults, and the scripts of a coder and a tester who mend them."""

import sys
from pathlib import Path
from shutil import copytree, ignore_patterns

from agentmem import assets
from agentmem.models.scripted import ReplyMeter, ScriptedModel
from agentmem.team import Role, Team

PRICED_AS = "anthropic:claude-sonnet-5-5"
"""Whose prices stand in: a script has none of its own."""


def example() -> Path:
    """The folder of the example: task.md, the two scripts, and the repository."""
    return assets.folder("examples") / "08_team"


def task() -> str:
    """What the team is asked to do."""
    return (example() / "task.md").read_text(encoding="utf-8").strip()


def prepare(folder: Path) -> Path:
    """A copy of the repository in ``folder``; its path."""
    return Path(copytree(example() / "carpark", folder / "carpark", ignore=ignore_patterns("__pycache__")))


def team(repo: Path, place: Path, meter: ReplyMeter) -> Team:
    """The team, both of its scripts metered by ``meter`` as one model is. Its commands see this Python's pytest."""
    coder, tester = (
        Role(ScriptedModel.load(example() / f"{name}.md", meter=meter), price_as=PRICED_AS)
        for name in ("coder", "tester")
    )
    path = f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin"
    # Plugins that happen to be installed here are no part of the example.
    seen = {"PATH": path, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    return Team(coder, tester, repo, place=place, environment=seen)
