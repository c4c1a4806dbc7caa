"""The keys under which a prompt's prefixes are cached: a chain of hashes over blocks and settings.

What stands in front of what decides what a change invalidates: the model in front of all, and each setting in
front of the segment that the provider's rules name.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from agentmem.kvcache.prompts import Breakpoint, Prompt, is_web_search
from agentmem.kvcache.rules import UNMARKABLE, CacheRules
from agentmem.types import Frame

Key = int
"""Python's hash of a chain, 64 bits: only for this process, and a hit is verified beside it."""


@dataclass(frozen=True, slots=True)
class Path:
    """A prompt as the server lays it out: for each position its block, its key and the tokens up to its end."""

    frames: Sequence[Frame]
    keys: Sequence[Key]
    tokens: Sequence[int]
    breakpoints: tuple[Breakpoint, ...]

    def total(self, position: int) -> int:
        """Tokens up to the end of ``position``; 0 for -1."""
        return self.tokens[position] if position >= 0 else 0

    def marks(self, minimum: int) -> tuple[Breakpoint, ...]:
        """The breakpoints that count: those with at least ``minimum`` tokens up to them."""
        return tuple(mark for mark in self.breakpoints if self.tokens[mark.position] >= minimum)


def path(prompt: Prompt, rules: CacheRules) -> Path:
    """Lay ``prompt`` out as the provider of ``rules`` does: what it strips is gone, breakpoints moved along."""
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
    """The request's breakpoints; with ``rules.automatic`` the latest of them and the end of the last user message."""
    ends = (place for place in reversed(range(len(prompt.messages))) if prompt.messages[place].role == "user")
    last = next(ends, None) if rules.automatic else None
    if last is None:
        return prompt.breakpoints
    automatic = Breakpoint(len(prompt.tools) + len(prompt.system) + last, "5m")
    own = [mark for mark in prompt.breakpoints if mark.position != automatic.position]
    return (*own[-(rules.breakpoints - 1) :], automatic)


def _settings_before(segment: str, prompt: Prompt, rules: CacheRules) -> tuple[tuple[str, str], ...]:
    """The settings whose change loses ``segment`` and all after it."""
    lost = (name for name in sorted(prompt.settings) if rules.invalidates.get(name) == segment)
    return tuple((name, prompt.settings[name]) for name in lost)


def _dropped(prompt: Prompt, rules: CacheRules) -> frozenset[int]:
    """Positions of the blocks that are no part of the prompt: web search, whose place is a setting, and thinking
    from before the last plain user turn, on models that strip it.
    """
    searches = {place for place, tool in enumerate(prompt.tools) if is_web_search(tool)}
    if not rules.strips_thinking:
        return frozenset(searches)
    first = len(prompt.tools) + len(prompt.system)
    cut = _last_plain_turn(prompt.messages)
    thoughts = (place for place, block in enumerate(prompt.messages[:cut]) if block.value["type"] in UNMARKABLE)
    return frozenset(searches.union(first + place for place in thoughts))


def _last_plain_turn(messages: Sequence[Frame]) -> int:
    """Where the last user turn without tool results begins, as an index into ``messages``; 0 if there is none."""
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
