"""The tables of fleets, beside the journal in one database.

fleets(name, max_usd, ..., spent, reserved)   what all runs of a fleet share: dollars and the rate of requests
fleet_runs(fleet, key, state, ...)            a row for each task: where it stands, what it cost, where it ran
fleet_warm(fleet, name, at)                   groups whose first request has been answered
"""

from agentmem.transcript.storage import Storage

TABLES = (
    """
    CREATE TABLE IF NOT EXISTS fleets (
      name TEXT PRIMARY KEY, max_usd {real}, requests_minute {real}, tokens_minute {real},
      requests_left {real} NOT NULL, tokens_left {real} NOT NULL, filled {real} NOT NULL,
      spent {real} NOT NULL, reserved {real} NOT NULL, stopping TEXT NOT NULL, created {real} NOT NULL
    )
    """,
    """
    CREATE TABLE IF NOT EXISTS fleet_runs (
      fleet TEXT NOT NULL, key TEXT NOT NULL, place INTEGER NOT NULL, task TEXT NOT NULL, state TEXT NOT NULL,
      tries INTEGER NOT NULL, thread TEXT NOT NULL, worker TEXT NOT NULL, host TEXT NOT NULL,
      usd {real} NOT NULL, reserved {real} NOT NULL, requests INTEGER NOT NULL, input BIGINT NOT NULL,
      cached BIGINT NOT NULL, written BIGINT NOT NULL, output BIGINT NOT NULL, reason TEXT NOT NULL, text TEXT NOT NULL,
      started {real}, finished {real}, PRIMARY KEY (fleet, key)
    )
    """,
    "CREATE INDEX IF NOT EXISTS fleet_runs_by_state ON fleet_runs (fleet, state, place)",
    """
    CREATE TABLE IF NOT EXISTS fleet_warm (
      fleet TEXT NOT NULL, name TEXT NOT NULL, at {real} NOT NULL, PRIMARY KEY (fleet, name)
    )
    """,
)


def prepare(storage: Storage) -> None:
    """Make the tables that are missing; several processes may try at once."""
    if ("fleet_warm",) in storage.run("{tables}"):
        return

    def make() -> None:
        storage.run("{schema_lock}")
        for statement in TABLES:
            storage.run(statement)

    storage.together(make)
