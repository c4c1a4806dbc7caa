"""Runs a shell command and ends all its processes: when it ends, when its time is up, and on an interrupt.

A command gets a session of its own, and a mark in its environment that identifies all processes that it starts, also
those that leave the session. (Without /proc the mark cannot be found, and only the process group is ended.) Without
walls (walled.py), a kill -9 of the agent leaves a command running until it ends by itself.
"""

import contextlib
import os
import re
import secrets
import shutil
import signal
import subprocess
import threading
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import IO, Annotated

from pydantic import Field

from agentmem.config import MARK, shell_environment
from agentmem.errors import ToolError
from agentmem.menu import walled
from agentmem.menu.tool import ToolContext
from agentmem.sandbox.hiding import hide_secrets

_KEPT = 500_000  # bytes of output kept from the beginning, and about as many from the end
_MUCH = (
    f" It printed {{:,}} bytes. Only about the first and the last {_KEPT:,} are kept: what lies between is lost. If "
    "you need it, run the command again with its output sent to a file, and read that in pieces."
)
_LONGEST = 131_072  # bytes of one argument: Linux's MAX_ARG_STRLEN
_BLOCK = 65_536
_ROUNDS = 1_000  # the most passes over the processes, to find new ones and those still dying
_GLANCE = 0.002  # seconds between two passes
_QUIET = 3  # empty passes in a row until there are surely none: during an exec a process has no environment to read
_NOBODY = -1  # a session that never exists
_DRAIN = 2.0  # seconds to wait for output that is still in the pipe
_PROCESSES = Path("/proc")
_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])")


def run(command: str, context: ToolContext, seconds: Annotated[int, Field(ge=1, le=600)] = 60) -> str:
    """Runs a command. Returns how it ended and its output, both streams in the order of printing."""
    mark = secrets.token_hex(16)
    with walled.settings_kept(context.workspace) as undone:
        try:
            started = _start(command, context, mark)
        except BaseException:  # an interrupt may come after the command has begun
            _end(_NOBODY, mark)
            raise
        code, late, output = _waited(started, context, seconds, mark)
    return _report(code, seconds if late else None, output, undone)


def _waited(started: walled.Started, context: ToolContext, seconds: int, mark: str) -> "tuple[int, bool, _Output]":
    """Waits until a command and all its processes end: its exit code, True if its time was up, and its output."""
    process = started.process
    late = threading.Event()

    def end() -> None:
        _end(process.pid, mark)

    def time_up() -> None:
        late.set()
        end()

    timer = threading.Timer(seconds, time_up)
    timer.daemon = True
    try:
        output = _Output(process.stdout)
        timer.start()
        with context.stop.calling(end):
            _wait(process)
    finally:
        timer.cancel()
        if timer.is_alive():
            timer.join()
        end()  # before the process is reaped: until then no other process can get its number
        process.wait()
    return started.code(), late.is_set(), output


def _start(command: str, context: ToolContext, mark: str) -> walled.Started:
    seen = shell_environment() if context.environment is None else context.environment
    environment = {"PATH": os.defpath, **seen, "TERM": "dumb", MARK: mark}
    shell = shutil.which("bash", path=environment["PATH"]) or "/bin/sh"
    isolation = walled.walls(context.reach, context.workspace.root)
    try:
        if isolation != "none":
            _check(command)
            return walled.start(isolation, [shell, "-c", command], context.workspace, environment, context.reach)
        hide_secrets()
        return walled.Started(_unwalled([shell, "-c", command], context.workspace.root, environment))
    except (OSError, ValueError) as error:
        raise ToolError(f"The command could not be started: {error}.") from error


def _check(command: str) -> None:
    """Raises ValueError for a command that no system accepts; behind walls the error would come too late."""
    if "\0" in command:
        raise ValueError("it has a zero byte in it")
    if len(command.encode("utf-8", "surrogateescape")) >= _LONGEST:
        raise ValueError(f"it is longer than {_LONGEST:,} bytes. Write it into a file, and run that")


def _unwalled(argv: list[str], root: Path, environment: dict[str, str]) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        argv,
        cwd=root,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )


def _wait(process: "subprocess.Popen[bytes]") -> None:
    """Waits for the end of a process, without reaping it if the system allows that."""
    if hasattr(os, "waitid"):
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    else:
        process.wait()


def _end(session: int, mark: str) -> None:
    """Kills the session and all processes with the mark, until none is alive."""
    if session != _NOBODY:
        _signal(os.killpg, session)
    quiet = 0
    for _ in range(_ROUNDS):
        found = _alive(session, mark)
        quiet = 0 if found else quiet + 1
        if quiet == _QUIET:
            return
        for process in found:
            _signal(os.kill, process)
        time.sleep(_GLANCE)  # a killed process keeps its files open for a moment


def _signal(send: Callable[[int, int], None], target: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):  # it has ended, or belongs to another user now
        send(target, signal.SIGKILL)


def _alive(session: int, mark: str) -> list[int]:
    """The processes of the session, and those with the mark in their environment, without zombies."""
    wanted = f"{MARK}={mark}".encode()
    found = []
    for folder in _PROCESSES.glob("[0-9]*") if _PROCESSES.is_dir() else ():
        with contextlib.suppress(OSError):
            state, _, _, of = (folder / "stat").read_text().rpartition(")")[2].split()[:4]
            if state not in "ZX" and (int(of) == session or wanted in (folder / "environ").read_bytes()):
                found.append(int(folder.name))
    return found


class _Output:
    """Reads the output as it comes, and keeps its beginning and its end."""

    def __init__(self, stream: IO[bytes] | None) -> None:
        assert stream is not None  # a pipe was asked for
        self._stream, self._lock = stream, threading.Lock()
        self._head, self._tail = bytearray(), deque[bytes]()
        self.printed = self._in_tail = 0
        self._thread = threading.Thread(target=self._read, name="agentmem-output", daemon=True)
        self._thread.start()

    def _read(self) -> None:
        with self._stream:
            while block := os.read(self._stream.fileno(), _BLOCK):
                with self._lock:
                    self._keep(block)

    def _keep(self, block: bytes) -> None:
        self.printed += len(block)
        room = _KEPT - len(self._head)
        self._head += block[:room]
        if rest := block[room:]:
            self._tail.append(rest)
            self._in_tail += len(rest)
        while self._in_tail - len(self._tail[0] if self._tail else b"") >= _KEPT:
            self._in_tail -= len(self._tail.popleft())

    def text(self) -> str:
        """The output as text, without colours and overwritten progress lines."""
        self._thread.join(_DRAIN)
        with self._lock:
            head, tail = bytes(self._head), b"".join(self._tail)
        left_out = self.printed - len(head) - len(tail)
        gap = f"\n[{left_out:,} bytes are left out here.]\n".encode() if left_out else b""
        text = (head + gap + tail).decode("utf-8", "replace")
        plain = _ESCAPES.sub("", text).replace("\r\n", "\n")
        return "\n".join(line.rpartition("\r")[2] for line in plain.split("\n")).rstrip()


def _report(code: int, seconds: int | None, output: _Output, undone: list[str]) -> str:
    """A report: how the command ended, what was undone, and the output below."""
    if seconds is not None:
        ending = f"Ended after {seconds} seconds because its time was up, with everything it had started."
    elif code < 0:
        ending = f"Killed by signal {-code} ({signal.Signals(-code).name})."
    else:
        ending = f"Exit code {code}{_signal_of(code)}."
    ending = " ".join((ending, *undone))
    text = output.text()
    much = _MUCH.format(output.printed) if output.printed > 2 * _KEPT else ""
    return f"{ending}{much}\n\n{text or '(It printed nothing.)'}"


def _signal_of(code: int) -> str:
    """The words for an exit code that tells of a signal, as a shell gives it."""
    with contextlib.suppress(ValueError):
        return f", as after signal {code - 128} ({signal.Signals(code - 128).name})" if code > 128 else ""
    return ""
