"""The window of a conversation as it is now: what it holds by kind and by page, and what is largest in it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from statistics import median
from typing import Any

from agentmem.compaction.when import Compaction
from agentmem.meter.prices import window as model_window
from agentmem.report.blocks import KINDS, call_names, kind_of, name_of
from agentmem.report.loading import Observed
from agentmem.report.recorded import ContextFrames
from agentmem.types import Frame, ModelProfile

LARGEST = 10
"""Blocks that are listed."""


@dataclass(frozen=True, slots=True)
class WindowBlock:
    """A block of a context: its place among all, from 1, its kind, what it is called, and its tokens."""

    place: int
    kind: str
    name: str
    tokens: int


_STAYS = frozenset({"tools", "system", "pages"})
_REPLY = ("replies", "calls", "thinking")
_SIZES = Compaction()


@dataclass(frozen=True, slots=True)
class ContextNow:
    """A context after its last reply. Tokens are the provider's where it reported any, else counted here.

    ``limit`` is where the next compaction is to be expected, in tokens: the median of those so far, or else the model's
    window; None if neither is known. ``limited_by`` says which.
    """

    name: str
    tokens: int
    blocks: tuple[WindowBlock, ...]
    limit: int | None
    limited_by: str
    pages: Mapping[str, int]

    def kinds(self) -> dict[str, int]:
        """Tokens by kind, without the kinds that are not there."""
        sums = {kind: sum(one.tokens for one in self.blocks if one.kind == kind) for kind in KINDS}
        return {kind: tokens for kind, tokens in sums.items() if tokens}

    def leaving(self) -> dict[str, int]:
        """Tokens by kind that a compaction of agentmem's own would take out now, at its default sizes.

        Tools, system and pages stay, and so do the last reply and what came after it; of what people said the newest
        stays. What leaves keeps a line in an index and can be recalled; a summary takes its place.
        """
        left = dict.fromkeys(KINDS, 0)
        tail, people = _SIZES.tail, _SIZES.users
        replied = whole = False
        for one in reversed(self.blocks):
            whole = whole or (replied and tail <= 0 and one.kind not in _REPLY)
            replied |= one.kind in _REPLY
            if one.kind in _STAYS:
                continue
            if one.kind == "messages" and whole:
                stays = min(one.tokens, _SIZES.user, max(0, people))
                people -= stays
                left[one.kind] += one.tokens - stays
            elif whole:
                left[one.kind] += one.tokens
            tail -= one.tokens
        return {kind: tokens for kind, tokens in left.items() if tokens}

    def largest(self) -> list[WindowBlock]:
        """The largest blocks, the largest first."""
        return sorted(self.blocks, key=lambda one: -one.tokens)[:LARGEST]

    def value(self) -> dict[str, Any]:
        """The object that `agentmem context --json` prints."""
        blocks = [
            {"place": one.place, "kind": one.kind, "name": one.name, "tokens": one.tokens} for one in self.largest()
        ]
        left = None if self.limit is None else max(0, self.limit - self.tokens)
        return {
            "run": self.name,
            "tokens": self.tokens,
            "blocks": len(self.blocks),
            "by_kind": self.kinds(),
            "by_page": dict(self.pages),
            "limit": self.limit,
            "limited_by": self.limited_by or None,
            "tokens_left": left,
            "leaving": self.leaving(),
            "largest": blocks,
        }


def context_now(observed: Observed) -> ContextNow:
    """The context of ``observed`` after its last reply, scaled to what the provider reported of the last request."""
    frames = (*observed.window.head, *observed.window.messages)
    scale = _scale(observed, sum(one.tokens for one in frames))
    paged = dict(observed.pages)
    blocks = tuple(_blocks(observed.window, frames, paged, scale))
    pages: dict[str, int] = {}
    for one in blocks:
        if one.kind == "pages":
            pages[one.name] = pages.get(one.name, 0) + one.tokens
    limit, by = _limit(observed)
    return ContextNow(observed.name, sum(one.tokens for one in blocks), blocks, limit, by, pages)


def _blocks(
    window: ContextFrames, frames: tuple[Frame, ...], pages: Mapping[int, str], scale: float
) -> Iterator[WindowBlock]:
    calls = call_names(frames)
    for at, one in enumerate(frames):
        kind = "pages" if at in pages else kind_of(one, window.summary)
        yield WindowBlock(at + 1, kind, pages.get(at) or name_of(one, calls), round(one.tokens * scale))


def _scale(observed: Observed, counted: int) -> float:
    """The provider's tokens for one of ours, by the last request that has both."""
    rows = (turn.row for turn in reversed(observed.turns))
    last = next(
        (row for row in rows if row.usage.basis == "measured" and row.usage.input_tokens and row.context_tokens), None
    )
    return last.usage.input_tokens / last.context_tokens if last and counted else 1.0


def _limit(observed: Observed) -> tuple[int | None, str]:
    if observed.compactions:
        return round(median(observed.compactions)), "where it was compacted so far"
    model = next((turn.row.priced_as or turn.row.model for turn in reversed(observed.turns) if turn.row.model), "")
    provider, _, name = model.partition(":")
    found = model_window(ModelProfile(provider, name, "cloud")) if name else None
    return found, "the model's window" if found else ""
