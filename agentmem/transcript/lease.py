"""Gives each thread one writer: a row says who may append, and a heartbeat keeps it alive.

The owner's text is new with each lease, so it is also the fencing token: an append is refused unless the row still has
it, which stops a process that was paused while another took over. Times are the database's, so no host's clock counts.
It stands apart from the journal because it knows processes and clocks, and no entries.
"""

import os
import secrets
import socket
import subprocess
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import groupby
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
        self.thread, self.ttl, self.storage = thread, ttl, storage
        self.owner = str(new_owner())
        self.lost = False
        self._pid = os.getpid()
        self.renewed = time.monotonic()
        storage.persist(self._take)
        heart().join(self)

    @property
    def is_here(self) -> bool:
        """True in the process that took it, and not in one that was forked from it."""
        return self._pid == os.getpid()

    @property
    def is_doubtful(self) -> bool:
        """True if it was not renewed for so long that another may have it: the process slept, or the database did."""
        return time.monotonic() - self.renewed > self.ttl

    def renew(self) -> None:
        """Extend the expiry. If another writer has taken the lease meanwhile, ``lost`` is true from then on."""
        renew(self.storage, [self])

    def release(self) -> None:
        """End the heartbeat and let the next writer in."""
        heart().leave(self)
        with suppress(AgentmemError):  # then the lease expires by itself
            self.storage.attempt("DELETE FROM leases WHERE thread = ? AND owner = ?", self.thread, self.owner)

    def _take(self) -> None:
        with self.storage.transaction():
            before = over(self.storage, self.thread, self.owner)
            taken = self.storage.run(
                "INSERT INTO leases (thread, owner, expires) VALUES (?, ?, {now} + ?) ON CONFLICT (thread) DO UPDATE"
                " SET owner = excluded.owner, expires = excluded.expires WHERE leases.owner = ? RETURNING thread",
                self.thread,
                self.owner,
                self.ttl,
                before or "",
            )
            if not taken:
                raise ThreadBusy(f"thread {self.thread!r} was taken by another run at this moment")


_TOGETHER = 200  # leases that one statement renews


def renew(storage: Storage, leases: Sequence[Lease]) -> None:
    """Extend leases of one database and one ``ttl``, in one statement for many. Raises DatabaseAway."""
    for start in range(0, len(leases), _TOGETHER):
        some, at = leases[start : start + _TOGETHER], time.monotonic()
        marks = ", ".join("?" * len(some))
        rows = storage.attempt(
            f"UPDATE leases SET expires = {{now}} + ? WHERE thread IN ({marks}) AND owner IN ({marks}) RETURNING owner",
            some[0].ttl,
            *(one.thread for one in some),
            *(one.owner for one in some),
        )
        kept = {owner for (owner,) in rows}
        for one in some:
            one.renewed, one.lost = at, one.owner not in kept


class Heart:
    """One thread that renews all leases of this process, of whatever database. It ends when there are none."""

    def __init__(self) -> None:
        self.pid = os.getpid()
        self._leases: dict[Lease, float] = {}  # each with the time of its next renewal
        self._changed = threading.Condition()
        self._beats = False

    def join(self, lease: Lease) -> None:
        """Renew it from now on."""
        with self._changed:
            self._leases[lease] = time.monotonic() + lease.ttl / 3
            if not self._beats:
                self._beats = True
                threading.Thread(target=self._beat, name="agentmem-leases", daemon=True).start()
            elif lease.ttl < LINGER:
                self._changed.notify_all()

    def leave(self, lease: Lease) -> None:
        """Renew it no longer."""
        with self._changed:
            self._leases.pop(lease, None)

    def _beat(self) -> None:
        while due := self._due():
            for _, some in groupby(sorted(due, key=_together), key=_together):
                with suppress(AgentmemError):  # a database that is away may be back at the next heartbeat
                    renew((leases := list(some))[0].storage, leases)

    def _due(self) -> list[Lease]:
        """Waits until leases must be renewed, and returns them; none if there are no leases any more."""
        with self._changed:
            while self._leases:
                now = time.monotonic()
                if due := [one for one, at in self._leases.items() if at <= now]:
                    self._leases |= {one: now + one.ttl / 3 for one in due}
                    return due
                self._changed.wait(min(LINGER, min(self._leases.values()) - now))
            self._beats = False
            return []


LINGER = 1.0
"""The most seconds between two looks: the heart ends so long after its last lease, and not between two runs."""


def _together(lease: Lease) -> tuple[int, float]:
    return id(lease.storage), lease.ttl


_heart = Heart()


def heart() -> Heart:
    """The heart of this process: a forked child has its own, and none of its parent's leases."""
    global _heart
    if _heart.pid != os.getpid():
        _heart = Heart()
    return _heart


def over(storage: Storage, thread: str, mine: str = "") -> str | None:
    """The owner text of a lease that is over (its process is dead, or it expired, or it is ``mine``), or None.

    Call it within a transaction. Raises ThreadBusy if the thread is held.
    """
    rows = storage.run(
        "SELECT owner, expires - {now} FROM leases WHERE thread = ?{for_update}",
        thread,
    )
    for text, left in rows:
        owner = parse_owner(text)
        if _holds(owner, left) and text != mine:
            where = f"process {owner.pid}" if owner.host == host() else f"process {owner.pid} on {owner.host}"
            raise ThreadBusy(
                f"thread {thread!r} is in use by {where}. Wait until it is done, or fork the thread; "
                f"if that process is gone, the thread is free in {left:.0f} s"
            )
        return str(text)
    return None


def is_held(storage: Storage, thread: str) -> bool:
    """True if a writer has the thread now."""
    rows = storage.run("SELECT owner, expires - {now} FROM leases WHERE thread = ?", thread)
    return any(_holds(parse_owner(text), left) for text, left in rows)


def _holds(owner: Owner, left: float) -> bool:
    return left > 0 and not owner.is_dead
