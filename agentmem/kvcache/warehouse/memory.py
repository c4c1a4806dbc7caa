"""Memory as a tier: whole records, of so many bytes at most."""

from collections.abc import Iterable

from agentmem.kvcache.eviction import HeldBlock, Policy
from agentmem.kvcache.warehouse.records import KvRecord, record_size
from agentmem.kvcache.warehouse.standings import Standings


class BlockMemory:
    """Records of ``budget`` bytes at most. Not for several threads at a time."""

    def __init__(self, budget: int, policy: Policy) -> None:
        self.standings = Standings(budget, policy)
        self._records: dict[str, KvRecord] = {}

    def get(self, key: str) -> KvRecord | None:
        """The record, if it is held."""
        return self._records.get(key)

    def add(self, record: KvRecord, now: float, kept: Iterable[str] = ()) -> bool:
        """Hold a record in place of what is worth less. False if it does not fit beside those in ``kept``."""
        block = record.block
        if block.key in self._records:
            return True
        size = record_size(len(block.tokens), len(record.payload))
        self.make_room(size, now, kept)
        if not self.standings.has_room(size):
            return False
        self._records[block.key] = record
        self.standings.add(HeldBlock(block.key, block.parent, size, block.start, len(block.tokens), now, now))
        return True

    def make_room(self, size: int, now: float, kept: Iterable[str] = ()) -> int:
        """Let go of what is worth less than ``size`` more bytes, before they are read. Returns how many blocks left."""
        leaving = self.standings.fit(now, kept, size) if size <= self.standings.budget else []
        for key in leaving:
            self._records.pop(key, None)
        return len(leaving)

    def drop(self, key: str) -> None:
        """Hold a record no longer."""
        self.standings.drop(key)
        self._records.pop(key, None)

    def clear(self) -> None:
        """Hold nothing."""
        for key in list(self._records):
            self.drop(key)
