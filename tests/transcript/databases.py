"""Helpers for the journal's tests: a database touched behind the journal's back, and real child processes."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from agentmem.transcript.postgres import open_postgres
from agentmem.transcript.sqlite import open_sqlite
from agentmem.transcript.storage import Row, Storage, locate
from agentmem.types import Draft


def storage_of(url: str) -> Storage:
    """The database without the journal: no tables are made."""
    address = locate(url)
    return open_postgres(address) if address.kind == "postgres" else open_sqlite(address)


def sql(url: str, statement: str, *values: Any) -> list[Row]:
    """Run one statement on the database, past the journal."""
    storage = storage_of(url)
    try:
        return storage.run(statement, *values)
    finally:
        storage.close()


def note(text: str) -> Draft:
    """A short entry."""
    return Draft("note", text.encode())


@contextmanager
def child(code: str, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """A Python process with pipes to talk to it; killed at the end when it still runs."""
    command = [sys.executable, "-W", "error", "-c", code, *arguments]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def heard(process: subprocess.Popen[str]) -> str:
    """The next line that the child prints."""
    assert process.stdout is not None
    return process.stdout.readline().rstrip("\n")


def tell(process: subprocess.Popen[str], line: str) -> None:
    """Send a line to the child."""
    assert process.stdin is not None
    process.stdin.write(line + "\n")
    process.stdin.flush()
