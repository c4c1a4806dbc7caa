"""Shares one bounded pool of Postgres connections between all agents, savers and leases of a process and database.

A connection is lent for one statement or one transaction, so thousands of runs need few. The thread that borrows makes
the connection itself if none is free: the reason of a failure reaches it at once, there are no threads to stop, and a
forked child, which must not use its parent's connections, just begins a pool of its own.
"""

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from typing import Any

from agentmem.errors import ConfigError, DatabaseAway, JournalError
from agentmem.transcript.storage import Address

IDLE_SECONDS = 300.0
"""A connection that nobody has borrowed for so long is closed."""
_IDLE = 0  # libpq's PQTRANS_IDLE: no transaction, no statement


@dataclass(frozen=True, slots=True)
class PoolCounts:
    """The connections of a pool: lent now, free, the most at once so far, and the most allowed."""

    lent: int
    free: int
    most: int
    limit: int


class Pool:
    """The connections of this process to one database. ``connect`` makes one, or raises our errors."""

    def __init__(self, address: Address, connect: Callable[[], Any]) -> None:
        self.address, self.sharing, self.users = address, address.sharing, 0
        self._connect, self._known = connect, False  # known: it could be reached before
        self._free: list[tuple[Any, float]] = []  # the last one given back is lent first, so the others get idle
        self._lent = self._most = 0
        self._changed = threading.Condition()

    @contextmanager
    def lent(self) -> Iterator[Any]:
        """A connection that no other thread uses. Raises JournalError if none gets free in time, DatabaseAway."""
        connection = self._take()
        try:
            yield connection
        finally:
            self._give(connection)

    @property
    def counts(self) -> PoolCounts:
        """Its connections at this moment."""
        with self._changed:
            return PoolCounts(self._lent, len(self._free), self._most, self.sharing.limit)

    def close_free(self) -> None:
        """Close all connections that are not lent: nobody uses the pool any more, or the server was away."""
        with self._changed:
            gone, self._free = self._free, []
        for connection, _ in gone:
            connection.close()

    def _take(self) -> Any:
        with self._changed:
            self._await_room()
            self._lent += 1
            if self._free:
                return self._free.pop()[0]
            self._most = max(self._most, self._lent)
        try:
            made = self._connect()
        except BaseException as error:
            with self._changed:
                self._lent -= 1
                self._changed.notify()
            if self._known and isinstance(error, ConfigError):  # it did work before
                raise DatabaseAway(str(error)) from None
            raise
        self._known = True
        return made

    def _await_room(self) -> None:
        end = time.monotonic() + self.sharing.wait
        while self._lent >= self.sharing.limit:
            if not self._changed.wait(end - time.monotonic()) and self._lent >= self.sharing.limit:
                raise JournalError(
                    f"all {self.sharing.limit} connections of this process to {self.address} were in use for "
                    f"{self.sharing.wait:.0f} s: allow more with ?connection_limit= in the database's URL, wait longer "
                    "with ?pool_timeout=, or run fewer at once. Nothing of this change was written"
                )

    def _give(self, connection: Any) -> None:
        now = time.monotonic()
        with self._changed:
            self._lent -= 1
            if connection.closed:  # a server that dropped this one has dropped the others too
                gone, self._free = self._free, []
            else:
                gone = [one for one in self._free[:1] if now - one[1] > IDLE_SECONDS]
                self._free = self._free[len(gone) :]
                usable = self.users and connection.pgconn.transaction_status == _IDLE
                (self._free if usable else gone).append((connection, now))
            self._changed.notify()
        for one, _ in gone:
            one.close()


class PoolUser:
    """A Lender: one storage's share in the pool of this process. A forked child takes a share in a pool of its own."""

    def __init__(self, address: Address, connect: Callable[[], Any]) -> None:
        self._address, self._connect = address, connect
        self._join()
        try:
            with self.pool.lent():
                pass  # a database that cannot be used is told at once
        except BaseException:
            self.close()
            raise

    def lent(self) -> AbstractContextManager[Any]:
        if self._pid != os.getpid():
            self._join()
        return self.pool.lent()

    def close(self) -> None:
        """Leaves the pool; the last one to leave closes its connections."""
        if self._pid == os.getpid():
            _here().leave(self.pool)

    def _join(self) -> None:
        self._pid, self.pool = os.getpid(), _here().join(self._address, self._connect)


class _Pools:
    """The pools of one process, by their URL."""

    def __init__(self) -> None:
        self.pid = os.getpid()
        self._lock = threading.Lock()
        self._pools: dict[str, Pool] = {}

    def join(self, address: Address, connect: Callable[[], Any]) -> Pool:
        with self._lock:
            pool = self._pools.setdefault(address.target, Pool(address, connect))
            pool.users += 1
            most = max(pool.sharing.limit, address.sharing.limit)
            pool.sharing = replace(address.sharing, limit=most)
            return pool

    def leave(self, pool: Pool) -> None:
        with self._lock:
            pool.users -= 1
            if pool.users == 0:
                self._pools.pop(pool.address.target, None)
        if pool.users == 0:
            pool.close_free()


_pools = _Pools()
_inherited: list[_Pools] = []
"""A parent's pools: a child must not close their connections, also not by forgetting them."""


def _here() -> _Pools:
    """The pools of this process."""
    global _pools
    if _pools.pid != os.getpid():
        _inherited.append(_pools)
        _pools = _Pools()
    return _pools
