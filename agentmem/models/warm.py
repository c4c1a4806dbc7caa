"""Brings what a warehouse knows of a prompt into a slot of the engine, and takes in what the slot holds afterwards.

A fault of the warehouse or of a saved state never fails a request: the tokens are computed, and the fault is counted.
"""

import hashlib
import secrets
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from agentmem.errors import ModelError, WarehouseError
from agentmem.kvcache.warehouse.blocks import BLOCK, seed_of, shared
from agentmem.kvcache.warehouse.records import blank, record_size
from agentmem.kvcache.warehouse.warehouse import FoundBlock, Warehouse
from agentmem.models.states import StatePart, StateShape, reading, write_state
from agentmem.types import KvSources

WORTH = 16
"""The fewest more tokens for which a state is brought: about the time that it takes."""
_FIRST = 100
"""A token that every vocabulary has, to see how the engine lays out a state."""


class StateEngine(Protocol):
    """What is needed of the engine."""

    @property
    def weights(self) -> Path: ...

    @property
    def state_settings(self) -> str:
        """All settings that the KV state depends on, as text."""
        ...

    def ready(self) -> None:
        """Start it again if its process has ended; its slots are empty then, and `WarmSlots.forget` was called."""
        ...

    def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]: ...


@dataclass(slots=True)
class Visit:
    """One request in a slot. ``slot`` is None without a warehouse, and so is ``sources`` before `answered`."""

    slot: int | None = None
    held: int = 0
    brought: tuple[FoundBlock, ...] = ()
    seconds: float = 0.0
    sources: KvSources | None = None
    pace: "EnginePace" = field(default_factory=lambda: EnginePace())

    def answered(self, cached: int, computed: int, seconds: float) -> None:
        """Say how many tokens the engine had and computed, and how long computing took."""
        self.pace.add(computed, seconds)
        if self.slot is None:
            return
        tokens = Counter[str](slot=min(cached, self.held))
        for one in self.brought:
            tokens[one.tier] += max(0, min(cached, one.start + one.taken) - max(self.held, one.start))
        tokens["slot"] += cached - tokens.total()
        spared = cached - tokens["slot"]
        saved = spared * self.pace.seconds_per_token - self.seconds
        self.sources = KvSources(**tokens, computed=computed, seconds_saved=round(saved, 3) + 0.0)


@dataclass(slots=True)
class EnginePace:
    """How fast the engine computes prompts, over all of its requests."""

    tokens: int = 0
    seconds: float = 0.0

    @property
    def seconds_per_token(self) -> float:
        """Zero before the first one."""
        return self.seconds / self.tokens if self.tokens else 0.0

    def add(self, tokens: int, seconds: float) -> None:
        """Count a prompt."""
        self.tokens += tokens
        self.seconds += seconds


class WarmSlots:
    """The slots of an engine over a warehouse. A slot serves one request at a time; a request waits for a free one."""

    def __init__(self, engine: StateEngine, warehouse: Warehouse, slots: int, folder: Path) -> None:
        self._engine, self._warehouse, self._folder = engine, warehouse, folder
        self._free = threading.Condition()
        self._busy = set[int]()
        self._held: list[tuple[int, ...]] = [()] * slots
        self._used = [0.0] * slots
        self._pace = EnginePace()
        self._shaping = threading.Lock()
        self._shaped: tuple[str, StateShape] | None = None
        self._unusable = ""
        self._faults = Counter[str]()
        self._work = defaultdict[str, float](float)

    @contextmanager
    def visit(self, tokens: Sequence[int]) -> Iterator[Visit]:
        """Have what is known of a prompt in a slot, and keep what the slot holds afterwards."""
        slot = self._lease(tokens)
        visit = Visit(slot, pace=self._pace)
        try:
            self._bring(visit, tokens)
            yield visit
        finally:
            self._take(slot)
            if visit.sources:
                self._warehouse.count(visit.sources)
            self._release(slot)

    def forget(self, slot: int | None = None) -> None:
        """Somebody else has changed a slot (None: all of them)."""
        for each in range(len(self._held)) if slot is None else [slot]:
            self._held[each] = ()

    def stats(self) -> dict[str, Any]:
        """Seconds of work beside the engine, states that were brought and taken, and faults."""
        seconds = {name: round(self._work[name], 3) for name in ("find", "build", "restore", "save", "cut")}
        seconds["write"] = round(self._warehouse.write_seconds, 3)
        return {
            "seconds": seconds,
            "brought": int(self._work["brought"]),
            "taken": int(self._work["taken"]),
            "unusable": self._unusable,
            "state_faults": dict(self._faults),
        }

    def _lease(self, tokens: Sequence[int]) -> int:
        """The free slot with the most of a prompt; if it would lose most of its own, the one that was used first."""
        with self._free:
            while len(self._busy) == len(self._held):
                self._free.wait()
            free = [slot for slot in range(len(self._held)) if slot not in self._busy]
            best = max(free, key=lambda slot: shared(self._held[slot], tokens))
            if 2 * shared(self._held[best], tokens) < len(self._held[best]):
                best = min(free, key=self._used.__getitem__)
            self._busy.add(best)
            self._used[best] = time.monotonic()
            return best

    def _release(self, slot: int) -> None:
        with self._free:
            self._busy.discard(slot)
            self._free.notify_all()

    def _bring(self, visit: Visit, tokens: Sequence[int]) -> None:
        for _ in range(2):  # an engine that was gone is there again the second time
            started = time.perf_counter()
            try:
                self._engine.ready()
                shaped = self._shape()
                started = time.perf_counter()  # that is done once for an engine
                visit.held = shared(self._held[visit.slot or 0], tokens)
                if shaped:
                    self._restore(visit, tokens, *shaped)
                break
            except (ModelError, WarehouseError, OSError) as error:
                self._fault(error, visit.slot)
                visit.held, visit.brought = 0, ()
        visit.seconds = time.perf_counter() - started

    def _restore(self, visit: Visit, tokens: Sequence[int], seed: str, shape: StateShape) -> None:
        slot = visit.slot or 0
        with self._timed("find"):
            found = self._warehouse.find(seed, tokens)
        if _reach(found) < visit.held + WORTH:
            return
        file = self._file()
        with self._timed("build"):
            found = self._built(file, visit, tokens, found, seed, shape)
        try:
            if not found:
                return
            with self._timed("restore"):
                self._held[slot] = ()
                self._engine.post(f"/slots/{slot}?action=restore", {"filename": file.name})
        finally:
            self._warehouse.discard(file)
        visit.brought = found
        self._work["brought"] += 1

    def _built(
        self,
        file: Path,
        visit: Visit,
        tokens: Sequence[int],
        found: tuple[FoundBlock, ...],
        seed: str,
        shape: StateShape,
    ) -> tuple[FoundBlock, ...]:
        """Write the state of what was found. Returns the blocks that are in it: fewer, if one has gone meanwhile."""
        while (reach := _reach(found)) >= visit.held + WORTH:
            used = list[FoundBlock]()
            try:
                parts = self._parts(found, used, seed, shape)
                write_state(file, shape, tokens[:reach], visit.slot or 0, parts)
                return found
            except WarehouseError:
                if len(used) == len(found):
                    raise
                found = tuple(used)
        return ()

    def _parts(
        self, found: Sequence[FoundBlock], used: list[FoundBlock], seed: str, shape: StateShape
    ) -> Iterator[StatePart]:
        """The payloads, one after the other, up to one that cannot be had; ``used`` has those that could."""
        scratch = blank(record_size(BLOCK, BLOCK * shape.token_bytes))
        for one in found:
            payload = self._warehouse.fetch(one, seed, scratch)
            if payload is None or len(payload) != one.held * shape.token_bytes:
                return
            used.append(one)
            yield StatePart(payload, one.held, one.taken)

    def _take(self, slot: int) -> None:
        """Keep what the slot holds now."""
        file = self._file()
        try:
            if self._shaped is None:
                return
            seed, shape = self._shaped
            with self._timed("save"):
                self._held[slot] = ()
                self._engine.post(f"/slots/{slot}?action=save", {"filename": file.name})
            with self._timed("cut"), reading(file) as state:
                if state.shape != shape:
                    raise WarehouseError("the engine's states have changed their shape")
                self._warehouse.put(seed, state.tokens, state.cut, shape.token_bytes)
                self._held[slot] = state.tokens
            self._work["taken"] += 1
        except (ModelError, WarehouseError, OSError) as error:
            self._fault(error, slot)
        finally:
            self._warehouse.discard(file)

    def _shape(self) -> tuple[str, StateShape] | None:
        """The seed and the shape of this engine's states; None if they cannot be cut. One token is computed for it."""
        with self._shaping:
            if self._shaped is None and not self._unusable:
                try:
                    shape = self._probed()
                except WarehouseError as error:
                    self._unusable = str(error)
                    return None
                digest = weights_digest(self._engine.weights)
                self._shaped = seed_of("llama.cpp", digest, self._engine.state_settings, shape.name), shape
            return self._shaped

    def _probed(self) -> StateShape:
        file = self._file()
        try:
            self._engine.post("/completion", {"prompt": [_FIRST], "n_predict": 0, "id_slot": 0})
            self._engine.post("/slots/0?action=save", {"filename": file.name})
            with reading(file) as state:
                return state.shape
        finally:
            file.unlink(missing_ok=True)

    def _file(self) -> Path:
        return self._folder / f"part-{secrets.token_hex(8)}"

    def _fault(self, error: Exception, slot: int | None) -> None:
        self._faults[f"{type(error).__name__}: {error}"[:200]] += 1
        self.forget(slot)

    @contextmanager
    def _timed(self, name: str) -> Iterator[None]:
        started = time.perf_counter()
        try:
            yield
        finally:
            self._work[name] += time.perf_counter() - started


def _reach(found: Sequence[FoundBlock]) -> int:
    return found[-1].start + found[-1].taken if found else 0


_DIGESTS: dict[tuple[str, int, int], str] = {}


def weights_digest(weights: Path) -> str:
    """The sha256 of a whole file of weights: 0.1 s for 100 MB, and read once by a process."""
    about = weights.stat()
    known = (str(weights.resolve()), about.st_size, about.st_mtime_ns)
    if known not in _DIGESTS:
        with weights.open("rb") as file:
            _DIGESTS[known] = hashlib.file_digest(file, "sha256").hexdigest()
    return _DIGESTS[known]
