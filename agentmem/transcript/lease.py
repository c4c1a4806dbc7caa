"""Gives each thread one writer: a row says who may append, and a heartbeat keeps it alive.

The lease keeps runs out of each other's way; the journal's compare-and-swap protects the transcript. It stands apart
from the journal because it knows processes and clocks, and no entries.
"""

import os
import secrets
import socket
import subprocess
import threading
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from agentmem.errors import AgentmemError, ThreadBusy
from agentmem.transcript.storage import Storage


@dataclass(frozen=True, slots=True)
class Owner:
    """A writer: its host, its process with its start time, and a random part, so that no two are equal."""

    host: str
    pid: int
    started: str
    nonce: str

    def __str__(self) -> str:
        return f"{self.host} {self.pid} {self.started} {self.nonce}"

    @property
    def is_dead(self) -> bool:
        """True if its process is surely gone. Only processes of this host can be checked."""
        return self.host == host() and process_start(self.pid) != self.started


def new_owner() -> Owner:
    """An owner in this process."""
    return Owner(host(), os.getpid(), process_start(os.getpid()) or "?", secrets.token_hex(8))


def parse_owner(text: str) -> Owner:
    """The owner in a text that ``str`` wrote."""
    name, pid, started, nonce = text.split(" ")
    return Owner(name, int(pid), started, nonce)


def host() -> str:
    """A name for this boot of this machine and its container, within which a process id means one process."""
    with suppress(OSError):
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{socket.gethostname()}/{boot}/{Path('/proc/self/ns/pid').readlink()}".replace(" ", "_")
    return socket.gethostname().replace(" ", "_")


def process_start(pid: int) -> str | None:
    """The start time of a process, in the system's own words; None if it does not exist or is a zombie."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()  # proc_pid_stat(5)
    except FileNotFoundError:
        return None if Path("/proc/self/stat").exists() else _start_by_ps(pid)
    except ProcessLookupError:
        return None
    return None if fields[0] in "ZX" else fields[19]


def _start_by_ps(pid: int) -> str | None:
    """The same for systems without /proc, such as macOS."""
    asked = subprocess.run(["ps", "-o", "stat=,lstart=", "-p", str(pid)], capture_output=True, text=True, check=False)
    state, _, started = asked.stdout.strip().partition(" ")
    return "_".join(started.split()) if state and not state.startswith("Z") else None


class Lease:
    """The right to append to one thread, renewed every third of ``ttl`` seconds until it is released."""

    def __init__(self, storage: Storage, thread: str, ttl: float) -> None:
        self.thread = thread
        self.ttl = ttl
        self.owner = str(new_owner())
        self.lost = False
        self._storage = storage
        self._stop = threading.Event()
        self._heart = threading.Thread(target=self._beat, name=f"lease of {thread}", daemon=True)
        self._take()
        self._heart.start()

    def renew(self) -> None:
        """Extend the expiry. If another writer has taken the lease meanwhile, ``lost`` is true from then on."""
        renewed = self._storage.run(
            "UPDATE leases SET expires = {now} + ? WHERE thread = ? AND owner = ? RETURNING thread",
            self.ttl,
            self.thread,
            self.owner,
        )
        self.lost = not renewed

    def release(self) -> None:
        """Stop the heartbeat and let the next writer in."""
        self._stop.set()
        self._heart.join()
        with suppress(AgentmemError):  # then the lease expires by itself
            self._storage.run("DELETE FROM leases WHERE thread = ? AND owner = ?", self.thread, self.owner)

    def _take(self) -> None:
        with self._storage.transaction():
            before = over(self._storage, self.thread)
            taken = self._storage.run(
                "INSERT INTO leases (thread, owner, expires) VALUES (?, ?, {now} + ?) ON CONFLICT (thread) DO UPDATE"
                " SET owner = excluded.owner, expires = excluded.expires WHERE leases.owner = ? RETURNING thread",
                self.thread,
                self.owner,
                self.ttl,
                before or "",
            )
            if not taken:
                raise ThreadBusy(f"thread {self.thread!r} was taken by another run at this moment")

    def _beat(self) -> None:
        while not self.lost and not self._stop.wait(self.ttl / 3):
            with suppress(AgentmemError):  # a database that is busy or away may be back at the next heartbeat
                self.renew()


def over(storage: Storage, thread: str) -> str | None:
    """The owner text of a lease that is over (its process is dead, or it expired); None if there is none.

    Call it within a transaction. Raises ThreadBusy if the thread is held.
    """
    rows = storage.run(
        "SELECT owner, expires - {now} FROM leases WHERE thread = ?{for_update}",
        thread,
    )
    for text, left in rows:
        owner = parse_owner(text)
        if left > 0 and not owner.is_dead:
            where = f"process {owner.pid}" if owner.host == host() else f"process {owner.pid} on {owner.host}"
            raise ThreadBusy(
                f"thread {thread!r} is in use by {where}. Wait until it is done, or fork the thread; "
                f"if that process is gone, the thread is free in {left:.0f} s"
            )
        return str(text)
    return None
