"""Prompts for tests, with token counts that can be added up by hand."""

from agentmem.kvcache.frames import canonical
from agentmem.kvcache.prompts import Breakpoint, Prompt
from agentmem.kvcache.rules import Setting
from agentmem.types import Frame, Json, Role, Segment, Ttl

Block = tuple[str, int]
"""The text of a block, and its tokens."""


def block(segment: Segment, value: Json, tokens: int, role: Role | None = None) -> Frame:
    """A frame that counts as exactly ``tokens``."""
    return Frame(segment, role, value, canonical(value), tokens)


def text(content: str, tokens: int, role: Role = "user") -> Frame:
    """A message block."""
    return block("message", {"type": "text", "text": content}, tokens, role)


def prompt(
    *messages: Frame,
    marks: dict[int, Ttl] | None = None,
    tools: tuple[Block, ...] = (),
    system: tuple[Block, ...] = (),
    model: str = "claude-opus-5",
    settings: dict[Setting, str] | None = None,
    diagnose: bool = False,
    previous_id: str | None = None,
) -> Prompt:
    """A prompt whose ``marks`` are {position from 0: TTL}."""
    return Prompt(
        model=model,
        tools=tuple(block("tool", {"name": name}, tokens) for name, tokens in tools),
        system=tuple(block("system", {"type": "text", "text": name}, tokens) for name, tokens in system),
        messages=messages,
        settings=settings or {},
        breakpoints=tuple(Breakpoint(position, ttl) for position, ttl in sorted((marks or {}).items())),
        diagnose=diagnose,
        previous_id=previous_id,
    )
