"""A host that sandboxes try to reach: files, secrets, a process and listeners, and a record of what was touched."""

import hashlib
import os
import secrets
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from agentmem.sandbox.isolation import ORDER, why_not
from agentmem.sandbox.planning import Isolation

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
        )


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
            yield World(source, outside, victim, tcp, unix, abstract)
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
