"""Asks the gates of the answer cache about a pair of questions."""

from agentmem.answers.guard import objection
from agentmem.answers.spelling import Spells
from agentmem.answers.words import pair


def rule(left: str, right: str, spells: Spells | None = None) -> str:
    """The name of the gate that objects to a pair, or "". With ``spells`` words may be misspelt."""
    return objection(pair(left, right, spells))[0]
