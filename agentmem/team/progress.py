"""The events that a team reports while it works."""

from dataclasses import dataclass
from typing import Literal

from agentmem.team.budget import TeamSpent
from agentmem.team.result import TeamResult
from agentmem.team.roles import Name

Who = Name | Literal["agentmem"]


@dataclass(frozen=True, slots=True)
class TeamProgress:
    """The role at work ("agentmem" when evidence is run again), the round of how many, and the activity.

    ``spent`` is the team's spending so far, ``command`` the last command that was run.
    """

    who: Who
    round: int
    rounds: int
    doing: str
    spent: TeamSpent
    command: str = ""


@dataclass(frozen=True, slots=True)
class TeamDone:
    """The last event, with the result."""

    result: TeamResult


TeamEvent = TeamProgress | TeamDone
