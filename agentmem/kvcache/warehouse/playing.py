"""A simulator of the warehouse: what its tiers find for a day of requests, and what the engine's time comes to.

It finds, keeps and evicts as the warehouse does, with the same table, on tokens alone; "belady" is the limit of all
evictions. Seconds come from rates that were measured on an engine.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import inf

from agentmem.kvcache.eviction import DOUBLED, HeldBlock, policy
from agentmem.kvcache.warehouse.blocks import BLOCK, KvBlock, chain, seed_of, shared
from agentmem.kvcache.warehouse.standings import Standings


@dataclass(frozen=True, slots=True)
class PlayedTurn:
    """One request: the tokens of its prompt, and all that the engine holds after its reply."""

    prompt: tuple[int, ...]
    end: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class EngineRates:
    """Seconds of an engine: for a token of a prompt at the start of a context (``prefill``), for a written token
    (``decode``) and for each token before it (``decode_depth``); for a byte of state that is brought from memory, read
    from the disk besides, saved with the whole state, and cut as new. ``token_bytes`` are those of a token's state.
    """

    prefill: float
    decode: float
    decode_depth: float
    bring: float
    read: float
    save: float
    cut: float
    token_bytes: int

    def computing(self, start: int, end: int) -> float:
        """The seconds for the prompt's tokens from start to end."""
        return self.prefill * (end - start) * (1 + (start + end) / 2 / DOUBLED)

    def writing(self, depth: int, tokens: int) -> float:
        """The seconds for so many tokens of a reply, behind ``depth`` others."""
        return tokens * (self.decode + self.decode_depth * depth)


@dataclass(slots=True)
class PlayedDay:
    """What a day came to: tokens of prompts by where they were found, of replies, and seconds."""

    found: dict[str, int] = field(default_factory=lambda: dict.fromkeys(("slot", "ram", "disk"), 0))
    computed: int = 0
    output: int = 0
    engine_seconds: float = 0.0
    beside: float = 0.0
    written_bytes: int = 0

    @property
    def share(self) -> float:
        """The share of the prompts' tokens that were not computed again."""
        known = sum(self.found.values())
        return known / (known + self.computed) if known + self.computed else 0.0

    @property
    def rate(self) -> float:
        """Tokens written for each second of the engine and of the work beside it."""
        return self.output / (self.engine_seconds + self.beside)


def play_without(turns: Iterable[PlayedTurn], rates: EngineRates) -> PlayedDay:
    """The day of an engine with one slot and nothing behind it."""
    made, slot = PlayedDay(), tuple[int, ...]()
    for turn in turns:
        _compute(made, turn, min(shared(slot, turn.prompt), len(turn.prompt) - 1), rates)
        slot = turn.end
    return made


def play_warehouse(
    turns: Sequence[PlayedTurn], rates: EngineRates, ram: int, disk: int, eviction: str, worth: int = 16
) -> PlayedDay:
    """The day of an engine with one slot over tiers of ``ram`` and ``disk`` bytes.

    ``worth`` are the fewest more tokens for which a state is brought. Raises ConfigError for an unknown eviction.
    """
    tiers = _Tiers(rates.token_bytes, ram, disk, eviction, _uses(turns) if eviction == "belady" else {})
    made, slot = PlayedDay(), tuple[int, ...]()
    for at, turn in enumerate(turns):
        held, most = shared(slot, turn.prompt), len(turn.prompt) - 1
        found = tiers.find(turn.prompt, at)
        reach = sum(found.values())
        if reach >= held + worth:
            size = rates.token_bytes
            made.beside += rates.bring * reach * size + rates.read * found["disk"] * size
            _count(made, found, min(held, most), most)
        else:
            reach = held
            made.found["slot"] += min(held, most)
        _compute(made, turn, min(reach, most), rates, counted=True)
        new = tiers.put(turn.end, at)
        made.beside += rates.save * len(turn.end) * rates.token_bytes + rates.cut * new
        made.written_bytes += new
        slot = turn.end
    return made


def _count(made: PlayedDay, found: Mapping[str, int], held: int, most: int) -> None:
    """Count tokens by tier: what the slot had first, and never the prompt's last one."""
    made.found["slot"] += held
    at = 0
    for tier, tokens in found.items():
        made.found[tier] += max(0, min(at + tokens, most) - max(at, held))
        at += tokens


def _compute(made: PlayedDay, turn: PlayedTurn, known: int, rates: EngineRates, counted: bool = False) -> None:
    if not counted:
        made.found["slot"] += known
    prompt, reply = len(turn.prompt), len(turn.end) - len(turn.prompt)
    made.computed += prompt - known
    made.output += reply
    made.engine_seconds += rates.computing(known, prompt) + rates.writing(prompt, reply)


_SEED = seed_of("simulated")


def _uses(turns: Sequence[PlayedTurn]) -> dict[str, list[int]]:
    """At which turns each block is used, the last first."""
    uses: dict[str, list[int]] = defaultdict(list)
    for at in range(len(turns) - 1, -1, -1):
        for block in chain(_SEED, turns[at].prompt):
            uses[block.key].append(at)
    return uses


class _Tiers:
    """The two tiers, without bytes."""

    def __init__(self, token_bytes: int, ram: int, disk: int, eviction: str, uses: Mapping[str, list[int]]) -> None:
        self._size = token_bytes
        self._ram, self._disk = Standings(ram, policy(eviction)), Standings(disk, policy(eviction))
        self._uses = uses
        self._tokens: dict[str, tuple[int, ...]] = {}
        self._parents: dict[str, str] = {}

    def find(self, prompt: Sequence[int], now: int) -> dict[str, int]:
        """The tokens of the longest known prefix, by tier. What is found on the disk is in memory afterwards, if that
        has room without pushing anything out.
        """
        found, parent, keys = {"ram": 0, "disk": 0}, _SEED, list[str]()
        for block in chain(_SEED, prompt):
            whole = len(block.tokens) == BLOCK and (block.key in self._ram or block.key in self._disk)
            key, taken = (block.key, BLOCK) if whole else self._in_part(parent, block)
            if taken:
                found["ram" if key in self._ram else "disk"] += taken
                keys.append(key)
            if not whole:
                break
            parent = key
        self._touch(keys, now)
        for key in keys:
            one = self._disk.held.get(key)
            if one and self._ram.has_room(one.size):
                self._hold(self._ram, HeldBlock(**{name: getattr(one, name) for name in _COPIED}), now)
        return found

    def put(self, end: Sequence[int], now: int) -> int:
        """Keep what an engine holds now. Returns the bytes that were new."""
        new, keys = 0, list[str]()
        for block in chain(_SEED, end):
            keys.append(block.key)
            if block.key in self._ram or block.key in self._disk or self._begins_another(block):
                continue
            size = len(block.tokens) * self._size
            new += size
            self._tokens[block.key], self._parents[block.key] = block.tokens, block.parent
            for tier in (self._ram, self._disk):
                one = HeldBlock(block.key, block.parent, size, block.start, len(block.tokens), now, now)
                self._hold(tier, one, now)
            self._replace_shorter(block)
        self._touch(keys, now)
        return new

    def _hold(self, tier: Standings, one: HeldBlock, now: int) -> None:
        if one.size <= tier.budget and one.key not in tier:
            one.next_use = self._next(one.key, now)
            tier.fit(now, (), one.size)
            tier.add(one)

    def _touch(self, keys: Sequence[str], now: int) -> None:
        for tier in (self._ram, self._disk):
            tier.use(keys, now)
            for key in keys:
                if one := tier.held.get(key):
                    one.next_use = self._next(key, now)

    def _next(self, key: str, now: int) -> float:
        """The next turn that uses a block; for the shorter one at an end, the next that uses what is before it."""
        short = len(self._tokens.get(key, ())) < BLOCK
        ahead = self._uses.get(self._parents.get(key, "") if short else key, [])
        while ahead and ahead[-1] <= now:
            ahead.pop()
        return ahead[-1] if ahead else inf

    def _children(self, parent: str) -> set[str]:
        return {*self._ram.children(parent), *self._disk.children(parent)}

    def _in_part(self, parent: str, wanted: KvBlock) -> tuple[str, int]:
        takes = ((key, shared(self._tokens[key], wanted.tokens)) for key in self._children(parent))
        return max(takes, key=lambda one: one[1], default=("", 0))

    def _begins_another(self, block: KvBlock) -> bool:
        count = len(block.tokens)
        return count < BLOCK and any(self._tokens[key][:count] == block.tokens for key in self._children(block.parent))

    def _replace_shorter(self, block: KvBlock) -> None:
        for key in self._children(block.parent):
            tokens = self._tokens[key]
            if len(tokens) < len(block.tokens) and block.tokens[: len(tokens)] == tokens:
                self._ram.drop(key)
                self._disk.drop(key)


_COPIED = ("key", "parent", "size", "start", "tokens", "used", "since", "uses", "next_use")
