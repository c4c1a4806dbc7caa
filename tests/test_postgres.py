"""The Postgres that the tests start ends with them."""

import os
import select
import subprocess
import sys
from pathlib import Path

import pytest

from tests.postgres import PostgresUnavailable, postgres_server

_SERVE = """
import sys
from tests.postgres import postgres_server
with postgres_server() as url:
    print(url, flush=True)
    sys.stdin.read()
"""


@pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="it waits for the end of another's process by pidfd")
def test_a_server_ends_with_a_process_that_is_killed() -> None:
    """The server is a daemon, and still does not outlive tests that are killed."""
    try:
        with postgres_server():
            pass
    except PostgresUnavailable as error:
        pytest.skip(str(error))
    command = [sys.executable, "-c", _SERVE]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        data = Path(process.stdout.readline().strip().partition("?host=")[2])
        server = os.pidfd_open(int((data / "postmaster.pid").read_text().split()[0]))
        process.kill()
    ended, _, _ = select.select([server], [], [], 30)
    os.close(server)
    assert ended
