"""Looks at how much of the disk a fork takes, where no file system of its own bounds it.

A look at every file costs more the more files there are. While a command runs, it is made the less often the more it
costs, but at once when the whole disk has become fuller by so much that the fork may have passed its limit. That
alone would not do: somebody else may make room on the disk at the same time. So it is made once more at the end.
"""

import os
import time
from collections.abc import Callable
from pathlib import Path


class DiskWatch:
    """Tells when a fork has passed its limit. It remembers from one command to the next how much was left.

    ``used`` gives the bytes of the fork, at the cost of a look at each file. A fork that has passed its limit may not
    become larger than it is, but a command may make it smaller.
    """

    def __init__(self, where: Path, most: int, used: Callable[[], int]) -> None:
        self._where, self._most, self._used = where, most, used
        self._bound = most
        self._left = self._free = 0
        self._due = 0.0  # the first look is one at every file

    def passed(self, last: bool = False) -> bool:
        """Whether the fork takes more than it may, as far as it is worth to look. ``last``: the command has ended."""
        began, free = time.monotonic(), _free(self._where)
        if not last and began < self._due and self._free - free <= self._left // 2:
            return False
        used = self._used()
        over = used > self._bound
        if last:
            self._bound = max(self._most, used)
        self._left, self._free = self._bound - used, free
        self._due = began + _TIMES * (time.monotonic() - began)
        return over


_TIMES = 20
"""After how often the cost of a look at every file the next is made, where the disk has not become much fuller."""


def _free(where: Path) -> int:
    """Free bytes of the disk. Each file that can still be made counts as a block."""
    now = os.statvfs(where)
    return now.f_bavail * now.f_frsize + now.f_favail * 4096
