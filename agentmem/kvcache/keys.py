"""The keys of a prompt's cached prefixes: a chain of hashes over blocks and settings.

The order decides what a change invalidates. The model comes before all, and each setting comes before the segment that
the provider's rules name.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from agentmem.kvcache.prompts import Breakpoint, Prompt, is_web_search
from agentmem.kvcache.rules import UNMARKABLE, CacheRules
from agentmem.types import Frame

Key = int
"""Python's hash of a chain, 64 bits. It is valid in this process only, and each hit is verified as well."""


@dataclass(frozen=True, slots=True)
class Path:
    """A prompt in the server's order: for each position its block, its key, and the tokens up to its end."""

    frames: Sequence[Frame]
    keys: Sequence[Key]
    tokens: Sequence[int]
    breakpoints: tuple[Breakpoint, ...]

    def total(self, position: int) -> int:
        """Tokens up to the end of ``position``; 0 for -1."""
        return self.tokens[position] if position >= 0 else 0

    def marks(self, minimum: int) -> tuple[Breakpoint, ...]:
        """The breakpoints with at least ``minimum`` tokens up to them. Others have no effect."""
        return tuple(mark for mark in self.breakpoints if self.tokens[mark.position] >= minimum)


def path(prompt: Prompt, rules: CacheRules) -> Path:
    """The path of ``prompt`` under ``rules``: without the blocks that the provider drops, breakpoints moved to fit."""
    dropped = _dropped(prompt, rules)
    frames: list[Frame] = []
    keys: list[Key] = []
    tokens: list[int] = []
    moved: list[int] = []
    key, total, position = hash((rules.provider, prompt.model)), 0, 0
    for segment, blocks in (("tool", prompt.tools), ("system", prompt.system), ("message", prompt.messages)):
        key = hash((key, segment, _settings_before(segment, prompt, rules)))
        for frame in blocks:
            if position not in dropped:
                key = hash((key, frame.role, frame.data))
                total += frame.tokens
                frames.append(frame)
                keys.append(key)
                tokens.append(total)
            moved.append(len(frames) - 1)
            position += 1
    marks = (Breakpoint(moved[mark.position], mark.ttl) for mark in _marks(prompt, rules))
    return Path(frames, keys, tokens, tuple(mark for mark in marks if mark.position >= 0))


def _marks(prompt: Prompt, rules: CacheRules) -> tuple[Breakpoint, ...]:
    """The request's breakpoints. With ``rules.automatic``: its latest ones and the end of the last user message."""
    ends = (place for place in reversed(range(len(prompt.messages))) if prompt.messages[place].role == "user")
    last = next(ends, None) if rules.automatic else None
    if last is None:
        return prompt.breakpoints
    automatic = Breakpoint(len(prompt.tools) + len(prompt.system) + last, "5m")
    own = [mark for mark in prompt.breakpoints if mark.position != automatic.position]
    return (*own[-(rules.breakpoints - 1) :], automatic)


def _settings_before(segment: str, prompt: Prompt, rules: CacheRules) -> tuple[tuple[str, str], ...]:
    """The settings that come before ``segment`` in the key: a change of one loses it and all after it."""
    lost = (name for name in sorted(prompt.settings) if rules.invalidates.get(name) == segment)
    return tuple((name, prompt.settings[name]) for name in lost)


def _dropped(prompt: Prompt, rules: CacheRules) -> frozenset[int]:
    """Positions of blocks that are not part of the prompt.

    These are the web search tool, which counts as a setting, and, on models that strip it, the thinking before the last
    plain user turn.
    """
    searches = {place for place, tool in enumerate(prompt.tools) if is_web_search(tool)}
    if not rules.strips_thinking:
        return frozenset(searches)
    first = len(prompt.tools) + len(prompt.system)
    cut = _last_plain_turn(prompt.messages)
    thoughts = (place for place, block in enumerate(prompt.messages[:cut]) if block.value["type"] in UNMARKABLE)
    return frozenset(searches.union(first + place for place in thoughts))


def _last_plain_turn(messages: Sequence[Frame]) -> int:
    """The index where the last user turn without tool results begins; 0 if there is none."""
    end = len(messages)
    while end:
        start = end
        while start and messages[start - 1].role == messages[end - 1].role:
            start -= 1
        if messages[start].role == "user" and not _has_result(messages[start:end]):
            return start
        end = start
    return 0


def _has_result(blocks: Iterable[Frame]) -> bool:
    return any(block.value["type"] == "tool_result" for block in blocks)
