"""A host that sandboxes try to reach: files, secrets, a process and listeners, and a record of what was touched."""

import ctypes
import hashlib
import os
import resource
import secrets
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from agentmem.sandbox.isolation import ORDER, why_not
from agentmem.sandbox.planning import Isolation
from tests.sandbox.escapes import BADNESS, NICENESS

WORKING: tuple[Isolation, ...] = tuple(one for one in ORDER if why_not(one) is None)
"""What keeps commands from the host on this machine."""

SECRET = "sk-host-4c1f9a"


@dataclass(frozen=True)
class World:
    """``source`` is the forked folder, ``outside`` what no command may reach, ``victim`` a process with a secret."""

    source: Path
    outside: Path
    victim: "subprocess.Popen[bytes]"
    tcp: socket.socket
    unix: socket.socket
    abstract: socket.socket
    shared: "Shared"

    def arguments(self, where: Path) -> tuple[str, ...]:
        """What a program that tries escapes from the fork in ``where`` is told of us."""
        address = (str(self.outside), str(self.source), str(where), str(self.victim.pid))
        name = self.abstract.getsockname()[1:].decode()
        return (*address, str(self.tcp.getsockname()[1]), name, str(self.shared.key))

    def state(self) -> tuple[object, ...]:
        """A value that stays equal as long as nothing was changed, killed or reached."""
        heard = [listener for listener in (self.tcp, self.unix, self.abstract) if _heard(listener)]
        settings = [Path(name).read_bytes() for name in ("/proc/sys/kernel/core_pattern",)]
        traced = [line for line in Path(f"/proc/{self.victim.pid}/status").read_text().splitlines() if "Tracer" in line]
        return (
            fingerprint(self.source),
            fingerprint(self.outside),
            self.victim.poll(),
            heard,
            settings,
            traced,
            socket.gethostname(),
            _standing(self.victim.pid),
            self.shared.state(),
            _planted(self.abstract.getsockname()[1:].decode()),
        )


def _planted(name: str) -> list[str]:
    """What somebody put beside the packages of this Python, as far as this user may look there."""
    found: list[str] = []
    for folder in filter(None, sys.path):
        with suppress(OSError):
            found.extend(str(path) for path in Path(folder).iterdir() if path.name.startswith(f"planted-{name}"))
    return found


def _standing(process: int) -> tuple[object, ...]:
    """Limits, processors and scheduling of a process, and whether its priority and badness are what attempts make them.

    Whoever looks after a machine changes those two for any process, at any time.
    """
    limits = [resource.prlimit(process, one) for one in (resource.RLIMIT_NOFILE, resource.RLIMIT_CPU)]
    priority = os.getpriority(os.PRIO_PROCESS, process) == NICENESS
    badness = int(Path(f"/proc/{process}/oom_score_adj").read_text()) == BADNESS
    return limits, priority, os.sched_getaffinity(process), os.sched_getscheduler(process), badness


class Shared:
    """What processes of one machine share without any file: a segment, a queue, semaphores, and a file in memory."""

    def __init__(self, name: str) -> None:
        self.key = int.from_bytes(secrets.token_bytes(3), "big") | 1 << 28
        self._file = Path("/dev/shm") / name
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._libc.shmat.restype = ctypes.c_void_p
        self._libc.shmdt.argtypes = (ctypes.c_void_p,)
        self._segment, self._queue, self._semaphores = (
            self._libc.shmget(self.key, 4096, 0o1600),
            self._libc.msgget(self.key, 0o1600),
            self._libc.semget(self.key, 1, 0o1600),
        )
        at = self._libc.shmat(self._segment, None, 0)
        ctypes.memmove(at, SECRET.encode(), len(SECRET))
        self._libc.shmdt(at)
        self._libc.msgsnd(self._queue, ctypes.create_string_buffer(b"\1" + bytes(7) + SECRET.encode()), 20, 0)
        self._file.write_text(SECRET)

    def state(self) -> tuple[object, ...]:
        lines = [Path(f"/proc/sysvipc/{kind}").read_text().splitlines()[1:] for kind in ("shm", "msg", "sem")]
        mine = [line.split()[:5] for found in lines for line in found if line.split()[0] == str(self.key)]
        return mine, self._file.read_text(), Path(f"{self._file}-planted").exists()

    def close(self) -> None:
        self._libc.shmctl(self._segment, 0, None)
        self._libc.msgctl(self._queue, 0, None)
        self._libc.semctl(self._semaphores, 0, 0)
        with suppress(FileNotFoundError):
            self._file.unlink()


def fingerprint(root: Path) -> dict[str, tuple[object, ...]]:
    """Content, mode and time of change of a folder and everything below it."""
    return {
        str(path.relative_to(root)): (
            path.lstat().st_mode,
            path.lstat().st_nlink,
            path.lstat().st_mtime_ns,
            hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() and not path.is_symlink() else None,
        )
        for path in (root, *root.rglob("*"))
    }


def _heard(listener: socket.socket) -> bool:
    try:
        listener.accept()[0].close()
    except BlockingIOError:
        return False
    return True


@contextmanager
def world(folder: Path) -> Iterator[World]:
    source, outside = make_repository(folder / "source"), folder / "outside"
    outside.mkdir()
    (outside / "victim.txt").write_text("the host's\n")
    (outside / "secret.txt").write_text(SECRET)
    (outside / "secret.txt").chmod(0o600)
    name = f"agentmem-test-{secrets.token_hex(8)}"
    with (
        closing(socket.create_server(("127.0.0.1", 0))) as tcp,
        closing(socket.socket(socket.AF_UNIX)) as unix,
        closing(socket.socket(socket.AF_UNIX)) as abstract,
        closing(Shared(name)) as shared,
        subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", "input()"],
            stdin=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={"HOST_KEY": SECRET},
        ) as victim,
    ):
        opened = os.open(outside, os.O_PATH)
        unix.bind(f"/proc/self/fd/{opened}/socket")  # the path itself may be too long for a socket
        os.close(opened)
        abstract.bind("\0" + name)
        for listener in (tcp, unix, abstract):
            listener.setblocking(False)
        for listener in (unix, abstract):
            listener.listen()
        try:
            yield World(source, outside, victim, tcp, unix, abstract, shared)
        finally:
            victim.kill()


def make_repository(folder: Path) -> Path:
    """A small git repository with one commit, an uncommitted change and an untracked file."""
    (folder / "sub").mkdir(parents=True)
    (folder / "a.txt").write_text("one\ntwo\n")
    (folder / "sub" / "b.txt").write_text("b\n")
    (folder / ".gitignore").write_text("ignored/\n")
    (folder / "blob.bin").write_bytes(bytes(range(256)))
    git(folder, "init", "--quiet")
    git(folder, "add", ".")
    git(folder, "-c", "user.name=T", "-c", "user.email=t@example.org", "commit", "--quiet", "-m", "first")
    (folder / "sub" / "b.txt").write_text("b, not committed\n")
    (folder / "untracked.txt").write_text("untracked\n")
    return folder


def git(folder: Path, *arguments: str) -> str:
    command = ["git", "--no-optional-locks", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True).stdout
