"""Stamps of files, to tell later whether a file has changed since; and those of a source when it was forked."""

import json
import os
import stat
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from agentmem.sandbox.tree import FileTree, too_deep


class FileStamp(NamedTuple):
    """What a file was: size in bytes, time of change in nanoseconds and mode; where it is asked for, which file it was.

    Touching or linking a file changes ``touched`` alone, which a command cannot set back.
    """

    size: int
    changed: int
    mode: int = 0
    inode: int = 0
    touched: int = 0

    @classmethod
    def of(cls, status: os.stat_result) -> "FileStamp":
        """The stamp of this very file: another with the same content has another."""
        return cls(status.st_size, status.st_mtime_ns, status.st_mode, status.st_ino)


@dataclass(frozen=True, slots=True)
class Stamps:
    """The stamps of all files of a folder, except those in ``.git``."""

    root: Path
    of: Mapping[str, FileStamp]

    @classmethod
    def take(cls, root: Path) -> "Stamps":
        return cls(root, dict(_scan(str(root))))

    def changed(self, path: str) -> bool:
        """True if ``path`` in the folder is no longer as it was."""
        now = FileTree(self.root).status(path)
        if now is None or stat.S_ISDIR(now.st_mode):
            return path in self.of
        return self.of.get(path) != FileStamp(now.st_size, now.st_mtime_ns, now.st_mode)

    @property
    def size(self) -> int:
        """Bytes, in blocks of 4096."""
        return sum((size + 4095) // 4096 * 4096 for size, *_ in self.of.values())

    def save(self, file: Path) -> None:
        names = "\0".join(self.of).encode(errors="surrogateescape")
        numbers = json.dumps([one[:3] for one in self.of.values()], separators=(",", ":")).encode()
        file.write_bytes(b"%d\n" % len(names) + zlib.compress(names + numbers, 1))

    @classmethod
    def load(cls, file: Path, root: Path) -> "Stamps":
        length, _, rest = file.read_bytes().partition(b"\n")
        data = zlib.decompress(rest)
        names = data[: int(length)].decode(errors="surrogateescape").split("\0")
        numbers = [FileStamp(size, time, mode) for size, time, mode in json.loads(data[int(length) :])]
        return cls(root, dict(zip(names, numbers, strict=True)) if numbers else {})


def _scan(root: str) -> "list[tuple[str, FileStamp]]":
    """As fast as Python goes: a fork waits for it."""
    found: list[tuple[str, FileStamp]] = []
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
                    found.append((prefix + entry.name, FileStamp(status.st_size, status.st_mtime_ns, status.st_mode)))
    return found
