"""LangGraph's checkpoints in Postgres over a link that is cut."""

from contextlib import suppress

import psycopg
import pytest

from agentmem.errors import DatabaseAway
from agentmem.runtime.postgres_saver import PostgresCheckpoints
from agentmem.transcript.postgres import open_postgres
from agentmem.transcript.storage import locate
from tests.forwarder import Forwarder


def test_a_cut_between_statements_is_one_error(postgres_url: str, caplog: pytest.LogCaptureFixture) -> None:
    """It is ours, and psycopg logs nothing of its own about the end of a pipeline that could not be ended."""
    link = Forwarder(postgres_url)
    saver = PostgresCheckpoints(open_postgres(locate(f"{link.url}&outage_timeout=0")))
    with pytest.raises(DatabaseAway), saver._cursor(pipeline=True) as cursor:
        cursor.execute("SELECT 1")
        link.cut()
        cursor.execute("SELECT 2")
        cursor.fetchall()
    assert [record.name for record in caplog.records if record.name.startswith("psycopg")] == []
    link.mend()
    with saver._cursor(pipeline=True) as cursor:
        assert cursor.execute("SELECT 3 AS three").fetchall() == [{"three": 3}]
    saver.close()
    link.close()


def test_psycopg_itself_would_log_it(postgres_url: str, caplog: pytest.LogCaptureFixture) -> None:
    """So the test above can fail."""
    link = Forwarder(postgres_url)
    with psycopg.connect(link.url, autocommit=True) as connection, suppress(psycopg.Error), connection.pipeline():
        connection.execute("SELECT 1")
        link.cut()
        connection.execute("SELECT 2").fetchall()
    assert [record.name for record in caplog.records if record.name.startswith("psycopg")]
    link.close()
