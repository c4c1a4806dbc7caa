"""The events that a team reports while it works."""

from dataclasses import dataclass
from typing import Literal

from agentmem.runtime.events import Event, ToolCalled, ToolReturned
from agentmem.team.budget import TeamSpent
from agentmem.team.result import TeamResult
from agentmem.team.roles import Name
from agentmem.types import Text

SAID = 200
"""The most characters of an error that are told."""

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


def doing_of(event: Event) -> str:
    """The activity of a role by an event of its run; "" where that says nothing new. Commands are told as they run."""
    match event:
        case ToolCalled(call) if call.name != "run":
            return f"calls {call.name}"
        case ToolReturned(name, result) if result.is_error:
            said = " ".join(block.text for block in result.content if isinstance(block, Text)).split("\n", 1)[0]
            return f"{name} failed: {said[:SAID]}"
    return ""
