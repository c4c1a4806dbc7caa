"""The journal's tables, as ordered steps. They stand apart from it because a released step is never changed."""

from dataclasses import dataclass

from agentmem.distribution import UPGRADE
from agentmem.errors import ConfigError, SchemaTooNew
from agentmem.transcript.storage import Storage


@dataclass(frozen=True, slots=True)
class Step:
    """A step from one version of the tables to the next."""

    version: int
    purpose: str
    statements: tuple[str, ...]


STEPS = (
    Step(
        1,
        "the transcript",
        (
            """
            CREATE TABLE threads (
              id {id},
              name TEXT NOT NULL UNIQUE,
              head INTEGER NOT NULL,
              tip {bytes} NOT NULL,
              parent BIGINT REFERENCES threads (id),
              parent_seq INTEGER,
              created {real} NOT NULL,
              updated {real} NOT NULL
            )
            """,
            """
            CREATE TABLE entries (
              thread BIGINT NOT NULL,
              seq INTEGER NOT NULL,
              parent {bytes} NOT NULL,
              kind TEXT NOT NULL,
              bytes {bytes} NOT NULL,
              sha256 {bytes} NOT NULL,
              UNIQUE (thread, seq)
            )
            """,
        ),
    ),
    Step(2, "entries of one kind", ("CREATE INDEX entries_by_kind ON entries (thread, kind, seq)",)),
    Step(
        3,
        "one writer for each thread",
        ("CREATE TABLE leases (thread TEXT PRIMARY KEY, owner TEXT NOT NULL, expires {real} NOT NULL)",),
    ),
    Step(
        4,
        "checkpoints of runs",
        (
            "CREATE TABLE blobs (sha256 {bytes} PRIMARY KEY, bytes {bytes} NOT NULL)",
            """
            CREATE TABLE checkpoints_of_runs (
              thread TEXT NOT NULL,
              number INTEGER NOT NULL,
              seq INTEGER NOT NULL,
              label TEXT NOT NULL,
              pages {bytes},
              plan {bytes},
              sandbox TEXT,
              taken {real} NOT NULL,
              PRIMARY KEY (thread, number)
            )
            """,
            """
            CREATE TABLE branches (
              origin TEXT NOT NULL,
              number INTEGER NOT NULL,
              name TEXT NOT NULL UNIQUE,
              PRIMARY KEY (origin, number)
            )
            """,
        ),
    ),
    Step(
        5,
        "tasks that are started once",
        (
            """
            CREATE TABLE submissions (
              key TEXT PRIMARY KEY,
              thread TEXT NOT NULL,
              run TEXT NOT NULL,
              task {bytes} NOT NULL,
              submitted {real} NOT NULL
            )
            """,
            "CREATE INDEX submissions_of_thread ON submissions (thread)",
        ),
    ),
    Step(
        6,
        "pages for other hosts",
        (
            "CREATE TABLE workspaces (id TEXT PRIMARY KEY, version INTEGER NOT NULL)",
            """
            CREATE TABLE workspace_pages (
              workspace TEXT NOT NULL,
              name TEXT NOT NULL,
              revision {bytes},
              mode INTEGER NOT NULL,
              version INTEGER NOT NULL,
              PRIMARY KEY (workspace, name)
            )
            """,
            "CREATE TABLE workspaces_of_threads (thread TEXT PRIMARY KEY, workspace TEXT NOT NULL)",
        ),
    ),
    Step(
        7,
        "what a thread is forgotten with is found without reading all threads",
        (
            "CREATE INDEX threads_by_parent ON threads (parent)",
            "CREATE INDEX threads_by_beginning ON threads (name{beginnings})",
            "CREATE INDEX threads_by_workspace ON workspaces_of_threads (workspace)",
        ),
    ),
)

LATEST = STEPS[-1].version
_TABLES = frozenset(
    {"threads", "entries", "leases", "blobs", "checkpoints_of_runs", "branches", "submissions", "workspaces"}
    | {"workspace_pages", "workspaces_of_threads"}
)


def migrate(storage: Storage) -> None:
    """Bring the database to the latest version; several processes may try at once.

    Raises SchemaTooNew if a later agentmem wrote it, ConfigError if other software has tables of the same names.
    """
    if _version(storage) == LATEST:
        return
    storage.together(lambda: _upgrade(storage))


def _upgrade(storage: Storage) -> None:
    storage.run("{schema_lock}")
    storage.run("CREATE TABLE IF NOT EXISTS agentmem_schema (version INTEGER PRIMARY KEY, applied {real} NOT NULL)")
    version = _version(storage)
    if not version:
        _refuse_strangers(storage)
    for step in STEPS[version:]:
        for statement in step.statements:
            storage.run(statement)
        storage.run("INSERT INTO agentmem_schema (version, applied) VALUES (?, {now})", step.version)


def _version(storage: Storage) -> int:
    if ("agentmem_schema",) not in storage.run("{tables}"):
        return 0
    version: int = storage.run("SELECT coalesce(max(version), 0) FROM agentmem_schema")[0][0]
    if version > LATEST:
        raise SchemaTooNew(
            f"{storage.address} has tables of version {version}, and this agentmem knows up to {LATEST}: {UPGRADE}"
        )
    return version


def _refuse_strangers(storage: Storage) -> None:
    taken = sorted(_TABLES.intersection(name for (name,) in storage.run("{tables}")))
    if taken:
        raise ConfigError(
            f"{storage.address} already has tables named {', '.join(taken)} that are not agentmem's: use a database "
            "of its own, or in Postgres a schema of its own (?options=-csearch_path%3Dagentmem)"
        )
