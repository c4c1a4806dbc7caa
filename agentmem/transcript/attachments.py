"""Keeps the contents of large pages in object storage, by digest; the database has where each is, and not its bytes.

Each write puts them below a folder of its own, so that deleting one's object never takes away another's. They are put
before the transaction whose rows refer to them: object storage may be busy for long. What a killed writer had put, and
no row refers to, stays there.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from urllib.parse import urlencode
from uuid import uuid4

from agentmem.errors import ArchiveError
from agentmem.object_store import ObjectBlobs
from agentmem.objects import SCHEME, ObjectAddress, located

LARGE = 1_000_000
"""Bytes from which on a content goes to object storage."""
MARK = SCHEME.encode()
"""The beginning of a row that has a place; compressed bytes never begin so."""


@dataclass(frozen=True, slots=True)
class Attachments:
    """Where a database's large contents go, and from how many bytes on."""

    address: ObjectAddress
    least: int = LARGE

    def put(self, contents: Mapping[str, bytes]) -> dict[str, bytes]:
        """Put the large ones of these contents by digest; returns what their rows are to hold. Raises ArchiveError."""
        large = {digest: data for digest, data in contents.items() if len(data) >= self.least}
        if not large:
            return {}
        folder = self.address.below(uuid4().hex)
        store = ObjectBlobs(folder)
        for digest, data in large.items():
            store.put(digest, data)
        return dict.fromkeys(large, _written(folder))


def is_elsewhere(row: bytes) -> bool:
    """True if a row holds a place in object storage."""
    return row.startswith(MARK)


def fetched(digest: str, row: bytes, known: Attachments | None = None) -> bytes:
    """The content of which a row holds the place. Raises ArchiveError, UnknownReference or JournalCorrupt.

    The keys are those of ``known``, or of the process's environment.
    """
    return _store(row, known).get(digest)


def delete(rows: Iterable[tuple[str, bytes]], known: Attachments | None = None) -> None:
    """Delete the objects of these digests and rows. Raises ArchiveError if some could not be deleted."""
    failed = list[str]()
    for digest, row in rows:
        try:
            _store(row, known).delete(digest)
        except ArchiveError as error:
            failed.append(f"{digest[:12]} ({error})")
    if failed:
        raise ArchiveError(f"the rows are deleted, but these large contents are not: {'; '.join(failed)}")


def _written(address: ObjectAddress) -> bytes:
    """The address with how it is reached, and without keys."""
    reached = {"endpoint": address.endpoint, "region": address.region}
    query = urlencode({name: value for name, value in reached.items() if value})
    return f"{address}?{query}".encode()


def _store(row: bytes, known: Attachments | None) -> ObjectBlobs:
    address = located(row.decode())
    return ObjectBlobs(replace(address, keys=known.address.keys) if known else address)
