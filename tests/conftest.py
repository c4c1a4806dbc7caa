"""Gives many tests a journal in each kind of database, and hypothesis without a deadline."""

import signal
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from agentmem.transcript.journal import Journal, open_journal
from tests.objects import ObjectServer, ObjectsUnavailable, object_server
from tests.postgres import PostgresUnavailable, new_database, postgres_server

# No test asserts on time: both cores may be busy.
settings.register_profile("agentmem", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("agentmem")


def pytest_configure() -> None:
    """A shell's background job ignores Ctrl-C, and so would every process that a test starts and interrupts."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The URL of a running Postgres server. Skips, with the reason, if none can be started."""
    with ExitStack() as stack:
        try:
            url = stack.enter_context(postgres_server())
        except PostgresUnavailable as error:
            pytest.skip(str(error))
        yield url


@pytest.fixture(scope="session")
def objects() -> Iterator[ObjectServer]:
    """A running object store. Skips, with the reason, if none can be started."""
    with ExitStack() as stack:
        try:
            server = stack.enter_context(object_server())
        except ObjectsUnavailable as error:
            pytest.skip(str(error))
        yield server


@pytest.fixture
def postgres_url(postgres: str) -> str:
    """The URL of an empty Postgres database."""
    return new_database(postgres)


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database, once in SQLite and once in Postgres."""
    if request.param == "sqlite":
        return str(tmp_path / "run.db")
    url: str = request.getfixturevalue("postgres_url")
    return url


@pytest.fixture
def journal(database_url: str) -> Iterator[Journal]:
    """An empty journal, once in SQLite and once in Postgres."""
    with open_journal(database_url) as opened:
        yield opened
