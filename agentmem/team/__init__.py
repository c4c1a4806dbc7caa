"""A coder and a tester: two agents with two contexts, and one verdict on evidence.

Names are imported on first use.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from agentmem.team.budget import Budget as Budget
    from agentmem.team.progress import TeamDone as TeamDone
    from agentmem.team.progress import TeamProgress as TeamProgress
    from agentmem.team.report import Report as Report
    from agentmem.team.result import Refusal as Refusal
    from agentmem.team.result import Round as Round
    from agentmem.team.result import TeamResult as TeamResult
    from agentmem.team.roles import Role as Role
    from agentmem.team.team import Team as Team

_HOMES = {
    "Budget": "budget",
    "TeamProgress": "progress",
    "Refusal": "result",
    "Report": "report",
    "Role": "roles",
    "Round": "result",
    "Team": "team",
    "TeamDone": "progress",
    "TeamResult": "result",
}

__all__ = list(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
