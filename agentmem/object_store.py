"""Large contents in object storage, by digest: each once, whoever puts it, and checked when it is read.

The client is pyarrow's, which LanceDB brings along.
"""

import hashlib
from collections.abc import Callable
from contextlib import suppress
from functools import cached_property
from typing import Any, TypeVar

from agentmem import objects
from agentmem.errors import ArchiveError, ConfigError, JournalCorrupt, UnknownReference
from agentmem.objects import ObjectAddress

T = TypeVar("T")

MARK = ".agentmem"
"""A small object at a place, written to find out whether that may be done."""


class ObjectBlobs:
    """A `BlobStore` at ``s3://bucket/prefix``: ``prefix/ab/abcd...`` holds the bytes whose sha256 is ``abcd...``.

    Raises ArchiveError when the store cannot be used; one that is busy or away is asked again first.
    """

    def __init__(self, address: ObjectAddress | str) -> None:
        self.address = objects.located(address) if isinstance(address, str) else address

    def put(self, digest: str, data: bytes) -> None:
        """Keep these bytes, whose sha256 is ``digest``."""
        if not self.has(digest):
            self._asked(lambda: _write(self._client, self._path(digest), data))

    def get(self, digest: str) -> bytes:
        """The bytes. Raises UnknownReference, or JournalCorrupt if they have changed."""
        try:
            data = self._asked(lambda: _read(self._client, self._path(digest)))
        except FileNotFoundError:
            raise UnknownReference(f"Nothing is kept under {digest[:12]} at {self.address}.") from None
        if hashlib.sha256(data).hexdigest() != digest:
            raise JournalCorrupt(f"what is kept under {digest[:12]} at {self.address} does not match its hash")
        return data

    def has(self, digest: str) -> bool:
        """True if they are kept."""
        from pyarrow.fs import FileType

        found = self._asked(lambda: self._client.get_file_info(self._path(digest)))
        return bool(found.type == FileType.File)

    def delete(self, digest: str) -> None:
        """Delete them, if they are kept."""
        with suppress(FileNotFoundError):
            self._asked(lambda: self._client.delete_file(self._path(digest)))

    def _path(self, name: str) -> str:
        return _path(self.address.below(f"{name[:2]}/{name}"))

    def _asked(self, work: Callable[[], T]) -> T:
        try:
            return objects.patient(self.address, work, errors=(OSError,))
        except FileNotFoundError:
            raise
        except OSError as error:
            raise ArchiveError(objects.explained(self.address, error)) from error

    @cached_property
    def _client(self) -> Any:
        return client(self.address)


def client(address: ObjectAddress) -> Any:
    """pyarrow's S3FileSystem for an address."""
    from pyarrow.fs import S3FileSystem

    scheme, _, host = address.endpoint.partition("://")
    keys = {_KEYS[name]: value for name, value in address.keys.items()}
    reached = {"scheme": scheme, "endpoint_override": host} if address.endpoint else {}
    return S3FileSystem(region=address.region, connect_timeout=5, request_timeout=30, **reached, **keys)


_KEYS = {
    "aws_access_key_id": "access_key",
    "aws_secret_access_key": "secret_key",
    "aws_session_token": "session_token",
}


def read_object(address: ObjectAddress) -> bytes | None:
    """The bytes of one object; None if there is none. Raises ArchiveError."""
    try:
        return objects.patient(address, lambda: _read(client(address), _path(address)), errors=(OSError,))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ArchiveError(objects.explained(address, error)) from error


def write_object(address: ObjectAddress, data: bytes) -> None:
    """Write one object, or replace it. Raises ArchiveError."""
    try:
        objects.patient(address, lambda: _write(client(address), _path(address), data), errors=(OSError,))
    except OSError as error:
        raise ArchiveError(objects.explained(address, error)) from error


def check(address: ObjectAddress) -> None:
    """Write and read a small object, once for each place of a process. Raises ConfigError for what will not pass.

    A store that is only busy or away is left for later: then the work itself waits for it.
    """
    if str(address) in _checked:
        return
    made, path = client(address), _path(address.below(MARK))
    try:
        _write(made, path, b"agentmem keeps what left the context of agents here.\n")
        _read(made, path)
    except OSError as error:
        fault = objects.fault_of(str(error))
        if fault is None or not fault.passes:
            raise ConfigError(objects.explained(address, error)) from error
        return
    _checked.add(str(address))


_checked: set[str] = set()


def _path(address: ObjectAddress) -> str:
    return f"{address.bucket}/{address.prefix}"


def _write(made: Any, path: str, data: bytes) -> None:
    with made.open_output_stream(path) as out:
        out.write(data)


def _read(made: Any, path: str) -> bytes:
    with made.open_input_file(path) as held:
        return bytes(held.read())
