"""What the `recall` tool recalls with, where an agent has no archive."""

from agentmem.recall.pieces import SIZE as PASSAGE
from agentmem.recall.pieces import runs as passages
from agentmem.recall.recall import JournalRecall, weak

__all__ = ["PASSAGE", "JournalRecall", "passages", "weak"]
