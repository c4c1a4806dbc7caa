"""Hides secrets in the environment of this process, for commands that run without walls.

A process's first environment stays in its memory and in /proc/PID/environ, even after os.environ changes. Here its
strings are overwritten, and the process is closed to others of the same user (prctl's PR_SET_DUMPABLE). This does not
help against root, who may read any process's memory, or for the programs that started this one.
"""

import ctypes
import sys
from contextlib import suppress
from functools import cache
from pathlib import Path

from agentmem.config import keep_secret
from agentmem.sandbox import syscalls

_START, _END = 49, 50
"""The fields of /proc/self/stat with the start and end of the environment, counted from 0; see proc(5)."""


@cache
def hide_secrets() -> None:
    """Overwrite, once, every variable that commands must not see. Only on Linux; elsewhere nothing is done."""
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
