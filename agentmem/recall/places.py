"""Where LanceDB's tables are kept, and who looks after them: a folder with file locks, or object storage with leases.

A folder's locks are of the system (flock), and end with their process. Object storage has none, so who looks after it
holds a lease in the database of the journal, which every host has.
"""

import fcntl
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, Protocol, TypeVar

from agentmem import objects
from agentmem.errors import ArchiveError, ThreadBusy
from agentmem.objects import ObjectAddress
from agentmem.pages import private

T = TypeVar("T")
Hold = Callable[[str], AbstractContextManager[object]]
"""Holds a name as the only one, across hosts, or raises ThreadBusy: `Journal.lease` is one."""

_PATIENCE = 60.0  # seconds for which the making of a table by somebody else is waited for
_GLANCE = 0.1


class TablesPlace(Protocol):
    """A place for tables. ``str()`` names it for people."""

    def connect(self) -> Any:
        """LanceDB's connection to it. The place is made if missing."""

    def exists(self) -> bool:
        """False if nothing was ever kept there."""

    def owned(self) -> AbstractContextManager[bool]:
        """True inside for one holder at a time: who looks after the tables. Free again when the holder dies."""

    def making(self) -> AbstractContextManager[object]:
        """Inside is one at a time: who makes a table."""

    def close(self) -> None:
        """Close what was written to other users."""

    def remove(self) -> None:
        """Delete all tables."""

    def explained(self, error: Exception) -> str:
        """A sentence on what went wrong."""

    def patient(self, work: Callable[[], T]) -> T:
        """What ``work`` gives, asked again for a while when the place is away."""


class FolderPlace:
    """Tables in a folder of this host."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __str__(self) -> str:
        return str(self.folder)

    def connect(self) -> Any:
        import lancedb

        private.make_folder(self.folder)
        self.close()
        return lancedb.connect(self.folder, read_consistency_interval=timedelta(0))

    def exists(self) -> bool:
        return self.folder.is_dir()

    @contextmanager
    def owned(self) -> Iterator[bool]:
        descriptor = self._lock_file("owner.lock")
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
            else:
                yield True
        finally:
            os.close(descriptor)

    @contextmanager
    def making(self) -> Iterator[None]:
        descriptor = self._lock_file("making.lock")
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def close(self) -> None:
        """LanceDB makes files as the umask says."""
        if private.is_own(self.folder):
            private.close_tree(self.folder)

    def remove(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)

    def explained(self, error: Exception) -> str:
        said = (str(error).splitlines() or [type(error).__name__])[0]
        return (
            f"{self.folder} could not be used ({said:.200}). Nothing is lost: `agentmem recall --rebuild` makes it anew"
        )

    def patient(self, work: Callable[[], T]) -> T:
        return work()

    def _lock_file(self, name: str) -> int:
        try:
            private.make_folder(self.folder)
            return os.open(self.folder / name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, private.FILE)
        except OSError as error:
            raise ArchiveError(self.explained(error)) from error


class ObjectPlace:
    """Tables in object storage. ``hold`` gives the leases of its owner and of who makes a table."""

    def __init__(self, address: ObjectAddress, hold: Hold) -> None:
        self.address = address
        self._hold = hold

    def __str__(self) -> str:
        return str(self.address)

    def connect(self) -> Any:
        import lancedb

        return lancedb.connect(
            str(self.address), read_consistency_interval=timedelta(0), storage_options=self.address.options
        )

    def exists(self) -> bool:
        return bool(self.patient(lambda: self.connect().list_tables(limit=1).tables))

    @contextmanager
    def owned(self) -> Iterator[bool]:
        held = self._hold(f"owner of {self.address}"[:200])
        try:
            held.__enter__()
        except ThreadBusy:
            yield False
            return
        with _entered(held):
            yield True

    @contextmanager
    def making(self) -> Iterator[None]:
        name, waited = f"tables of {self.address}"[:200], 0.0
        while True:
            held = self._hold(name)
            try:
                held.__enter__()
            except ThreadBusy:
                if waited >= _PATIENCE:
                    raise
                time.sleep(_GLANCE)
                waited += _GLANCE
                continue
            with _entered(held):
                yield
            return

    def close(self) -> None:
        """Nothing to close: its rights are the bucket's."""

    def remove(self) -> None:
        made = self.connect()
        for name in made.list_tables(limit=1000).tables:
            made.drop_table(name, ignore_missing=True)

    def explained(self, error: Exception) -> str:
        said = objects.explained(self.address, error)
        return f"{said}. Nothing is lost: the journal has everything, and `agentmem recall --rebuild` makes it anew"

    def patient(self, work: Callable[[], T]) -> T:
        return objects.patient(self.address, work)


@contextmanager
def _entered(held: AbstractContextManager[object]) -> Iterator[None]:
    """The rest of a ``with`` whose beginning could have been refused."""
    try:
        yield
    finally:
        held.__exit__(None, None, None)


def placed(where: "Path | str | TablesPlace", hold: Hold | None = None) -> TablesPlace:
    """The place at a path, or at an address of object storage; what is a place already stays as it is.

    Raises ConfigError for an address that cannot be.
    """
    if isinstance(where, Path):
        return FolderPlace(where)
    if not isinstance(where, str):
        return where
    if not objects.in_objects(where):
        return FolderPlace(Path(where).expanduser())
    if hold is None:
        raise ArchiveError(f"{where.partition('?')[0]} needs a database for its leases, which every host can reach")
    return ObjectPlace(objects.located(where), hold)
