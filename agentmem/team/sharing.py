"""What two roles on one model share: the bytes of the prefix that both begin with, and what that saved."""

from dataclasses import dataclass

from agentmem.context.window import View, window
from agentmem.kvcache.frames import encode
from agentmem.meter.ledger import Row, rows
from agentmem.transcript.journal import Journal
from agentmem.types import Basis


@dataclass(frozen=True, slots=True)
class Shared:
    """The prefix that both roles' first requests begin with: its bytes, and our count of its tokens.

    ``read_tokens`` of the tester's first request came from the cache, as ``basis`` says who counted; ``saved_usd`` is
    what that request cost less than without a cache (None: no price).
    """

    bytes: int
    tokens: int
    read_tokens: int
    basis: Basis
    saved_usd: float | None


def shared(journal: Journal, coder: str, tester: str) -> Shared | None:
    """What the tester's thread shares with the coder's; None where they share nothing, or one has not begun."""
    first = _first(journal, tester)
    if first is None or _first(journal, coder) is None:
        return None
    size = tokens = 0
    for one, other in zip(_view(journal, coder).frames, _view(journal, tester).frames, strict=False):
        if one != other:
            break
        size, tokens = size + len(encode(one)), tokens + one.tokens
    saved = None
    if first.cost_usd is not None and first.cost_uncached_usd is not None:
        saved = first.cost_uncached_usd - first.cost_usd
    return Shared(size, tokens, first.usage.cache_read_tokens, first.usage.basis, saved) if size else None


def _first(journal: Journal, thread: str) -> Row | None:
    return next((row for row in rows(journal, thread) if not row.error), None)


def _view(journal: Journal, thread: str) -> View:
    """The thread as its first reply found it: the entries before that."""
    before = []
    for entry in journal.entries(thread):
        if entry.kind == "assistant":
            break
        before.append(entry)
    return window(before)
