"""Contents by digest on a real object store, and what is said when it cannot be used."""

from dataclasses import replace

import pytest

from agentmem.errors import ArchiveError, ConfigError, JournalCorrupt, UnknownReference
from agentmem.object_store import ObjectBlobs, check, client
from agentmem.objects import located
from agentmem.transcript.blobs import BlobStore, digest
from tests.faulty import Outage, faulty
from tests.objects import ObjectServer


def blobs(server: ObjectServer, prefix: str, user: str = "owner") -> ObjectBlobs:
    return ObjectBlobs(located(server.url(prefix), server.environ(user)))


def test_contents_come_back_by_their_digest(objects: ObjectServer) -> None:
    """Each is there once, whoever puts it, and one that is not there is said to be unknown."""
    store: BlobStore = blobs(objects, "blobs")
    data = bytes(range(256)) * 9_000
    name = digest(data)
    store.put(name, data)
    blobs(objects, "blobs").put(name, data)
    assert store.get(name) == data
    assert store.has(name)
    missing = "0" * 64
    assert not store.has(missing)
    with pytest.raises(UnknownReference, match="Nothing is kept"):
        store.get(missing)


def test_a_changed_content_is_not_given_out(objects: ObjectServer) -> None:
    """Bytes that do not fit their name are an error."""
    store = blobs(objects, "changed")
    name = digest(b"as it was")
    store.put(name, b"as it was")
    with client(store.address).open_output_stream(f"agents/changed/{name[:2]}/{name}") as out:
        out.write(b"as it is not")
    with pytest.raises(JournalCorrupt, match="does not match"):
        store.get(name)


def test_what_may_not_be_done_is_said_at_the_start(objects: ObjectServer) -> None:
    """A bucket that is missing, a right that is missing, keys that are wrong: each has its own sentence."""
    address = located(objects.url("start"), objects.environ())
    check(address)
    with pytest.raises(ConfigError, match="there is no bucket nobody-made"):
        check(replace(address, bucket="nobody-made"))
    with pytest.raises(ConfigError, match="lack a right at s3://agents/elsewhere"):
        check(located(objects.url("elsewhere"), objects.environ("reader")))
    with pytest.raises(ConfigError, match="are not accepted"):
        check(replace(address, prefix="keys", keys={**address.keys, "aws_secret_access_key": "wrong"}))


def test_a_right_that_is_missing_later_is_said_too(objects: ObjectServer) -> None:
    """The sentence says what the credentials must allow."""
    with pytest.raises(ArchiveError, match="must be allowed to list the bucket, and to read, write"):
        blobs(objects, "reader", "reader").put(digest(b"mine"), b"mine")


@pytest.mark.parametrize("status", [500, 503])
def test_an_outage_that_passes_is_waited_for(objects: ObjectServer, status: int) -> None:
    """What was to be written is there afterwards."""
    outage = Outage(objects.endpoint, status, left=4)
    with faulty(outage) as endpoint:
        store = ObjectBlobs(replace(located(objects.url("outage"), objects.environ()), endpoint=endpoint))
        data = b"%d" % status
        store.put(digest(data), data)
        assert store.get(digest(data)) == data
    assert outage.met == 4
