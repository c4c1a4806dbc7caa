"""What a team tells whoever watches it."""

from dataclasses import dataclass
from typing import Literal

from agentmem.team.budget import TeamSpent
from agentmem.team.result import TeamResult
from agentmem.team.roles import Name

Who = Name | Literal["agentmem"]


@dataclass(frozen=True, slots=True)
class TeamProgress:
    """Who is at work (agentmem itself, where it runs evidence again), in which round of how many, and at what.

    ``spent`` is the team's so far; ``command`` the last command that was run.
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
