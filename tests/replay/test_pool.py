"""agentmem.replay.pool."""

import os
import signal
import subprocess
import sys
from concurrent.futures import CancelledError
from contextlib import suppress
from datetime import date

import pytest

from agentmem.meter.own_prices import in_use, own_prices, use
from agentmem.replay.pool import worker_pool

PARENT = """
import os, sys
from agentmem.replay.pool import worker_pool

with worker_pool(1) as pool:
    print(pool.submit(os.getpid).result(), flush=True)
    sys.stdin.read()
"""
PATIENCE = 60.0


def test_workers_count_by_the_prices_of_their_parent() -> None:
    """A person's own prices hold in each process."""
    before = in_use()
    use(own_prices({"mine": {"input": 2.0, "output": 3.0, "dated": date(2026, 11, 1)}}))
    try:
        with worker_pool(1) as pool:
            assert pool.submit(in_use).result().digest == in_use().digest != before.digest
    finally:
        use(before)


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_workers_end_with_a_parent_that_is_killed(how: signal.Signals) -> None:
    """Nobody is left to tell them: their end of its output would stay open."""
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert parent.stdout
    worker = int(parent.stdout.readline())
    parent.send_signal(how)
    try:
        parent.communicate(timeout=PATIENCE)
    finally:
        with suppress(ProcessLookupError):
            os.kill(worker, signal.SIGKILL)
    assert parent.returncode == -how


def test_an_error_does_not_wait_for_the_work() -> None:
    """What was not begun is not begun any more."""
    with pytest.raises(ZeroDivisionError), worker_pool(1) as pool:
        waiting = [pool.submit(pow, 2, 3) for _ in range(1_000)]
        _ = 1 / 0
    for one in waiting:  # the pool never tells those that wait for a future that it cancelled it
        with suppress(CancelledError):
            one.result(PATIENCE)
    assert any(one.cancelled() for one in waiting)
