"""Bytes kept by their content, beside the journal: each once, however many checkpoints hold them."""

import hashlib
import zlib
from collections.abc import Collection, Iterable

from agentmem.errors import JournalCorrupt, UnknownReference
from agentmem.transcript.storage import Storage

_LEVEL = 1  # pages are text: the fastest level already halves them
_ASKED = 200  # hashes in one question


def digest(data: bytes) -> str:
    """The name of these bytes: their sha256 in hex. A page's is its revision."""
    return hashlib.sha256(data).hexdigest()


def present(storage: Storage, names: Collection[str]) -> frozenset[str]:
    """Those of ``names`` that are kept."""
    asked = [bytes.fromhex(name) for name in names]
    found: set[str] = set()
    for start in range(0, len(asked), _ASKED):
        some = asked[start : start + _ASKED]
        marks = ", ".join("?" * len(some))
        found.update(row[0].hex() for row in storage.run(f"SELECT sha256 FROM blobs WHERE sha256 IN ({marks})", *some))
    return frozenset(found)


def put(storage: Storage, data: bytes) -> str:
    """Keep these bytes, and give their name. Call it in the transaction that refers to them."""
    name = digest(data)
    storage.run(
        "INSERT INTO blobs (sha256, bytes) VALUES (?, ?) ON CONFLICT (sha256) DO NOTHING",
        bytes.fromhex(name),
        zlib.compress(data, _LEVEL),
    )
    return name


def get(storage: Storage, name: str) -> bytes:
    """The bytes of that name. Raises UnknownReference, or JournalCorrupt when they are not what they were."""
    rows = storage.run("SELECT bytes FROM blobs WHERE sha256 = ?", bytes.fromhex(name))
    if not rows:
        raise UnknownReference(f"Nothing is kept under {name[:12]}: it was forgotten, or the database is damaged.")
    try:
        data = zlib.decompress(rows[0][0])
    except zlib.error:
        data = b""
    if digest(data) != name:
        raise JournalCorrupt(f"what is kept under {name[:12]} does not match its hash: it was changed from outside")
    return data


def keep_only(storage: Storage, names: Iterable[str]) -> int:
    """Delete everything else; gives the number of what went. Call it in a transaction."""
    kept = {bytes.fromhex(name) for name in names}
    gone = [(row[0],) for row in storage.run("SELECT sha256 FROM blobs") if bytes(row[0]) not in kept]
    if gone:
        storage.run_many("DELETE FROM blobs WHERE sha256 = ?", gone)
    return len(gone)
