"""Takes what is secret out of the environment that the system shows of this process, where commands have no walls.

A process's first environment stays in its memory, and in /proc/PID/environ, whatever is deleted from os.environ.
Here its strings are overwritten, and the process is closed to others of the same user (prctl's PR_SET_DUMPABLE).
What remains: root may read any process's memory, and programs that started this one have an environment of their own.
"""

import ctypes
import sys
from contextlib import suppress
from functools import cache
from pathlib import Path

from agentmem.config import keep_secret
from agentmem.sandbox import syscalls

_START, _END = 49, 50
"""Where the environment's block begins and ends: fields of /proc/self/stat, counted from 0; see proc(5)."""


@cache
def hide_secrets() -> None:
    """Overwrite every variable that commands do not see, once; elsewhere than on Linux nothing is done."""
    if sys.platform != "linux":
        return
    secret = {name.encode("utf-8", "surrogateescape") for name in keep_secret()}
    with suppress(OSError, ValueError, IndexError):
        start, end = _block()
        at = start
        for one in ctypes.string_at(start, end - start).split(b"\0"):
            name = one.partition(b"=")[0]
            if name in secret:
                ctypes.memset(at + len(name) + 1, ord("*"), len(one) - len(name) - 1)
            at += len(one) + 1
    with suppress(OSError):
        syscalls.prctl(syscalls.PR_SET_DUMPABLE, 0)


def _block() -> tuple[int, int]:
    fields = Path("/proc/self/stat").read_bytes().rpartition(b")")[2].split()
    return int(fields[_START - 2]), int(fields[_END - 2])
