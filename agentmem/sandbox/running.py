"""Runs a plan: starts the program inside, reads its output, and ends it after its time or on an interrupt."""

import fcntl
import io
import marshal
import os
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from agentmem.errors import SandboxError
from agentmem.sandbox.limits import SandboxLimits
from agentmem.sandbox.plan import RunPlan


class Capture:
    """Collects output. Of more than ``limit`` bytes it keeps a third from the start and the rest from the end."""

    def __init__(self, limit: int) -> None:
        self._head_size = limit // 3
        self._tail_size = limit - self._head_size
        self._head = bytearray()
        self._tail = bytearray()
        self.seen = 0

    def feed(self, data: bytes) -> None:
        self.seen += len(data)
        room = self._head_size - len(self._head)
        self._head += data[:room]
        self._tail += data[room:]
        if len(self._tail) > 2 * self._tail_size + (1 << 16):
            del self._tail[: -self._tail_size]

    def text(self) -> str:
        """The output as text. Bytes that are not UTF-8 are replaced."""
        left_out = len(self._tail) - self._tail_size + (self.seen - len(self._head) - len(self._tail))
        if left_out <= 0:
            return (self._head + self._tail).decode(errors="replace")
        head, tail = self._head.decode(errors="replace"), self._tail[-self._tail_size :].decode(errors="replace")
        return f"{head}\n[... {left_out:,} of {self.seen:,} bytes left out here ...]\n{tail}"


PACKAGE = Path(__file__).resolve().parents[1]
_INSIDE = f"""
import sys
from types import ModuleType
for folder in ("", "/sandbox"):
    name = "agentmem" + folder.replace("/", ".")
    sys.modules[name] = ModuleType(name)
    sys.modules[name].__path__ = [{str(PACKAGE)!r} + folder]
from agentmem.sandbox.inside import main
main()
"""
PYTHON = (sys.executable, "-I", "-S", "-c", _INSIDE)
"""Starts the program inside without site-packages and without this package's own imports: in about 20 ms."""

_LOOK = 0.05
"""Seconds between two looks at what is used."""
_GRACE = 30.0
"""Seconds to end everything in, where there is no namespace that ends with its first process."""
_KEPT_A_SECOND = 16 << 20
"""Bytes that are copied to a slow disk in a second, when the command has ended."""
_CHUNK = 1 << 16


@dataclass(frozen=True, slots=True)
class RunOutcome:
    """The end of a command. ``killed`` names the limit that it exceeded: time, memory, processes, output or disk."""

    exit_code: int
    output: str
    seconds: float
    killed: str | None


def execute(
    plan: RunPlan,
    limits: SandboxLimits,
    stdin: bytes = b"",
    over: Callable[[], str | None] = lambda: None,
    seconds: float | None = None,
    descriptors: tuple[int, ...] = (),
) -> RunOutcome:
    """Run ``plan`` for at most ``seconds``, and wait until all of its processes have ended.

    ``over`` names a limit that only we can see to be passed. ``descriptors`` are open in the command too. Raises
    SandboxError when the walls could not be made.
    """
    began = time.monotonic()
    capture = Capture(limits.output)
    with ExitStack() as opened:
        given = opened.enter_context(_file(stdin))
        planned = opened.enter_context(_file(marshal.dumps(dict(plan))))
        output, output_in = _pipe(opened)
        status, status_in = _pipe(opened)
        program = subprocess.Popen(
            [*PYTHON, str(planned.fileno()), str(status_in)],
            stdin=given,
            stdout=output_in,
            stderr=output_in,
            pass_fds=(planned.fileno(), status_in, *descriptors, *plan["groups"], *_held(plan)),
            start_new_session=True,
            cwd="/",
            env={},
        )
        try:
            os.close(output_in)
            os.close(status_in)
            killed = _listen(output, capture, limits, began + (seconds or limits.seconds), over)
        finally:
            _end(program, _GRACE + (plan["room"] / _KEPT_A_SECOND if plan["keep"] else 0.0))
        said = os.read(status, _CHUNK)
    return _outcome(status_of(said, program.returncode), killed, capture, time.monotonic() - began)


def status_of(said: bytes, code: int) -> dict[str, Any]:
    """The last status from the program inside. If the command killed it, that is how the command ended."""
    status, rest = dict[str, Any](), io.BytesIO(said)
    while rest.tell() < len(said):
        status |= marshal.load(rest)
    if "started" in status and not status.keys() & {"exit", "error"}:
        status |= {"exit": 128 + (-code if code < 0 else signal.SIGKILL), "killed": None}
    return status


def _outcome(status: dict[str, Any], killed: str | None, capture: Capture, seconds: float) -> RunOutcome:
    if killed:
        return RunOutcome(128 + signal.SIGKILL, capture.text(), seconds, killed)
    if "exit" not in status:
        reason = status.get("error") or f"it ended without a status. {capture.text()[-400:]}".strip()
        raise SandboxError(f"the sandbox could not be set up: {reason}")
    if status.get("lost"):
        said = f"{capture.text()}\n[what this command wrote could not be kept: {status['lost']}]"
        return RunOutcome(status["exit"], said, seconds, "disk")
    return RunOutcome(
        status["exit"], capture.text(), seconds, status["killed"] or ("disk" if status.get("full") else None)
    )


def _listen(
    output: int, capture: Capture, limits: SandboxLimits, deadline: float, over: Callable[[], str | None]
) -> str | None:
    """Read output until no process is left that could print. Returns the limit that was exceeded, if any."""
    look = time.monotonic() + _LOOK
    ready = select.poll()
    ready.register(output, select.POLLIN | select.POLLHUP)
    while True:
        now = time.monotonic()
        if now >= deadline:
            return "time"
        if now >= look:
            if reason := over():
                return reason
            look = time.monotonic() + _LOOK
        if not ready.poll(1 + max(0.0, min(deadline, look) - now) * 1000):
            continue
        data = os.read(output, _CHUNK)
        if not data:
            return None
        capture.feed(data)
        if capture.seen > limits.printed:
            return "output"


def _end(program: "subprocess.Popen[bytes]", grace: float) -> None:
    """Ask the program inside to end everything, and wait for that. It has nothing left to do in the usual case."""
    try:
        if program.poll() is None:
            program.send_signal(signal.SIGTERM)
        program.wait(grace)
    except subprocess.TimeoutExpired:
        with suppress(ProcessLookupError):
            os.killpg(program.pid, signal.SIGKILL)
        program.wait()


def _held(plan: RunPlan) -> tuple[int, ...]:
    return (plan["held"],) if plan["held"] >= 0 else ()


def _file(data: bytes) -> IO[bytes]:
    """A file to read, which nobody can write: what is inherited can be opened anew for writing, whatever its mode."""
    if sys.platform != "linux":
        file: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 (the caller closes it)
        file.write(data)
        file.seek(0)
        return file
    file = os.fdopen(os.memfd_create("agentmem", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING), "w+b")
    file.write(data)
    file.seek(0)
    fcntl.fcntl(
        file, fcntl.F_ADD_SEALS, fcntl.F_SEAL_WRITE | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_SEAL
    )
    return file


def _pipe(opened: ExitStack) -> tuple[int, int]:
    reading, writing = os.pipe()
    opened.callback(os.close, reading)
    return reading, writing
