"""The local engine for a benchmark. Without it the benchmark ends as skipped, and says why."""

from collections.abc import Iterator
from contextlib import contextmanager

from agentmem.errors import ModelNotAvailable
from agentmem.models.engine import Engine
from tests.benchmarks.data import SKIPPED


@contextmanager
def local_engine() -> Iterator[Engine]:
    """An open engine with the installed weights. Ends the program with SKIPPED if there is none."""
    try:
        engine = Engine()
    except ModelNotAvailable as error:
        print(f"skipped: {error}")
        raise SystemExit(SKIPPED) from None
    with engine:
        yield engine
