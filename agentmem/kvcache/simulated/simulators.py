"""The simulator for any provider's rules: `simulate` picks by the way in which they match.

Simulators of caches that match tokens share a frame: what a request reads, what it stores, and when that is there.
They report reads and plain input only, for nobody bills their writes.
"""

import math
import time
from array import array
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol, TypeAlias

from agentmem.encoding import encoding
from agentmem.kvcache.prompts import Prompt
from agentmem.kvcache.rules import CacheRules, Matching
from agentmem.kvcache.simulated.simulator import CacheOutcome, Simulator
from agentmem.types import Clock, Frame, Usage


class BlockStore:
    """``capacity`` is in blocks (None: no limit), ``lifetime`` in seconds since a block was last used."""

    def __init__(self, capacity: int | None = None, lifetime: float = math.inf) -> None:
        self._capacity, self._lifetime = capacity, lifetime
        self._used: OrderedDict[Hashable, float] = OrderedDict()

    def __len__(self) -> int:
        return len(self._used)

    def read(self, keys: Sequence[Hashable], now: float = 0.0) -> int:
        """How many leading blocks are there. They are used by it."""
        found = 0
        for key in keys:
            if key not in self._used or self._used[key] + self._lifetime <= now:
                break
            found += 1
        self._touch(keys[:found], now)
        return found

    def store(self, keys: Sequence[Hashable], now: float = 0.0) -> None:
        """Put blocks in; expired ones leave, and the least recently used where there is no room."""
        self._touch(keys, now)
        while self._used and (self._is_full() or next(iter(self._used.values())) + self._lifetime <= now):
            self._used.popitem(last=False)

    def _is_full(self) -> bool:
        return self._capacity is not None and len(self._used) > self._capacity

    def _touch(self, keys: Sequence[Hashable], now: float) -> None:
        """From the last to the first: of one chain the tail leaves first, as in vLLM, and the head still serves."""
        for key in reversed(keys):
            self._used[key] = max(now, self._used.pop(key, now))


def block_keys(ids: "array[int]", size: int) -> list[int]:
    """A key for each full block of ``size`` ids, chained, so that it stands for all that comes before it."""
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
    """The ids of these blocks, in order."""
    row = array("I")
    for frame in frames:
        row.append(_HEADS + _SEGMENTS.get(frame.role or frame.segment, len(_SEGMENTS)))
        row.extend(_ids(_text(frame)))
    return row


def prompt_ids(prompt: Prompt) -> Ids:
    """The ids of a whole prompt."""
    return token_ids(prompt.frames)


def common(one: Ids, other: Ids) -> int:
    """How many ids two rows have in common at the start. Halving, for comparing slices is fast and ids are many."""
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        if one[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def _text(frame: Frame) -> str:
    return frame.value["text"] if frame.value.get("type") == "text" else frame.data.decode("utf-8", "surrogatepass")


@lru_cache(maxsize=16384)
def _ids(text: str) -> Ids:
    return array("I", encoding().encode_ordinary(text))


_UNITS = 1024  # whole prefixes that are kept


class CacheSimulator(Protocol):
    """A provider's cache: timed prompts in, usage out. See Simulator for what the calls mean."""

    def send(self, prompt: Prompt, at: float | None = None, first_token_after: float = 0.0) -> CacheOutcome: ...

    def begin(self, prompt: Prompt, at: float | None = None) -> CacheOutcome: ...

    def respond(self, outcome: CacheOutcome, at: float | None = None) -> None: ...


class TokenCache(Protocol):
    """What is stored, of whichever shape, for one model."""

    def read(self, ids: Ids, now: float) -> int:
        """How many tokens at the start of ``ids`` are stored at ``now``; using them refreshes them."""
        ...

    def store(self, ids: Ids, now: float) -> None:
        """Remember a prompt that was processed."""
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
    """A cache that matches tokens, one store a model. Not safe for threads."""

    def __init__(self, rules: CacheRules, make: "Make", clock: Clock = time.time) -> None:
        self._rules, self._make, self._clock = rules, make, clock
        self._stores: dict[str, TokenCache] = {}
        self._waiting: dict[str, _Waiting] = {}
        self._ends: OrderedDict[tuple[str, bytes], None] = OrderedDict()
        self._requests = 0

    def send(self, prompt: Prompt, at: float | None = None, first_token_after: float = 0.0) -> CacheOutcome:
        """A whole request: begun at ``at`` (seconds; now), its response ``first_token_after`` seconds later."""
        start = self._clock() if at is None else at
        outcome = self.begin(prompt, start)
        self.respond(outcome, start + first_token_after)
        return outcome

    def begin(self, prompt: Prompt, at: float | None = None) -> CacheOutcome:
        """A request arrives. What it stores cannot be read by others until `respond`."""
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
        """The prompt is processed: what it stored can be read from now on, its lifetime counted from its start."""
        sent = self._waiting.pop(outcome.id)
        self._stores[sent.model].store(sent.ids, sent.start)
        if self._rules.keeps_reply:
            self._ends[sent.model, sent.ids.tobytes()] = None
            if len(self._ends) > _UNITS:
                self._ends.popitem(last=False)

    def _store_reply(self, prompt: Prompt, store: TokenCache, now: float) -> None:
        """An assistant turn right after an earlier prompt is what was generated there: its tokens are stored too."""
        turn = _last_reply(prompt.messages)
        if turn is None:
            return
        begin, end = turn
        head = prompt.tools + prompt.system
        before = token_ids(head + prompt.messages[:begin])
        if (prompt.model, before.tobytes()) in self._ends:
            store.store(token_ids(head + prompt.messages[:end]), now)


def _last_reply(messages: Sequence[Frame]) -> tuple[int, int] | None:
    """Where the last assistant turn begins and ends; None if there is none."""
    end = len(messages)
    while end and messages[end - 1].role != "assistant":
        end -= 1
    begin = end
    while begin and messages[begin - 1].role == "assistant":
        begin -= 1
    return (begin, end) if begin < end else None


def _floor(read: int, rules: CacheRules) -> int:
    """Whole blocks only, and nothing below the minimum."""
    whole = read // rules.block * rules.block
    return whole if whole >= rules.minimum else 0


class Blocks:
    """Full blocks of tokens in a chain, the least recently used leaving when the memory is full."""

    def __init__(self, rules: CacheRules) -> None:
        self._size = rules.block
        self._store = BlockStore(rules.capacity and rules.capacity // rules.block, rules.lifetimes["5m"])

    def read(self, ids: Ids, now: float) -> int:
        return self._size * self._store.read(block_keys(ids, self._size), now)

    def store(self, ids: Ids, now: float) -> None:
        self._store.store(block_keys(ids, self._size), now)


class Units:
    """Whole prefixes: what was stored is read in full or not at all, and what two prompts share becomes a unit."""

    def __init__(self, rules: CacheRules) -> None:
        self._lifetime = rules.lifetimes["5m"]
        self._units: OrderedDict[bytes, float] = OrderedDict()
        self._prompts: OrderedDict[bytes, Ids] = OrderedDict()

    def read(self, ids: Ids, now: float) -> int:
        row = ids.tobytes()
        whole = [unit for unit, until in self._units.items() if until > now and row.startswith(unit)]
        longest = max(whole, key=len, default=b"")
        if longest:
            self._keep(longest, now)
        return len(longest) // ids.itemsize

    def store(self, ids: Ids, now: float) -> None:
        row = ids.tobytes()
        shared = max((common(ids, other) for other in self._prompts.values()), default=0)
        self._keep(row, now)
        if shared:
            self._keep(row[: shared * ids.itemsize], now)
        self._prompts[row] = ids
        if len(self._prompts) > _UNITS:
            self._prompts.popitem(last=False)

    def _keep(self, unit: bytes, now: float) -> None:
        self._units[unit] = max(self._units.pop(unit, 0.0), now + self._lifetime)
        if len(self._units) > _UNITS:
            self._units.popitem(last=False)


class Slot:
    """One slot of llama.cpp: it holds its last prompt, and the next reads what it has in common with it."""

    def __init__(self, rules: CacheRules) -> None:
        self._held: Ids = array("I")

    def read(self, ids: Ids, now: float) -> int:
        return common(self._held, ids)

    def store(self, ids: Ids, now: float) -> None:
        self._held = ids


Make = Callable[[CacheRules], TokenCache]

CACHES: dict[Matching, Make] = {"blocks": Blocks, "units": Units, "slot": Slot}
"""Which cache serves which way of matching; breakpoints have a simulator of their own."""
