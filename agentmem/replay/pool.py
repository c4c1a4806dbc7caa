"""Processes that share out work, and end with the process that asked for it, however that ends."""

import os
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context, parent_process

from agentmem.meter.own_prices import OwnPrices, in_use, use


@contextmanager
def worker_pool(jobs: int) -> Iterator[ProcessPoolExecutor]:
    """A pool of ``jobs`` processes with the prices that are in use here. An error ends it without waiting."""
    pool = ProcessPoolExecutor(jobs, get_context("spawn"), _begin, (in_use(),))
    try:
        yield pool
    except BaseException:
        pool.shutdown(wait=False, cancel_futures=True)
        raise
    pool.shutdown()


def _begin(own: OwnPrices) -> None:
    """Ctrl-C is for the process that the person started: it ends the workers."""
    use(own)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()  # a killed parent takes nothing down by itself: its workers would wait for work for ever
    os._exit(1)
