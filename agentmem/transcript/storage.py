"""Gives the journal transactions and rows, the same over SQLite and Postgres.

SQL is written once, with ``?`` for values and ``{words}`` where the two databases differ; a Driver knows its words.
"""

import logging
import os
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeVar
from urllib.parse import unquote

from agentmem.errors import AgentmemError, ConfigError, DatabaseAway, JournalError

if TYPE_CHECKING:
    from agentmem.transcript.attachments import Attachments

T = TypeVar("T")
Row = tuple[Any, ...]
DatabaseKind = Literal["sqlite", "postgres"]

_SCHEMES: Mapping[str, DatabaseKind] = {
    "sqlite": "sqlite",
    "postgresql": "postgres",
    "postgres": "postgres",
    "postgresql+psycopg": "postgres",
}
_log = logging.getLogger(__name__)
_PAUSE = 1.0
"""The most seconds between two tries to reach a database that is away."""
_UNHOLDABLE = re.compile("[\0\ud800-\udfff]")
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://(.*)", re.DOTALL)
_PASSWORD = re.compile(r"(?<=:)(?!//)\S+(?=@)|(?<=password=)[^&#\s]+")
"""Greedy: it also hides a password that should have been percent-encoded, perhaps with some text around it."""


@dataclass(frozen=True, slots=True)
class Sharing:
    """How a process shares its connections to a Postgres database, read from the URL's parameters.

    ``limit`` (connection_limit) is the most connections of the process, ``wait`` (pool_timeout) the seconds that work
    waits for a free one, ``patience`` (outage_timeout) the seconds that it waits for a database that is away, and
    ``lease`` (lease_seconds) the seconds after which another host takes over the threads of one that is gone.
    """

    limit: int = 10
    wait: float = 30.0
    patience: float = 120.0
    lease: float = 30.0


@dataclass(frozen=True, slots=True)
class Address:
    """The place of a database: a file's path (or ``:memory:``), or a ``postgresql://`` URL."""

    kind: DatabaseKind
    target: str = field(repr=False)
    sharing: Sharing = Sharing()

    def __str__(self) -> str:
        """The address for people, without a password."""
        return _PASSWORD.sub("***", self.target) if self.kind == "postgres" else self.target


def locate(url: str | Path) -> Address:
    """Read ``/path/run.db``, ``sqlite:///run.db`` (four slashes: absolute), ``:memory:`` or ``postgresql://...``.

    Raises ConfigError for anything else.
    """
    text = str(url)
    if not text or "\0" in text:
        raise ConfigError("the database has no name: give a file such as run.db, or postgresql://user@host/database")
    found = None if isinstance(url, Path) else _SCHEME.fullmatch(text)
    if found is None:
        return Address("sqlite", text if text == ":memory:" else str(Path(text).expanduser()))
    kind = _SCHEMES.get(found[1].lower())
    if kind is None:
        raise ConfigError(f"{found[1]}:// is not a database that agentmem knows: use sqlite:/// or postgresql://")
    if kind == "postgres":
        target, sharing = _shared(f"postgresql://{found[2]}")
        return Address(kind, target, sharing)
    return Address(kind, found[2].removeprefix("/") or ":memory:")


_SHARING = {"connection_limit": "limit", "pool_timeout": "wait", "outage_timeout": "patience", "lease_seconds": "lease"}
_PARAMETER = re.compile(rf"(?<=[?&])({'|'.join(_SHARING)})=([^&#]*)(?:&|$)")


def _shared(target: str) -> tuple[str, Sharing]:
    """The URL without our parameters, and what they say."""
    given: dict[str, Any] = {}
    for name, text in _PARAMETER.findall(target):
        try:
            given[_SHARING[name]] = value = int(text) if name == "connection_limit" else float(text)
        except ValueError:
            value = -1
        if not 0 <= value < 1e6 or (value < 1 and name != "outage_timeout"):
            raise ConfigError(f"{name} in the database's URL is a number, of connections or seconds, and not {text!r}")
    return _PARAMETER.sub("", target).rstrip("?&"), Sharing(**given)


def without_secrets(text: str, address: Address) -> str:
    """``text`` with stars in place of the password of ``address``.

    The password may stand there plain, percent-encoded, or in the parts that a driver makes of it if one of its
    characters should have been encoded.
    """
    if address.kind == "sqlite":
        return text
    secrets = _PASSWORD.findall(address.target)
    forms = {form for secret in secrets for form in (secret, unquote(secret), *re.split(r"[:/?#@]", secret)) if form}
    for form in sorted(forms, key=len, reverse=True):
        text = re.sub(rf"(?<!\w){re.escape(form)}(?!\w)", "***", text)
    return text


class Cursor(Protocol):
    """The result of a statement."""

    @property
    def description(self) -> Any: ...

    def fetchall(self) -> list[Row]: ...


class Connection(Protocol):
    """The part of the DB-API that both drivers share."""

    def execute(self, sql: str, values: Sequence[Any] = ..., /) -> Cursor: ...

    def cursor(self) -> Any: ...

    def close(self) -> None: ...


class Lender(Protocol):
    """Lends a connection to one thread at a time, for a statement or a transaction."""

    def lent(self) -> AbstractContextManager[Connection]: ...

    def close(self) -> None: ...


@dataclass(frozen=True, slots=True, eq=False)
class Driver:
    """The differences of one kind of database.

    ``words`` fill the braces in SQL, ``begin`` starts a transaction that writes, ``error`` is the root of the driver's
    exceptions, ``explain`` turns one into ours, ``open`` gives the connections, ``scrub`` is run after rows were
    deleted for good and gives a row that begins with 0 if all went well. ``patience``: see `Storage.persist`. ``batch``
    is around many statements on one connection.
    """

    kind: DatabaseKind
    mark: str
    words: Mapping[str, str]
    begin: str
    error: type[Exception]
    open: Callable[[], Lender]
    explain: Callable[[Exception], AgentmemError]
    scrub: str | None = None
    patience: float = 0.0
    batch: Callable[[Any], AbstractContextManager[object]] = nullcontext


def in_parts(values: Sequence[T], most: int) -> Iterator[tuple[str, Sequence[T]]]:
    """The values in parts of at most so many, each with the marks for an ``IN (...)``."""
    for start in range(0, len(values), most):
        some = values[start : start + most]
        yield ", ".join("?" * len(some)), some


class Storage:
    """Statements and transactions on one database, for any number of threads."""

    def __init__(self, address: Address, driver: Driver) -> None:
        self.address = address
        self.driver = driver
        self.attachments: Attachments | None = None  # where large contents go; None: into the database too
        self._translated = _Translated(driver)
        self._mine = threading.local()  # .connection: the one of this thread's transaction
        self._closed = False
        with self._translated:
            self.lender = self.persist(driver.open)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Write everything inside together, or nothing."""
        with self._translated, self._lent() as connection:
            connection.execute(self.driver.begin)
            self._mine.connection = connection
            try:
                yield
                connection.execute("COMMIT")
            except BaseException:
                with suppress(self.driver.error):
                    connection.execute("ROLLBACK")
                raise
            finally:
                self._mine.connection = None

    @contextmanager
    def held(self, *, writing: bool) -> Iterator[Connection]:
        """The connection itself, for code with other tables in the database; in a transaction if it is ``writing``."""
        if not writing or self._inside:
            with self._translated, self._lent() as connection:
                yield connection
            return
        with self.transaction():
            yield self._mine.connection

    def run(self, sql: str, *values: Any) -> list[Row]:
        """Run one statement and return all its rows."""
        return self.persist(lambda: self.attempt(sql, *values))

    def attempt(self, sql: str, *values: Any) -> list[Row]:
        """As `run`, without waiting for a database that is away."""
        _check(values)
        with self._translated, self._lent() as connection:
            cursor = connection.execute(_spelled(sql, self.driver), values)
            return cursor.fetchall() if cursor.description else []

    def run_many(self, sql: str, rows: Sequence[Row]) -> None:
        """Run one statement for each row of values."""
        for row in rows:
            _check(row)
        with self._translated, self._lent() as connection, self.driver.batch(connection):
            cursor = connection.cursor()
            cursor.executemany(_spelled(sql, self.driver), rows)
            cursor.close()

    def persist(self, work: Callable[[], T]) -> T:
        """The result of ``work``, which is done once more while the database is away, for the driver's ``patience``.

        So a run pauses while a server restarts, a link is cut or a disk is full. ``work`` must be safe to repeat.
        Within a transaction it is done once: the transaction as a whole must be repeated.
        """
        if self._inside:
            return work()
        end, wait, told = time.monotonic() + self.driver.patience, 0.0, False
        while True:
            try:
                return work()
            except DatabaseAway as error:
                if time.monotonic() + wait >= end:
                    raise
                if wait and not told:  # once: the first try again is at once, and most often helps
                    told = True
                    _log.warning("%s (it is tried again for %.0f s)", error, end - time.monotonic())
            time.sleep(wait)
            wait = min(2 * wait, _PAUSE) or _PAUSE / 16

    def together(self, work: Callable[[], T]) -> T:
        """The result of ``work`` in a transaction of its own, which is repeated as `persist` says."""

        def once() -> T:
            with self.transaction():
                return work()

        return self.persist(once)

    def scrub(self) -> None:
        """Remove deleted bytes from the files too, if the database allows it. Raises JournalError."""
        if self.driver.scrub and self.run(self.driver.scrub)[0][0]:
            raise JournalError(
                f"the rows are deleted, but another process is reading {self.address}: "
                "their bytes leave its write-ahead log when that process closes the database"
            )

    def close(self) -> None:
        """Give the connections back. May be called twice."""
        if not self._closed:
            self._closed = True
            self.lender.close()

    @property
    def _inside(self) -> bool:
        """True within a transaction of this thread."""
        return getattr(self._mine, "connection", None) is not None

    @contextmanager
    def _lent(self) -> Iterator[Connection]:
        if self._inside:
            yield self._mine.connection
            return
        if self._closed:
            raise JournalError(f"the journal of {self.address} is closed")
        with self.lender.lent() as connection:
            yield connection


class OneConnection:
    """A Lender of a single connection, which threads use in turn. A forked child makes its own."""

    def __init__(self, connect: Callable[[], Connection]) -> None:
        self._connect = connect
        self._inherited: list[Connection] = []  # a parent's connections: a child must not even close them
        self._begin()

    @contextmanager
    def lent(self) -> Iterator[Connection]:
        if self._pid != os.getpid():
            self._inherited.append(self._connection)
            self._begin()
        with self._lock:
            yield self._connection

    def close(self) -> None:
        if self._pid == os.getpid():
            with self._lock:
                self._connection.close()

    def _begin(self) -> None:
        self._pid, self._lock, self._connection = os.getpid(), threading.RLock(), self._connect()


def _check(values: Sequence[Any]) -> None:
    """Raises ConfigError for text that no database can hold: it came from outside, as a name."""
    for value in values:
        if isinstance(value, str) and _UNHOLDABLE.search(value):
            raise ConfigError(
                f"{value!r:.100} cannot be kept as a name, a label or any other text: it has a zero character or half "
                "a surrogate pair in it (a name that is not UTF-8 comes in so); give another"
            )


class _Translated:
    """Turns a driver's errors inside the block into ours."""

    def __init__(self, driver: Driver) -> None:
        self._driver = driver

    def __enter__(self) -> None:
        """Nothing to do."""

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, self._driver.error):
            raise self._driver.explain(error) from None


@lru_cache(maxsize=512)
def _spelled(sql: str, driver: Driver) -> str:
    for word, meaning in driver.words.items():
        sql = sql.replace("{" + word + "}", meaning)
    return sql.replace("?", driver.mark)
