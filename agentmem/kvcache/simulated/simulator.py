"""Simulates a provider's prompt cache by its published rules: timed requests in, usage as the provider reports it out.

Each block of a request costs only one dictionary look-up. The key of a prefix is a chain of hashes, Python caches a
block's own hash in its bytes, and only breakpoints are stored.
"""

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from agentmem.kvcache.keys import Key, Path, path
from agentmem.kvcache.prompts import Prompt
from agentmem.kvcache.rules import CacheRules
from agentmem.kvcache.why.fingerprints import CacheMiss, Fingerprint, compare, fingerprint
from agentmem.types import Clock, Frame, Ttl, Usage

_REMEMBERED = 4096  # requests whose fingerprints are kept for comparing
_NEVER = float("inf")


@dataclass(slots=True)
class CacheEntry:
    """The entry stored at one breakpoint. ``last`` is its last block: a hash hit is verified against it."""

    last: Frame
    tokens: int
    ttl: Ttl
    expires: float
    visible: float = _NEVER

    def ends_with(self, taken: Path, position: int) -> bool:
        """True if this is the entry of that prefix, and not of another with the same hash."""
        return self.tokens == taken.tokens[position] and self.last == taken.frames[position]


@dataclass(frozen=True, slots=True)
class CacheOutcome:
    """The result of a request: its input usage (no output yet), and, if it asked, why it missed.

    ``usage.basis`` is "simulated". ``id`` is the reply's id, for a later request to compare with.
    """

    id: str
    usage: Usage
    miss: CacheMiss | None
    written: tuple[CacheEntry, ...]


class Simulator:
    """One provider's cache for one workspace, shared by all of its models.

    ``rules`` are those of one model, or a function from a model's name to them. Not safe for threads: use a lock to
    share it.
    """

    def __init__(self, rules: CacheRules | Callable[[str], CacheRules], clock: Clock = time.time) -> None:
        self._rules = (lambda _model: rules) if isinstance(rules, CacheRules) else rules
        self._clock = clock
        self._entries: dict[Key, CacheEntry] = {}
        self._fingerprints: OrderedDict[str, Fingerprint] = OrderedDict()
        self._requests = 0
        self._sweep_at = 1024

    @property
    def stored(self) -> int:
        """The number of entries held. Expired ones are removed now and then."""
        return len(self._entries)

    def send(self, prompt: Prompt, at: float | None = None, first_token_after: float = 0.0) -> CacheOutcome:
        """Send a request at ``at`` (seconds; default now). The response begins ``first_token_after`` seconds later."""
        start = self._clock() if at is None else at
        outcome = self.begin(prompt, start)
        self.respond(outcome, start + first_token_after)
        return outcome

    def begin(self, prompt: Prompt, at: float | None = None) -> CacheOutcome:
        """A request arrives. Others cannot read what it writes until `respond`."""
        start = self._clock() if at is None else at
        rules = self._rules(prompt.model)
        taken = path(prompt, rules)
        read, written = self._match(taken, rules, start)
        usage = bill(taken, rules, read)
        self._requests += 1
        identity = f"msg_sim_{self._requests:08x}"
        miss = self._diagnose(prompt, identity, usage) if prompt.diagnose else None
        self._sweep(start)
        return CacheOutcome(identity, usage, miss, written)

    def send_path(self, taken: Path, rules: CacheRules, at: float, first_token_after: float = 0.0) -> Usage:
        """`send` for a prompt whose path the caller has already, at the cost of what is new in it."""
        read, written = self._match(taken, rules, at)
        self._requests += 1
        self._sweep(at)
        self.respond(CacheOutcome("", Usage("simulated"), None, written), at + first_token_after)
        return bill(taken, rules, read)

    def respond(self, outcome: CacheOutcome, at: float | None = None) -> None:
        """The response begins: from now on others can read what the request wrote."""
        now = self._clock() if at is None else at
        for entry in outcome.written:
            entry.visible = min(entry.visible, now)

    def _match(self, taken: Path, rules: CacheRules, start: float) -> tuple[int, tuple[CacheEntry, ...]]:
        """The position of the highest hit (-1: none) and the entries written, at breakpoints only."""
        hits = [self._look_back(taken, rules, mark.position, start) for mark in taken.marks(rules.minimum)]
        highest = max((hit for hit in hits if hit is not None), default=None, key=lambda hit: hit[0])
        for hit in hits:
            if hit is not None:
                self._refresh(hit[1], rules, start)
        position = -1 if highest is None else highest[0]
        paid: Ttl = "1h" if highest is None else highest[1].ttl
        return position, self._write(taken, rules, start, position, paid)

    def _look_back(self, taken: Path, rules: CacheRules, marked: int, start: float) -> tuple[int, CacheEntry] | None:
        """The nearest entry at or before a breakpoint, over at most ``rules.lookback`` positions including its own."""
        for position in range(marked, max(-1, marked - rules.lookback), -1):
            entry = self._entries.get(taken.keys[position])
            if entry and entry.visible <= start < entry.expires and entry.ends_with(taken, position):
                return position, entry
        return None

    def _refresh(self, entry: CacheEntry, rules: CacheRules, start: float) -> None:
        entry.expires = max(entry.expires, start + rules.lifetimes[entry.ttl])

    def _write(self, taken: Path, rules: CacheRules, start: float, read: int, paid: Ttl) -> tuple[CacheEntry, ...]:
        """Write one entry at each breakpoint. Up to the hit nothing is billed, so the entry lives no longer than it."""
        written = []
        for mark in taken.marks(rules.minimum):
            ttl = mark.ttl if mark.position > read else min(mark.ttl, paid, key=rules.lifetimes.__getitem__)
            entry = self._entries.get(taken.keys[mark.position])
            if entry is None or entry.expires <= start:
                entry = CacheEntry(taken.frames[mark.position], taken.tokens[mark.position], ttl, 0.0)
                self._entries[taken.keys[mark.position]] = entry
            elif mark.position > read:
                entry.ttl = max(entry.ttl, ttl, key=rules.lifetimes.__getitem__)
            self._refresh(entry, rules, start)
            written.append(entry)
        return tuple(written)

    def _diagnose(self, prompt: Prompt, identity: str, usage: Usage) -> CacheMiss | None:
        mine = fingerprint(prompt, usage)
        self._fingerprints[identity] = mine
        if len(self._fingerprints) > _REMEMBERED:
            self._fingerprints.popitem(last=False)
        if prompt.previous_id is None:
            return None
        return compare(self._fingerprints.get(prompt.previous_id), mine, prompt, usage)

    def _sweep(self, now: float) -> None:
        """Remove expired entries, each time the store has doubled."""
        if len(self._entries) >= self._sweep_at:
            self._entries = {key: entry for key, entry in self._entries.items() if entry.expires > now}
            self._sweep_at = max(1024, 2 * len(self._entries))


def bill(taken: Path, rules: CacheRules, read: int) -> Usage:
    """Input usage, by three positions: A the highest hit, B the last 1 h mark after A (else A), C the last mark.

    Read up to A; written for 1 h from A to B, and for 5 min from B to C; the rest is plain input.
    """
    marks = [mark for mark in taken.marks(rules.minimum) if mark.position > read]
    a = taken.total(read)
    b = max((taken.total(mark.position) for mark in marks if mark.ttl == "1h"), default=a)
    c = max((taken.total(mark.position) for mark in marks), default=a)
    return Usage("simulated", taken.total(len(taken.frames) - 1) - c, a, c - b, b - a)
