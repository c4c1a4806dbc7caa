"""Observed requests: what was sent, when, and what the provider, or our model of it, read from its cache."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

from agentmem.kvcache.keys import Path, path
from agentmem.kvcache.prompts import Breakpoint, Prompt
from agentmem.kvcache.rules import UNMARKABLE, CacheRules
from agentmem.kvcache.simulated.simulators import CacheSimulator, simulate
from agentmem.types import Frame, Rates, Usage

Content = tuple[str | None, bytes]
"""A block, as its role and its bytes."""


@dataclass(frozen=True)
class ObservedRequest:
    """One request of a run or a log.

    ``number`` is its place there, from 1. ``at`` is when it was sent, ``begun`` when its response began (from then on
    others can read what it stored) and ``ended`` when it ended, all in seconds. ``thread`` names its conversation; ""
    if it is not known and must be found. ``cuts`` counts the declared cuts before it in its thread, and ``compaction``
    identifies the last compaction among them, if known. ``pages`` maps the places of system blocks that are pinned
    pages to their names. ``usage`` is None if none was reported, ``rates`` if prices are not known.
    ``provider_reason`` is the reason that the provider gave for a miss. ``session`` is the name that its client gave
    ("" without one); all of its agents' conversations have it.
    """

    number: int
    at: float
    prompt: Prompt
    rules: CacheRules
    usage: Usage | None = None
    begun: float = 0.0
    ended: float = 0.0
    thread: str = ""
    cuts: int = 0
    compaction: int | None = None
    pages: Mapping[int, str] = field(default_factory=dict)
    rates: Rates | None = None
    provider_reason: str | None = None
    session: str = ""

    @cached_property
    def path(self) -> Path:
        """The prompt in the server's order."""
        return path(self.prompt, self.rules)

    @cached_property
    def messages(self) -> tuple[Frame, ...]:
        """The conversation's blocks, without thinking if the provider strips it."""
        if not self.rules.strips_thinking:
            return self.prompt.messages
        return tuple(frame for frame in self.prompt.messages if frame.value.get("type") not in UNMARKABLE)

    @cached_property
    def content(self) -> Mapping[Content, int]:
        """All blocks in any order, each with its tokens."""
        return {(frame.role, frame.data): frame.tokens for frame in self.prompt.frames}

    @property
    def used(self) -> Usage:
        """The usage; if none was reported, all input as an estimate."""
        return self.usage or Usage("estimated", self.path.total(len(self.path.frames) - 1))

    @property
    def marked(self) -> bool:
        """True if this provider stores prefixes only at breakpoints."""
        return self.rules.matching == "breakpoints"

    def tokens(self, blocks: int) -> int:
        """Tokens of the first ``blocks`` blocks in the server's order, by the provider's own count."""
        total = self.path.total(len(self.path.frames) - 1)
        return round(self.path.total(blocks - 1) * self.used.input_tokens / total) if total else 0

    def stored(self, blocks: int) -> int:
        """Tokens of the longest prefix, of at most ``blocks`` blocks, that this request left in the cache."""
        if not self.marked:
            tokens = self.tokens(blocks)
            return tokens - tokens % self.rules.block if tokens >= self.rules.minimum else 0
        mark, last = self.mark(blocks), self.mark(len(self.path.frames))
        if mark is None or last is None:
            return 0
        whole = self._written(last)
        if mark == last:
            return whole
        tokens = self.tokens(mark.position + 1)
        return min(whole, tokens) if tokens >= self.rules.minimum else 0

    def _written(self, last: Breakpoint) -> int:
        """Tokens up to the last breakpoint as reported. OpenAI reports only reads, so there they are counted."""
        if self.rules.provider == "anthropic":
            return self.used.input_tokens - self.used.uncached_tokens
        tokens = self.tokens(last.position + 1)
        return tokens if tokens >= self.rules.minimum else 0

    def mark(self, blocks: int) -> Breakpoint | None:
        """The last breakpoint within the first ``blocks`` blocks."""
        within = (mark for mark in self.path.breakpoints if mark.position < blocks)
        return max(within, key=lambda mark: mark.position, default=None)


def simulated(requests: Iterable[ObservedRequest]) -> Iterator[ObservedRequest]:
    """The requests in the order of time, with the usage that our model of the provider's cache gives."""
    caches: dict[tuple[str, str], CacheSimulator] = {}
    for one in requests:
        cache = caches.setdefault((one.rules.provider, one.prompt.model), simulate(one.rules))
        yield replace(one, usage=cache.send(one.prompt, one.at, max(0.0, one.begun - one.at)).usage)
