"""Stamps of a source's files when it was forked, to tell later whether a file has changed since."""

import json
import os
import stat
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from agentmem.sandbox.tree import FileTree, too_deep

Stamp = tuple[int, int, int]
"""Size in bytes, time of change in nanoseconds, mode. Touching or linking a file does not change it."""


def stamp(status: os.stat_result) -> Stamp:
    return status.st_size, status.st_mtime_ns, status.st_mode


@dataclass(frozen=True, slots=True)
class Stamps:
    """The stamps of all files of a folder, except those in ``.git``."""

    root: Path
    of: Mapping[str, Stamp]

    @classmethod
    def take(cls, root: Path) -> "Stamps":
        return cls(root, dict(_scan(str(root))))

    def changed(self, path: str) -> bool:
        """True if ``path`` in the folder is no longer as it was."""
        now = FileTree(self.root).status(path)
        if now is None or stat.S_ISDIR(now.st_mode):
            return path in self.of
        return self.of.get(path) != stamp(now)

    @property
    def size(self) -> int:
        """Bytes, in blocks of 4096."""
        return sum((size + 4095) // 4096 * 4096 for size, _, _ in self.of.values())

    def save(self, file: Path) -> None:
        names = "\0".join(self.of).encode(errors="surrogateescape")
        numbers = json.dumps(list(self.of.values()), separators=(",", ":")).encode()
        file.write_bytes(b"%d\n" % len(names) + zlib.compress(names + numbers, 1))

    @classmethod
    def load(cls, file: Path, root: Path) -> "Stamps":
        length, _, rest = file.read_bytes().partition(b"\n")
        data = zlib.decompress(rest)
        names = data[: int(length)].decode(errors="surrogateescape").split("\0")
        numbers = [(size, time, mode) for size, time, mode in json.loads(data[int(length) :])]
        return cls(root, dict(zip(names, numbers, strict=True)) if numbers else {})


def _scan(root: str) -> "list[tuple[str, Stamp]]":
    """As fast as Python goes: a fork waits for it."""
    found: list[tuple[str, Stamp]] = []
    waiting = [(root, "")]
    while waiting:
        folder, prefix = waiting.pop()
        with os.scandir(folder) as listed:
            for entry in listed:
                if entry.name == ".git":
                    continue
                if entry.is_dir(follow_symlinks=False):
                    if not too_deep(prefix + entry.name):
                        waiting.append((entry.path, f"{prefix}{entry.name}/"))
                else:
                    status = entry.stat(follow_symlinks=False)
                    found.append((prefix + entry.name, (status.st_size, status.st_mtime_ns, status.st_mode)))
    return found
