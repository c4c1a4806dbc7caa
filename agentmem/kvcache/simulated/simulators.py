"""Simulators for any provider's rules. `simulate` picks one by the way in which the provider matches.

Simulators of caches that match tokens share a frame: what a request reads, what it stores, and from when. They report
only reads and plain input, because nobody bills their writes.
"""

import math
import time
from array import array
from bisect import bisect_left, bisect_right, insort
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Protocol, TypeAlias

from agentmem.kvcache.prompts import Prompt
from agentmem.kvcache.rules import CacheRules, Matching
from agentmem.kvcache.simulated.simulator import CacheOutcome, Simulator
from agentmem.tokens import encoding
from agentmem.types import Clock, Frame, Usage


class BlockStore:
    """An LRU store. ``capacity`` is in blocks (None: no limit), ``lifetime`` in seconds since a block's last use."""

    def __init__(self, capacity: int | None = None, lifetime: float = math.inf) -> None:
        self._capacity, self._lifetime = capacity, lifetime
        self._used: OrderedDict[Hashable, float] = OrderedDict()

    def __len__(self) -> int:
        return len(self._used)

    def read(self, keys: Sequence[Hashable], now: float = 0.0) -> int:
        """The number of leading blocks that are stored. Reading counts as use."""
        found = 0
        for key in keys:
            if key not in self._used or self._used[key] + self._lifetime <= now:
                break
            found += 1
        self._touch(keys[:found], now)
        return found

    def store(self, keys: Sequence[Hashable], now: float = 0.0) -> None:
        """Store blocks. Expired ones leave, and the least recently used if there is no room."""
        self._touch(keys, now)
        while self._used and (self._is_full() or next(iter(self._used.values())) + self._lifetime <= now):
            self._used.popitem(last=False)

    def _is_full(self) -> bool:
        return self._capacity is not None and len(self._used) > self._capacity

    def _touch(self, keys: Sequence[Hashable], now: float) -> None:
        """Mark blocks as used, the last one first: so a chain loses its tail before its head, as in vLLM."""
        for key in reversed(keys):
            self._used[key] = max(now, self._used.pop(key, now))


def block_keys(ids: "array[int]", size: int) -> list[int]:
    """A key for each full block of ``size`` ids. Keys are chained, so each stands for all ids up to its end."""
    keys, chain = [], 0
    row, width = ids.tobytes(), size * ids.itemsize
    for start in range(0, len(row) - width + 1, width):
        chain = hash((chain, row[start : start + width]))
        keys.append(chain)
    return keys


Ids: TypeAlias = "array[int]"

_HEADS = 1 << 30  # above every id of a tokenizer
_SEGMENTS = {"tool": 0, "system": 1, "user": 2, "assistant": 3}


def token_ids(frames: Iterable[Frame]) -> Ids:
    """The token ids of these blocks, in order."""
    row = array("I")
    for frame in frames:
        row.append(_HEADS + _SEGMENTS.get(frame.role or frame.segment, len(_SEGMENTS)))
        row.extend(_ids(frame.value["text"]) if frame.value.get("type") == "text" else _ids_of(frame.data))
    return row


def prompt_ids(prompt: Prompt) -> Ids:
    """The token ids of a whole prompt."""
    return token_ids(prompt.frames)


def common(one: "Ids | bytes", other: "Ids | bytes") -> int:
    """The length of the common prefix of two rows, by bisection: comparing slices is fast and rows are long."""
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        if one[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


@lru_cache(maxsize=16384)
def _ids(text: str) -> Ids:
    return array("I", encoding().encode_ordinary(text))


@lru_cache(maxsize=16384)
def _ids_of(data: bytes) -> Ids:
    return _ids(data.decode("utf-8", "surrogatepass"))


_UNITS = 1024  # the most whole prefixes kept


class CacheSimulator(Protocol):
    """A provider's cache: timed prompts in, usage out. See Simulator for the meaning of the calls."""

    def send(self, prompt: Prompt, at: float | None = None, first_token_after: float = 0.0) -> CacheOutcome: ...

    def begin(self, prompt: Prompt, at: float | None = None) -> CacheOutcome: ...

    def respond(self, outcome: CacheOutcome, at: float | None = None) -> None: ...


class TokenCache(Protocol):
    """A store of tokens, of any shape, for one model."""

    def read(self, ids: Ids, now: float) -> int:
        """The number of tokens at the start of ``ids`` that are stored at ``now``. Reading refreshes them."""
        ...

    def store(self, ids: Ids, now: float) -> None:
        """Store a prompt that was processed."""
        ...


def simulate(rules: CacheRules, clock: Clock = time.time) -> CacheSimulator:
    """A new, empty cache that follows ``rules``."""
    make = CACHES.get(rules.matching)
    return Simulator(rules, clock) if make is None else TokenSimulator(rules, make, clock)


@dataclass(frozen=True, slots=True)
class _Waiting:
    """A prompt that was sent and whose response has not begun."""

    model: str
    ids: Ids
    start: float


class TokenSimulator:
    """A cache that matches tokens, with one store for each model. Not safe for threads."""

    def __init__(self, rules: CacheRules, make: "Make", clock: Clock = time.time) -> None:
        self._rules, self._make, self._clock = rules, make, clock
        self._stores: dict[str, TokenCache] = {}
        self._waiting: dict[str, _Waiting] = {}
        self._ends: OrderedDict[tuple[str, bytes], None] = OrderedDict()
        self._requests = 0

    def send(self, prompt: Prompt, at: float | None = None, first_token_after: float = 0.0) -> CacheOutcome:
        """Send a request at ``at`` (seconds; default now). The response begins ``first_token_after`` seconds later."""
        start = self._clock() if at is None else at
        outcome = self.begin(prompt, start)
        self.respond(outcome, start + first_token_after)
        return outcome

    def begin(self, prompt: Prompt, at: float | None = None) -> CacheOutcome:
        """A request arrives. Others cannot read what it stores until `respond`."""
        start = self._clock() if at is None else at
        store = self._stores.setdefault(prompt.model, self._make(self._rules))
        if self._rules.keeps_reply:
            self._store_reply(prompt, store, start)
        ids = prompt_ids(prompt)
        read = min(store.read(ids, start), max(0, len(ids) - self._rules.leaves))
        read = _floor(read, self._rules)
        self._requests += 1
        identity = f"sim_{self._requests:08x}"
        self._waiting[identity] = _Waiting(prompt.model, ids, start)
        return CacheOutcome(identity, Usage("simulated", len(ids) - read, read), None, ())

    def respond(self, outcome: CacheOutcome, at: float | None = None) -> None:
        """The prompt is processed: others can read it from now on. Its lifetime counts from its start."""
        sent = self._waiting.pop(outcome.id)
        self._stores[sent.model].store(sent.ids, sent.start)
        if self._rules.keeps_reply:
            self._ends[sent.model, sent.ids.tobytes()] = None
            if len(self._ends) > _UNITS:
                self._ends.popitem(last=False)

    def _store_reply(self, prompt: Prompt, store: TokenCache, now: float) -> None:
        """Store the reply too: an assistant turn right after an earlier prompt was generated there."""
        turn = _last_reply(prompt.messages)
        if turn is None:
            return
        begin, end = turn
        head = prompt.tools + prompt.system
        before = token_ids(head + prompt.messages[:begin])
        if (prompt.model, before.tobytes()) in self._ends:
            store.store(token_ids(head + prompt.messages[:end]), now)


def _last_reply(messages: Sequence[Frame]) -> tuple[int, int] | None:
    """The start and end of the last assistant turn; None if there is none."""
    end = len(messages)
    while end and messages[end - 1].role != "assistant":
        end -= 1
    begin = end
    while begin and messages[begin - 1].role == "assistant":
        begin -= 1
    return (begin, end) if begin < end else None


def _floor(read: int, rules: CacheRules) -> int:
    """``read`` in whole blocks, and 0 below the minimum."""
    whole = read // rules.block * rules.block
    return whole if whole >= rules.minimum else 0


class Blocks:
    """Full blocks of tokens in a chain. The least recently used leave when the memory is full."""

    def __init__(self, rules: CacheRules) -> None:
        self._size = rules.block
        self._store = BlockStore(rules.capacity and rules.capacity // rules.block, rules.lifetimes["5m"])

    def read(self, ids: Ids, now: float) -> int:
        return self._size * self._store.read(block_keys(ids, self._size), now)

    def store(self, ids: Ids, now: float) -> None:
        self._store.store(block_keys(ids, self._size), now)


class Units:
    """Whole prefixes: each is read in full or not at all. The part that two prompts share becomes a unit too.

    Both are kept in order beside their dictionaries: what begins with a row stands next to it, so that a request looks
    at a few of them and not at all.
    """

    def __init__(self, rules: CacheRules) -> None:
        self._lifetime = rules.lifetimes["5m"]
        self._units: OrderedDict[bytes, float] = OrderedDict()
        self._prompts: OrderedDict[bytes, None] = OrderedDict()
        self._sorted_units: list[bytes] = []
        self._sorted_prompts: list[bytes] = []

    def read(self, ids: Ids, now: float) -> int:
        longest = self._longest(ids.tobytes(), now)
        if longest:
            self._keep(longest, now)
        return len(longest) // ids.itemsize

    def store(self, ids: Ids, now: float) -> None:
        row = ids.tobytes()
        at = bisect_left(self._sorted_prompts, row)
        beside = self._sorted_prompts[max(0, at - 1) : at + 1]
        shared = max((common(row, other) // ids.itemsize for other in beside), default=0)
        self._keep(row, now)
        if shared:
            self._keep(row[: shared * ids.itemsize], now)
        if row not in self._prompts:
            self._prompts[row] = None
            self._sorted_prompts.insert(at, row)
        if len(self._prompts) > _UNITS:
            _drop_oldest(self._prompts, self._sorted_prompts)

    def _longest(self, row: bytes, now: float) -> bytes:
        """The longest unit that a row begins with and that lives: units that do stand before it, longest last."""
        at = bisect_right(self._sorted_units, row) - 1
        while at >= 0:
            unit = self._sorted_units[at]
            if not row.startswith(unit):
                at = bisect_right(self._sorted_units, row[: common(row, unit)], 0, at) - 1
            elif self._units[unit] > now:
                return unit
            else:
                at -= 1
        return b""

    def _keep(self, unit: bytes, now: float) -> None:
        if unit not in self._units:
            insort(self._sorted_units, unit)
        self._units[unit] = max(self._units.pop(unit, 0.0), now + self._lifetime)
        if len(self._units) > _UNITS:
            _drop_oldest(self._units, self._sorted_units)


def _drop_oldest(held: "OrderedDict[bytes, Any]", ordered: list[bytes]) -> None:
    row, _ = held.popitem(last=False)
    del ordered[bisect_left(ordered, row)]


class Slot:
    """One slot of llama.cpp: it holds its last prompt, and the next request reads the part that both share."""

    def __init__(self, rules: CacheRules) -> None:
        self._held: Ids = array("I")

    def read(self, ids: Ids, now: float) -> int:
        return common(self._held, ids)

    def store(self, ids: Ids, now: float) -> None:
        self._held = ids


Make = Callable[[CacheRules], TokenCache]

CACHES: dict[Matching, Make] = {"blocks": Blocks, "units": Units, "slot": Slot}
"""The cache for each way of matching. Breakpoints have a simulator of their own."""
