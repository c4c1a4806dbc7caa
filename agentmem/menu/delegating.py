"""The tool `delegate`: pieces of a task for delegates. The runtime brings the function that runs them."""

from typing import Annotated

from pydantic import Field

from agentmem.errors import BadArguments, ToolError
from agentmem.menu.tool import ToolContext

MOST = 16
"""The most delegates of one call."""


def delegate(
    tasks: Annotated[list[str], Field(description="one text for each delegate")],
    context: ToolContext,
    fresh: bool = False,
) -> str:
    """Gives pieces of a task to delegates that work side by side; returns their reports."""
    if context.delegate is None:
        raise ToolError("A delegate cannot delegate any further: do this piece yourself.")
    pieces = [task for task in tasks if task.strip()]
    if not 0 < len(pieces) <= MOST:
        raise BadArguments(f"`tasks` must have 1 to {MOST} texts, and it has {len(pieces)}.")
    return context.delegate(pieces, fresh=fresh, stop=context.stop)
