"""The disk as a tier: a file for each block, in a folder that any number of processes may share.

The files' names say all that finding and eviction need, so that the index is one scan, and a process sees what others
wrote as soon as it asks. A file gets its name when it is whole. A file's time of change is the block's last use.
Nothing is synced: after a power cut a block may be damaged, and is then refused like any other damage.
"""

import fcntl
import os
import re
import secrets
import time
from collections import Counter, deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from agentmem.errors import BlockVersion, ConfigError, WarehouseError
from agentmem.kvcache.eviction import HeldBlock, Policy
from agentmem.kvcache.warehouse.blocks import KvBlock
from agentmem.kvcache.warehouse.records import KvRecord, blank, decode, head_size, pieces, read_head, record_size
from agentmem.kvcache.warehouse.standings import Standings

_NAME = re.compile(r"([0-9a-f]{64})\.([0-9a-f]{64})\.(\d+)\.(\d+)\.kv")
_PART = "part-"
_LANDING = "landing"
_STALE = 600
"""Seconds after which a file that is not finished is left over from a process that was killed."""
_AHEAD = 0.02
"""The share of the budget that may be written before it is checked again what other processes wrote."""


class BlockFolder:
    """Blocks in the files of ``folder``, of ``budget`` bytes at most. Not for several threads at a time.

    Raises ConfigError if the folder cannot be made.
    """

    def __init__(self, folder: Path, budget: int, policy: Policy) -> None:
        self.folder = folder
        self.standings = Standings(budget, policy)
        self.refused: Counter[str] = Counter()
        self.written = 0
        self._blocks: dict[str, KvBlock] = {}
        self._unusable: set[str] = set()
        self._retired: deque[Path] = deque()
        self._touched: dict[str, float] = {}
        self._unchecked = budget
        self.landing = folder / _LANDING
        """For files on their way to or from an engine, called part-..., which are deleted at once."""
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.landing.mkdir(mode=0o700, exist_ok=True)
            self.scan()
            self.sweep()
        except OSError as error:
            raise ConfigError(f"{folder} cannot hold blocks of KV state: {error.strerror or error}") from error

    def scan(self) -> None:
        """Make the index of what is there now."""
        buckets = [one for one in self.folder.glob("??") if one.is_dir()]
        gone = set(self.standings.held)
        for bucket in buckets:
            gone -= self._list(bucket)
        for key in gone:
            self._forget(key)

    def children(self, parent: str) -> tuple[str, ...]:
        """The keys of the blocks that follow ``parent`` directly, also those that another process has just written."""
        known = set(self.standings.children(parent))
        for key in known - self._list(self.folder / parent[:2]):
            self._forget(key)
        return self.standings.children(parent)

    def block(self, key: str) -> KvBlock | None:
        """A block's name and tokens, as its head says; None if it cannot be read."""
        if key not in self._blocks and (one := self.standings.held.get(key)):
            try:
                with self._path(one).open("rb") as file:
                    self._blocks[key] = read_head(file.read(head_size(one.tokens)))[1]
            except (OSError, WarehouseError) as error:
                self._refuse(key, error)
        return self._blocks.get(key)

    def size(self, key: str) -> int:
        """The bytes of a block's file; 0 if it is not held."""
        one = self.standings.held.get(key)
        return one.size if one else 0

    def read(self, key: str, scratch: memoryview | None = None) -> KvRecord | None:
        """A block, whole and checked; None if it is not there or was refused. In ``scratch``, if it fits there."""
        one = self.standings.held.get(key)
        if one is None:
            return None
        try:
            record = decode(_whole(self._path(one), scratch), key)
        except (OSError, WarehouseError) as error:
            self._refuse(key, error)
            return None
        self._blocks[key] = record.block
        return record

    def write(self, record: KvRecord, used: float | None = None) -> None:
        """Write a block that was ``used`` at that time (None: now), unless it is there.

        Raises OSError; then nothing has changed.
        """
        block = record.block
        size = record_size(len(block.tokens), len(record.payload))
        if block.key in self.standings or size > self.standings.budget:
            return
        used = time.time() if used is None else used
        one = HeldBlock(block.key, block.parent, size, block.start, len(block.tokens), used, used)
        target, part = self._path(one), self.folder / f"{_PART}{secrets.token_hex(8)}"
        target.parent.mkdir(mode=0o700, exist_ok=True)
        try:
            part.touch(0o600)
            with part.open("wb") as file:
                file.writelines(pieces(record))
            os.utime(part, (used, used))
            part.replace(target)
        finally:
            part.unlink(missing_ok=True)
        self._unusable.discard(target.name)
        self._blocks[block.key] = block
        self.standings.add(one)
        self.written += size
        self._unchecked += size

    def remove(self, keys: Iterable[str]) -> None:
        """Delete blocks."""
        for key in keys:
            if one := self.standings.held.get(key):
                self._path(one).unlink(missing_ok=True)
                self._forget(key)

    def retire(self, keys: Iterable[str]) -> None:
        """Hold blocks no longer, and have `settle` delete them: after what takes their place is written."""
        for key in keys:
            if one := self.standings.held.get(key):
                path = self._path(one)
                self._unusable.add(path.name)
                self._retired.append(path)
                self._forget(key)

    def use(self, keys: Iterable[str]) -> None:
        """Note that these blocks were used now; the first of a chain counts as used last. `settle` tells others."""
        now = time.time()
        used = [key for key in keys if key in self.standings]
        self.standings.use(used, now)
        self._touched.update(dict.fromkeys(used, now))

    @property
    def unsettled(self) -> bool:
        """If `settle` has something to do."""
        return bool(self._retired or self._touched)

    def settle(self) -> None:
        """Do one thing that was put off, since the journal of a busy disk may keep it waiting."""
        with suppress(OSError):
            if self._retired:
                path = self._retired.popleft()
                if path.name in self._unusable:  # or it was written again
                    path.unlink(missing_ok=True)
                    self._unusable.discard(path.name)
            elif self._touched:
                key, now = self._touched.popitem()
                if one := self.standings.held.get(key):
                    os.utime(self._path(one), (now, now))

    def fit(self) -> int:
        """Delete what has to leave, and a little more. Returns how many blocks left. Others' blocks count too."""
        held = self.standings
        if held.bytes <= held.budget and self._unchecked < _AHEAD * held.budget:
            return 0
        with self.alone():
            self.scan()
            self._unchecked = 0
            before = dict(held.held)
            leaving = held.fit(time.time(), room=int(_AHEAD * held.budget))
            for key in leaving:
                self._path(before[key]).unlink(missing_ok=True)
                self._blocks.pop(key, None)
        return len(leaving)

    def clear(self) -> int:
        """Delete all blocks, and files that nobody finished. Returns how many blocks there were."""
        with self.alone():
            self.scan()
            count = len(self.standings)
            self.remove(list(self.standings.held))
            for name in self._strangers():
                (self.folder / name[:2] / name).unlink(missing_ok=True)
            for part in self.folder.glob(f"{_PART}*"):
                part.unlink(missing_ok=True)
        return count

    def sweep(self) -> None:
        """Delete files that a killed process left unfinished."""
        for part in (*self.folder.glob(f"{_PART}*"), *self.landing.glob(f"{_PART}*")):
            with suppress(OSError):
                if time.time() - part.stat().st_mtime > _STALE:
                    part.unlink()

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Hold the folder for what only one process may do at a time. The lock ends with the process in any case."""
        with (self.folder / "lock").open("ab") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _list(self, bucket: Path) -> set[str]:
        """Take in the files of a bucket. Returns their blocks' keys."""
        seen = set[str]()
        try:
            entries = list(os.scandir(bucket))
        except OSError:  # no block is there, or none can be read
            return seen
        for entry in entries:
            match = _NAME.fullmatch(entry.name)
            if match is None or entry.name in self._unusable:
                continue
            parent, key, start, count = match[1], match[2], int(match[3]), int(match[4])
            seen.add(key)
            if key not in self.standings:
                with suppress(FileNotFoundError):
                    about = entry.stat(follow_symlinks=False)
                    used = about.st_mtime
                    self.standings.add(HeldBlock(key, parent, about.st_size, start, count, used, used))
        return seen

    def _strangers(self) -> list[str]:
        """Block files that were refused and are still there."""
        return [name for name in self._unusable if (self.folder / name[:2] / name).exists()]

    def _refuse(self, key: str, error: Exception) -> None:
        """Believe a file no longer. A damaged one is deleted; one of another version may serve another agentmem."""
        path = self._path(self.standings.held[key])
        if isinstance(error, WarehouseError):
            self.refused[str(error)] += 1
            self._unusable.add(path.name)
            if not isinstance(error, BlockVersion):
                path.unlink(missing_ok=True)
        self._forget(key)

    def _forget(self, key: str) -> None:
        self.standings.drop(key)
        self._blocks.pop(key, None)

    def _path(self, one: HeldBlock) -> Path:
        return self.folder / one.parent[:2] / f"{one.parent}.{one.key}.{one.start}.{one.tokens}.kv"


def _whole(path: Path, scratch: memoryview | None) -> memoryview:
    """All bytes of a file."""
    with path.open("rb", buffering=0) as file:
        size = os.fstat(file.fileno()).st_size
        data = scratch[:size] if scratch is not None and size <= len(scratch) else blank(size)
        return data[: file.readinto(data)]
