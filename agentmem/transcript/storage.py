"""Gives the journal transactions and rows, the same over SQLite and Postgres.

SQL is written once, with ``?`` for values and ``{words}`` where the two databases differ; a Driver knows its words.
"""

import re
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, Protocol
from urllib.parse import unquote

from agentmem.errors import AgentmemError, ConfigError, JournalError

Row = tuple[Any, ...]
DatabaseKind = Literal["sqlite", "postgres"]

_SCHEMES: Mapping[str, DatabaseKind] = {
    "sqlite": "sqlite",
    "postgresql": "postgres",
    "postgres": "postgres",
    "postgresql+psycopg": "postgres",
}
_UNHOLDABLE = re.compile("[\0\ud800-\udfff]")
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://(.*)", re.DOTALL)
_PASSWORD = re.compile(r"(?<=:)(?!//)\S+(?=@)|(?<=password=)[^&#\s]+")
"""Greedy: it also hides a password that should have been percent-encoded, perhaps with some text around it."""


@dataclass(frozen=True, slots=True)
class Address:
    """The place of a database: a file's path (or ``:memory:``), or a ``postgresql://`` URL."""

    kind: DatabaseKind
    target: str = field(repr=False)

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
        return Address(kind, f"postgresql://{found[2]}")
    return Address(kind, found[2].removeprefix("/") or ":memory:")


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


@dataclass(frozen=True, slots=True, eq=False)
class Driver:
    """The differences of one kind of database.

    ``words`` fill the braces in SQL, ``begin`` starts a transaction that writes, ``error`` is the root of the driver's
    exceptions, ``explain`` turns one into ours, ``broken`` tells if a new connection is needed (None: never), ``scrub``
    is run after rows were deleted for good and gives a row that begins with 0 if all went well.
    """

    kind: DatabaseKind
    mark: str
    words: Mapping[str, str]
    begin: str
    error: type[Exception]
    connect: Callable[[], Connection]
    explain: Callable[[Exception], AgentmemError]
    broken: Callable[[Connection], bool] | None = None
    scrub: str | None = None


class Storage:
    """One connection with a lock, so that any thread may use it."""

    def __init__(self, address: Address, driver: Driver) -> None:
        self.address = address
        self.driver = driver
        self._lock = threading.RLock()
        self._translated = _Translated(driver)
        self._closed = False
        self._inside = False
        with self._translated:
            self._connection = driver.connect()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Write everything inside together, or nothing."""
        with self._lock, self._translated:
            self._execute(self.driver.begin, ())
            self._inside = True
            try:
                yield
                self._connection.execute("COMMIT")
            except BaseException:
                with suppress(self.driver.error):
                    self._connection.execute("ROLLBACK")
                raise
            finally:
                self._inside = False

    @contextmanager
    def held(self, *, writing: bool) -> Iterator[Connection]:
        """The connection itself, for code with other tables in the database; in a transaction if it is ``writing``."""
        with self._lock, self._translated:
            if not writing or self._inside:
                yield self._ready()
                return
            with self.transaction():
                yield self._connection

    def run(self, sql: str, *values: Any) -> list[Row]:
        """Run one statement and return all its rows."""
        _check(values)
        with self._lock, self._translated:
            cursor = self._execute(_spelled(sql, self.driver), values)
            return cursor.fetchall() if cursor.description else []

    def run_many(self, sql: str, rows: Sequence[Row]) -> None:
        """Run one statement for each row of values."""
        for row in rows:
            _check(row)
        with self._lock, self._translated:
            cursor = self._ready().cursor()
            cursor.executemany(_spelled(sql, self.driver), rows)
            cursor.close()

    def scrub(self) -> None:
        """Remove deleted bytes from the files too, if the database allows it. Raises JournalError."""
        if self.driver.scrub and self.run(self.driver.scrub)[0][0]:
            raise JournalError(
                f"the rows are deleted, but another process is reading {self.address}: "
                "their bytes leave its write-ahead log when that process closes the database"
            )

    def close(self) -> None:
        """Close the connection. May be called twice."""
        with self._lock:
            self._closed = True
            self._connection.close()

    def _execute(self, sql: str, values: Sequence[Any]) -> Cursor:
        """Run a statement. If the server was away meanwhile, run it once more on a new connection."""
        try:
            return self._ready().execute(sql, values)
        except self.driver.error:
            if self._inside or not self._is_broken():
                raise
            return self._ready().execute(sql, values)

    def _ready(self) -> Connection:
        if self._closed:
            raise JournalError(f"the journal of {self.address} is closed")
        if not self._inside and self._is_broken():
            self._connection = self.driver.connect()
        return self._connection

    def _is_broken(self) -> bool:
        return self.driver.broken is not None and self.driver.broken(self._connection)


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
