"""What a fleet is told once, and every worker of it has: how agents are made, where runs are kept, how many at once."""

import importlib
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agentmem.checking import CALLABLE, COUNT, NOTHING, PATH, POSITIVE, Wanted, check_fields
from agentmem.errors import ConfigError
from agentmem.fleet.board import FleetLimits

if TYPE_CHECKING:
    from agentmem.runtime.agent import Agent

TOGETHER = 16
"""Runs that a worker has at once: they wait for models most of the time."""
TRIES = 3
"""Times that a run is begun or gone on with before an error that may pass counts as its end."""
_PLACE = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*")
_NAME = re.compile(r"[A-Za-z0-9][\w.\-]{0,59}")


@dataclass(frozen=True, slots=True)
class FleetSeat:
    """What the maker of an agent gets: the database, a folder of the run's own, and the run's task.

        def make_agent(seat: FleetSeat) -> Agent:
            return Agent("anthropic:claude-sonnet-5-5", seat.workspace, database=seat.database)

    It is called for every run, on whatever host, and must give the first requests of one ``model`` and ``prefix`` the
    same bytes. ``more`` are the members of the task that agentmem does not know.
    """

    database: str
    workspace: Path
    key: str
    model: str = ""
    prefix: str = ""
    more: Mapping[str, Any] = field(default_factory=dict)


MakeAgent = Callable[[FleetSeat], "Agent"]

_WANTED: Mapping[str, Wanted] = {
    "name": Wanted(
        "1 to 60 letters, digits, dots and dashes",
        lambda given: isinstance(given, str) and bool(_NAME.fullmatch(given)),
    ),
    "agent": CALLABLE
    | Wanted("module:function", lambda given: isinstance(given, str) and bool(_PLACE.fullmatch(given))),
    "database": PATH,
    "folder": PATH,
    "together": COUNT,
    "tries": COUNT,
}
_AMOUNTS: Mapping[str, Wanted] = dict.fromkeys(("max_usd", "requests_minute", "tokens_minute"), POSITIVE | NOTHING)


@dataclass(frozen=True, slots=True)
class FleetSettings:
    """The settings of a fleet. ``agent`` is a function of a FleetSeat, or "module:function". Raises ConfigError."""

    name: str
    agent: MakeAgent | str
    database: str
    folder: Path
    limits: FleetLimits = field(default_factory=FleetLimits)
    together: int = TOGETHER
    tries: int = TRIES

    def __post_init__(self) -> None:
        given = {name: getattr(self, name) for name in _WANTED}
        for name, one in _WANTED.items():
            if not one.fits(given[name]):
                raise ConfigError(f"{name} of Fleet must be {one.words}")
        check_fields("Fleet", self.limits, _AMOUNTS)

    def maker(self) -> MakeAgent:
        """The function that makes agents. Raises ConfigError."""
        return loaded(self.agent) if isinstance(self.agent, str) else self.agent


def loaded(place: str) -> MakeAgent:
    """The function named "module:function", found also in the folder where one started. Raises ConfigError."""
    module, _, name = place.partition(":")
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    try:
        made = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise ConfigError(f"--agent {place} cannot be loaded: {error}") from error
    if not callable(made):
        raise ConfigError(f"--agent {place} is no function")
    return made  # type: ignore[no-any-return]
