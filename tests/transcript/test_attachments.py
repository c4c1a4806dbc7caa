"""Large contents on a real object store: where they are kept, read from and deleted."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from agentmem.errors import ArchiveError, ConfigError, UnknownReference
from agentmem.models.scripted import ScriptedModel
from agentmem.object_store import ObjectBlobs
from agentmem.objects import located
from agentmem.runtime.agent import Agent
from agentmem.transcript import attachments, blobs
from agentmem.transcript.attachments import Attachments
from agentmem.transcript.journal import Journal
from tests.objects import ObjectServer

LEAST = 1_000
LARGE, SMALL = bytes(range(256)) * 40, b"small"


def attached(journal: Journal, server: ObjectServer, prefix: str) -> Attachments:
    made = Attachments(located(server.url(prefix), server.environ()), LEAST)
    journal.storage.attachments = made
    return made


def kept(journal: Journal, *contents: bytes) -> list[str]:
    """Keeps contents as a write of pages does."""
    rows = blobs.ahead(journal.storage, {blobs.digest(one): one for one in contents})
    with journal.storage.transaction():
        return [blobs.put(journal.storage, one, rows) for one in contents]


def place_of(journal: Journal, name: str) -> ObjectBlobs:
    """Where the database says that a content is."""
    row = journal.storage.run("SELECT bytes FROM blobs WHERE sha256 = ?", bytes.fromhex(name))[0][0]
    assert attachments.is_elsewhere(row)
    assert journal.storage.attachments is not None
    return ObjectBlobs(replace(located(bytes(row).decode()), keys=journal.storage.attachments.address.keys))


def test_large_contents_are_in_object_storage_and_small_ones_in_rows(journal: Journal, objects: ObjectServer) -> None:
    """Both read back by their digest. One that is kept is not put again, and its place has no keys in it."""
    attached(journal, objects, "attached")
    large, small = kept(journal, LARGE, SMALL)
    assert [blobs.get(journal.storage, one) for one in (large, small)] == [LARGE, SMALL]
    sizes = journal.storage.run("SELECT length(bytes) FROM blobs")
    assert max(size for (size,) in sizes) < 200
    assert place_of(journal, large).get(large) == LARGE
    assert "secret" not in str(journal.storage.run("SELECT bytes FROM blobs"))
    assert blobs.ahead(journal.storage, {large: LARGE}) == {}


def test_what_nobody_holds_any_more_leaves_the_store_too(journal: Journal, objects: ObjectServer) -> None:
    """By the sweep that takes its row; a content that was put again by then is another object, and stays."""
    known = attached(journal, objects, "swept")
    (name,) = kept(journal, LARGE)
    first = place_of(journal, name)
    gone = blobs.keep_only(journal.storage, [])
    kept(journal, LARGE)
    attachments.delete(gone, known)
    assert not first.has(name)
    assert blobs.get(journal.storage, name) == LARGE
    attachments.delete(gone, known)


def test_a_store_that_refuses_is_a_sentence(journal: Journal, objects: ObjectServer) -> None:
    """Before anything was written to the database; a deletion says what is left."""
    known = attached(journal, objects, "refused")
    (name,) = kept(journal, LARGE)
    reader = Attachments(located(objects.url("refused"), objects.environ("reader")), LEAST)
    with pytest.raises(ArchiveError, match=f"these large contents are not: {name[:12]} .*lack a right"):
        attachments.delete(blobs.keep_only(journal.storage, []), reader)
    journal.storage.attachments = reader
    with pytest.raises(ArchiveError, match="lack a right at s3://agents/refused"):
        kept(journal, LARGE)
    assert journal.storage.run("SELECT count(*) FROM blobs") == [(0,)]
    journal.storage.attachments = known
    with pytest.raises(UnknownReference):
        blobs.get(journal.storage, name)


def test_an_address_that_cannot_be_is_refused(tmp_path: Path) -> None:
    """When the agent is made."""
    with pytest.raises(ConfigError, match="attachments of Agent must be an address s3://bucket/prefix"):
        Agent(ScriptedModel([]), tmp_path, attachments="/tmp/large")


HOSTS = """
import sys
from pathlib import Path
from agentmem import Agent, ScriptedModel
from agentmem.transcript import attachments

url, place, folder = sys.argv[1], sys.argv[2], Path(sys.argv[3])
large = "A line of a very large page.\\n" * 60_000
(folder / "here").mkdir()
(folder / "here" / "large.md").write_text(large)
with Agent(ScriptedModel(["Done."]), folder / "here", database=url, attachments=place, archive=None) as agent:
    agent.run("Go.", thread="main")
with Agent(ScriptedModel(["Done.", "Done."]), folder / "there", database=url, attachments=place, archive=None) as agent:
    agent.run("Go on.", thread="main")
    storage = agent.journal.storage
    rows = storage.run("SELECT bytes FROM blobs WHERE length(bytes) < 300")
    assert (folder / "there" / "large.md").read_text() == large
    assert any(attachments.is_elsewhere(row) for (row,) in rows)
    agent.forget("main")
    assert storage.run("SELECT count(*) FROM blobs") == [(0,)]
print("both")
"""


def test_a_large_page_is_on_every_host(postgres_url: str, objects: ObjectServer, tmp_path: Path) -> None:
    """A run that goes on elsewhere has it, and a thread that is forgotten takes it along."""
    command = [sys.executable, "-c", HOSTS, postgres_url, objects.url("hosts"), str(tmp_path)]
    ran = subprocess.run(command, env=objects.environ(), capture_output=True, text=True, check=False)
    assert ran.stdout == "both\n", ran.stderr
