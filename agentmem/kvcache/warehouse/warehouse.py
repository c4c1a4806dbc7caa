"""The warehouse that people hold: blocks of KV state in memory, on the disk and far away, found by their tokens.

A lookup follows the chain of whole blocks as far as it is known. Of the blocks that could come next it takes the one
that begins with the most of the remaining tokens, in part: any first rows of a block are good. New blocks are held in
memory at once and written behind. Whatever cannot be read, believed or written only means that tokens are computed.
"""

import re
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from agentmem.checking import shown
from agentmem.closing import Closing
from agentmem.errors import ConfigError, WarehouseError
from agentmem.kvcache.eviction import DEFAULT, policy
from agentmem.kvcache.warehouse.blocks import BLOCK, KvBlock, chain, shared
from agentmem.kvcache.warehouse.far import FarTier, Patient
from agentmem.kvcache.warehouse.folder import BlockFolder
from agentmem.kvcache.warehouse.memory import BlockMemory
from agentmem.kvcache.warehouse.records import KvRecord, Payload, decode, encode, record_size
from agentmem.kvcache.warehouse.standings import Standings
from agentmem.kvcache.warehouse.totals import add_totals, read_totals
from agentmem.types import KvSources

RAM = "256 MB"
DISK = "2 GB"
TierName = Literal["ram", "disk", "far"]
_SIZE = re.compile(r"(\d+(?:\.\d+)?) ?([KMGT]?B?)", re.IGNORECASE)
_UNITS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}


@dataclass(frozen=True, slots=True)
class FoundBlock:
    """A block that a tier holds: ``held`` tokens, of which the first ``taken`` are those that were asked for."""

    key: str
    tier: TierName
    start: int
    held: int
    taken: int


class Warehouse(Closing):
    """Blocks of KV state in ``ram`` and on ``disk``, each a number of bytes or a text such as "2 GB".

        with Engine(warehouse=Warehouse(ram="256 MB", disk="2 GB", folder="kv")) as engine: ...

    Without a ``folder`` they are kept in memory alone. Several processes may share a folder; ``disk`` is then the
    budget of all. ``eviction`` is a row of `agentmem.kvcache.eviction.EVICTION`. ``far`` is a store behind
    the disk. Closing it writes what is not written yet; an engine closes the one that it was given. Raises ConfigError.
    """

    def __init__(
        self,
        *,
        ram: int | str = RAM,
        disk: int | str = DISK,
        folder: str | Path | None = None,
        eviction: str = DEFAULT,
        far: FarTier | None = None,
    ) -> None:
        if eviction == "belady":
            raise ConfigError("belady knows the future, and only a simulator does: leave eviction out for the default")
        chosen = policy(eviction)
        self._ram = BlockMemory(size_of(ram, "ram"), chosen)
        budget = size_of(disk, "disk")
        self._disk = BlockFolder(Path(folder), budget, chosen) if folder is not None and budget else None
        self._far = Patient(far) if far else None
        self._lock = threading.Condition(threading.RLock())
        self._pending: dict[str, KvRecord] = {}
        self._discarded: deque[Path] = deque()
        self._refused: Counter[str] = Counter()
        self._faults: Counter[str] = Counter()
        self._evicted = 0
        self._used = KvSources()
        self._requests = 0
        self._now = 0.0  # one time for all blocks of a request, so that the head of a chain counts as used last
        self._told = (0, KvSources())
        self._writer: threading.Thread | None = None
        self.write_seconds = 0.0
        """Seconds of the processor for hashing, writing and deleting behind."""

    @property
    def folder(self) -> Path | None:
        """The folder of the blocks on the disk; None if there is none."""
        return self._disk.folder if self._disk else None

    @property
    def landing(self) -> Path | None:
        """A folder beside the blocks for a state on its way; None without a disk."""
        return self._disk.landing if self._disk else None

    def find(self, seed: str, tokens: Sequence[int]) -> tuple[FoundBlock, ...]:
        """The blocks that hold the longest known prefix of ``tokens``, in order; the last one perhaps in part."""
        found = list[FoundBlock]()
        parent = seed
        with self._lock:
            self._now = time.time()
            for block in chain(seed, tokens):
                tier = self._tier(seed, block) if len(block.tokens) == BLOCK else None
                if tier is None:
                    found += self._in_part(parent, block)
                    break
                found.append(FoundBlock(block.key, tier, block.start, BLOCK, BLOCK))
                parent = block.key
            self._use(found)
            self._start_writer()  # for what came from far away
        return tuple(found)

    def fetch(self, one: FoundBlock, seed: str, scratch: memoryview | None = None) -> Payload | None:
        """The payload of a block that was found; None if it has gone meanwhile, or cannot be believed.

        A block of the disk is held in memory if that has room, but pushes nothing out: what was read once and is read
        again comes from the system's cache of files. It is then in ``scratch``, until the next call.
        """
        with self._lock:
            record = self._ram.get(one.key) or self._pending.get(one.key)
            if record is None and self._disk:
                room = self._ram.standings.has_room(self._disk.size(one.key))
                record = self._disk.read(one.key, None if room else scratch)
                if record and room:
                    self._ram.add(record, self._now, self._pending)
            if record is None:
                return None
            fits = record.seed == seed and record.block.start == one.start and len(record.block.tokens) == one.held
            if not fits:
                self._refused["the block belongs to another place"] += 1
            return record.payload if fits else None

    def put(
        self, seed: str, tokens: Sequence[int], payload: Callable[[int, int], Payload], token_bytes: int = 0
    ) -> int:
        """Keep the state of ``tokens``; ``payload`` gives that of the tokens from a to b. Returns the number of new
        blocks. They are found at once, and written behind. With ``token_bytes``, the size of a token's state, room is
        made in memory before a payload is asked for.
        """
        new = 0
        with self._lock:
            self._now = time.time()
            blocks = tuple(chain(seed, tokens))
            for block in blocks:
                if not self._is_known(block):
                    self._make_room(record_size(len(block.tokens), token_bytes * len(block.tokens)))
                    self._keep(KvRecord(seed, block, payload(block.start, block.end)))
                    self._replace_shorter(block)
                    new += 1
            if self._disk:
                self._disk.use([block.key for block in blocks])
            self._ram.standings.use([block.key for block in blocks], self._now)
            self._start_writer()  # after all of them are cut, so that it does not compete
        return new

    def count(self, sources: KvSources) -> None:
        """Add a request to what `stats` tells."""
        with self._lock:
            self._requests += 1
            self._used += sources

    def discard(self, file: Path) -> None:
        """Delete a file behind."""
        with self._lock:
            self._discarded.append(file)
            self._start_writer()

    def flush(self) -> None:
        """Return when all that was put so far is in its file."""
        with self._lock:
            while self._waiting:
                self._lock.wait()
            self._tell()

    def stats(self) -> dict[str, Any]:
        """What is held and what it has given: see docs/warehouse.md for each number."""
        with self._lock:
            self._tell()
            disk = self._disk
            if disk:
                disk.scan()
            mine = {"requests": self._requests, **asdict(self._used)}
            return {
                "schema": 1,
                "basis": "measured",
                "folder": str(disk.folder) if disk else None,
                "ram": _tier_stats(self._ram.standings),
                "disk": _tier_stats(disk.standings) if disk else None,
                "written_bytes": disk.written if disk else 0,
                "evicted": self._evicted,
                "refused": dict(self._refused + (disk.refused if disk else Counter())),
                "faults": dict(self._faults) | ({"far": self._far.faults} if self._far and self._far.faults else {}),
                "used": read_totals(disk.folder) if disk else mine,
            }

    def verify(self) -> dict[str, Any]:
        """Read every block on the disk. Damaged ones are deleted; blocks of other versions are left alone."""
        with self._lock:
            disk = self._disk
            if disk is None:
                return {"schema": 1, "basis": "measured", "blocks": 0, "whole": 0, "refused": {}}
            disk.scan()
            before, keys = Counter(disk.refused), list(disk.standings.held)
        whole = 0
        for key in keys:
            with self._lock:
                whole += disk.read(key) is not None
        return {
            "schema": 1,
            "basis": "measured",
            "blocks": len(keys),
            "whole": whole,
            "refused": dict(disk.refused - before),
        }

    def clear(self) -> int:
        """Forget and delete all blocks. Returns how many there were."""
        self.flush()
        with self._lock:
            held = len(set(self._ram.standings.held) | set(self._disk.standings.held if self._disk else ()))
            self._ram.clear()
            return max(held, self._disk.clear()) if self._disk else held

    def close(self) -> None:
        """Write what is not written yet. May be called twice."""
        self.flush()
        if self._far:
            self._far.close()

    def _tier(self, seed: str, block: KvBlock) -> TierName | None:
        if block.key in self._ram.standings or block.key in self._pending:
            return "ram"
        if self._disk and (block.key in self._disk.standings or block.key in self._disk.children(block.parent)):
            return "disk"
        return "far" if self._far and self._brought(seed, block) else None

    def _brought(self, seed: str, block: KvBlock) -> bool:
        """Take a block in from far away. True if it is held now."""
        assert self._far
        data = self._far.get(block.key)
        if data is None:
            return False
        try:
            record = decode(data, block.key)
        except WarehouseError as error:
            self._refused[str(error)] += 1
            return False
        if record.seed != seed:
            return False
        self._keep(record)
        return block.key in self._ram.standings or bool(self._disk and block.key in self._disk.standings)

    def _in_part(self, parent: str, wanted: KvBlock) -> list[FoundBlock]:
        """The block after ``parent`` that begins with the most of these tokens, if any does."""
        best: FoundBlock | None = None
        for block, tier in self._following(parent):
            taken = shared(block.tokens, wanted.tokens)
            if taken > (best.taken if best else 0):
                best = FoundBlock(block.key, tier, block.start, len(block.tokens), taken)
        return [best] if best else []

    def _following(self, parent: str) -> list[tuple[KvBlock, TierName]]:
        known: dict[str, tuple[KvBlock, TierName]] = {}
        for key in self._disk.children(parent) if self._disk else ():
            if block := self._disk.block(key) if self._disk else None:
                known[key] = (block, "disk")
        for key in self._ram.standings.children(parent):
            if record := self._ram.get(key):
                known[key] = (record.block, "ram")
        return list(known.values())

    def _is_known(self, block: KvBlock) -> bool:
        """True if its state is held: by itself, or as the beginning of a longer block."""
        if block.key in self._ram.standings or block.key in self._pending:
            return True
        if self._disk and block.key in self._disk.standings:
            return True
        if len(block.tokens) == BLOCK:
            return self._disk is not None and block.key in self._disk.children(block.parent)
        return any(one.tokens[: len(block.tokens)] == block.tokens for one, _ in self._following(block.parent))

    def _make_room(self, size: int) -> None:
        self._evicted += self._ram.make_room(size, self._now, self._pending)

    def _keep(self, record: KvRecord) -> None:
        key, before = record.block.key, len(self._ram.standings)
        held = self._ram.add(record, self._now, self._pending)
        self._evicted += before + held - len(self._ram.standings)
        if self._disk is None and self._far is None:
            return
        if held:
            self._pending[key] = record
            return
        self._write(record)  # there is no room to wait in
        if self._far:
            self._far.put(key, encode(record))

    def _replace_shorter(self, block: KvBlock) -> None:
        """Drop blocks that are only the beginning of this one."""
        for one, _ in self._following(block.parent):
            if len(one.tokens) < len(block.tokens) and block.tokens[: len(one.tokens)] == one.tokens:
                self._ram.drop(one.key)
                self._pending.pop(one.key, None)
                if self._disk:
                    self._disk.retire([one.key])

    def _use(self, found: Sequence[FoundBlock]) -> None:
        keys = [one.key for one in found]
        self._ram.standings.use(keys, self._now)
        if self._disk:
            self._disk.standings.use(keys, self._now)

    def _write(self, record: KvRecord) -> None:
        try:
            if self._disk:
                self._disk.write(record, self._now)
                self._evicted += self._disk.fit()
        except OSError as error:
            self._faults[f"disk: {error.strerror or error}"] += 1

    def _start_writer(self) -> None:
        """Write in a thread that ends when nothing waits any more. The interpreter waits for it before it ends."""
        if self._waiting and self._writer is None:
            self._writer = threading.Thread(target=self._write_behind, name="agentmem-warehouse")
            self._writer.start()

    def _write_behind(self) -> None:
        while True:
            started, record, file = time.thread_time(), None, None
            with self._lock:
                if not self._waiting:
                    self._writer = None
                    self._lock.notify_all()
                    return
                if self._pending:
                    record = next(iter(self._pending.values()))
                    self._write(record)
                elif self._discarded:
                    file = self._discarded.popleft()
                elif self._disk:
                    self._disk.settle()
            if record and self._far:
                self._far.put(record.block.key, encode(record))
            if file:
                file.unlink(missing_ok=True)
            with self._lock:
                if record:
                    self._pending.pop(record.block.key, None)
                self.write_seconds += time.thread_time() - started
                self._lock.notify_all()

    @property
    def _waiting(self) -> bool:
        """If there is something to write, and then to delete. What is replaced is deleted last."""
        return bool(self._pending or self._discarded or (self._disk and self._disk.unsettled))

    def _tell(self) -> None:
        """Add what is new in the sums to those of the folder."""
        requests, sources = self._told
        if self._disk is None or self._requests == requests:
            return
        before = asdict(sources)
        more = {name: value - before[name] for name, value in asdict(self._used).items()}
        try:
            with self._disk.alone():
                add_totals(self._disk.folder, {"requests": self._requests - requests, **more})
        except OSError as error:
            self._faults[f"disk: {error.strerror or error}"] += 1
        self._told = (self._requests, self._used)


def size_of(given: int | str, name: str) -> int:
    """Bytes, from a number or a text such as "256 MB" or "2GB" (powers of ten).

    Raises:
        ConfigError: it is neither.
    """
    if isinstance(given, str) and (match := _SIZE.fullmatch(given.strip())):
        return int(float(match[1]) * _UNITS[match[2].upper().removesuffix("B")])
    if isinstance(given, int) and not isinstance(given, bool) and given >= 0:
        return given
    raise ConfigError(f'{name} is {shown(given)}; it must be a number of bytes, or a text such as "2 GB"')


def _tier_stats(held: Standings) -> dict[str, Any]:
    tokens = sum(one.tokens for one in held.held.values())
    return {"bytes": held.bytes, "budget_bytes": held.budget, "blocks": len(held), "tokens": tokens}
