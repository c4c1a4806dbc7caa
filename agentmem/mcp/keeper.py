"""A small process between agentmem and a server's command: when agentmem ends, however it ends, the server ends too.

    python -I -S keeper.py LIFELINE COMMAND...

LIFELINE is the read end of a pipe whose other end only agentmem holds. When that end closes, the command and all of its
descendants are killed. Standard input and output go straight to the command. This file is a program of its own: it
imports nothing of agentmem.
"""

import ctypes
import os
import select
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

_SUBREAPER = 36  # PR_SET_CHILD_SUBREAPER: orphaned descendants become children of this process


def main() -> int:
    """Runs the command until it ends or the lifeline does. Returns the command's exit code."""
    lifeline, command = int(sys.argv[1]), sys.argv[2:]
    _adopt_orphans()
    woken, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.set_wakeup_fd(wake)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    try:
        child = subprocess.Popen(command, start_new_session=True)
    except OSError as error:
        os.write(2, f"{command[0]} cannot be started: {error.strerror}\n".encode())
        return 127
    _let_go()
    while child.poll() is None:
        ready, _, _ = select.select([lifeline, woken], [], [])
        if lifeline in ready:
            break
        os.read(woken, 4096)
    _end(child)
    return child.returncode or 0


def _adopt_orphans() -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_SUBREAPER, 1, 0, 0, 0)


def _let_go() -> None:
    """Closes the pipes of the command here, so that each side sees the other's end."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nowhere, stream)


def _end(child: "subprocess.Popen[bytes]") -> None:
    """Kills the command's group, then what left the group and was adopted, until nothing is left."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, signal.SIGKILL)
    child.wait()
    for _ in range(100):
        for orphan in _children():
            os.kill(orphan, signal.SIGKILL)
        try:
            os.waitpid(-1, 0)
        except ChildProcessError:
            return


def _children() -> "list[int]":
    try:
        return [int(one) for one in Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()]
    except OSError:
        return []


if __name__ == "__main__":
    sys.exit(main())
