"""What the `recall` tool recalls with, where an agent has no archive."""

from agentmem.memory.pieces import SIZE as PASSAGE
from agentmem.memory.pieces import runs as passages
from agentmem.memory.recall import JournalRecall

__all__ = ["PASSAGE", "JournalRecall", "passages"]
