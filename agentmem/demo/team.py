"""Holds the team's demo: a car park's fees with three faults, and scripts of a coder and a tester who fix them."""

import sys
from pathlib import Path
from shutil import copytree, ignore_patterns

from agentmem import assets
from agentmem.models.meters import ReplyMeter
from agentmem.models.scripted import ScriptedModel
from agentmem.team import Role, Team

PRICED_AS = "anthropic:claude-sonnet-5-5"
"""The model whose prices the report uses, since a script has none."""


def example() -> Path:
    """The folder of the example: task.md, the two scripts, and the repository."""
    return assets.folder("examples") / "08_team"


def task() -> str:
    """The task for the team."""
    return (example() / "task.md").read_text(encoding="utf-8").strip()


def prepare(folder: Path) -> Path:
    """Copies the repository into ``folder`` and returns the copy's path."""
    return Path(copytree(example() / "carpark", folder / "carpark", ignore=ignore_patterns("__pycache__")))


def team(repo: Path, place: Path, meter: ReplyMeter) -> Team:
    """The team. ``meter`` counts both scripts as one model. Its commands see this Python's pytest."""
    coder, tester = (
        Role(ScriptedModel.load(example() / f"{name}.md", meter=meter), price_as=PRICED_AS)
        for name in ("coder", "tester")
    )
    path = f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin"
    # The example must not depend on the plugins that are installed here.
    seen = {"PATH": path, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    return Team(coder, tester, repo, place=place, environment=seen)
