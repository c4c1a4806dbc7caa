"""Checkpoints of runs as rows, in both databases."""

import pytest

from agentmem.errors import UnknownReference
from agentmem.transcript import blobs, checkpoint
from agentmem.transcript.checkpoint import Checkpoint
from agentmem.transcript.journal import Journal
from tests.transcript.databases import note


def made(journal: Journal, thread: str, seq: int, text: str = "plan") -> Checkpoint:
    """A checkpoint of a thread at an entry, with a plan and the tree of no pages."""
    with journal.storage.transaction():
        tree, plan = blobs.put(journal.storage, b"{}"), blobs.put(journal.storage, text.encode())
        return checkpoint.add(journal.storage, Checkpoint(thread, 0, seq, f"at {seq}", tree, plan, "box"))


def filled(journal: Journal, thread: str, count: int) -> None:
    journal.append(thread, [note(f"{thread} {seq}") for seq in range(count)], head=-1)


def test_a_checkpoint_reads_back(journal: Journal) -> None:
    """Under its name, with its number and the database's time; an odd name of a thread is no trouble."""
    first, second = made(journal, "a@b", -1), made(journal, "a@b", 7)
    assert (first.id, second.id) == ("a@b@1", "a@b@2")
    assert second.taken >= first.taken > 1e9
    assert [checkpoint.find(journal.storage, one.id) for one in (first, second)] == [first, second]
    assert checkpoint.latest(journal.storage, "a@b") == second
    assert checkpoint.latest(journal.storage, "other") is None


@pytest.mark.parametrize("name", ["", "t", "t@", "t@0", "t@9", "t@x", "@1", "t@99999999999999999999", "t@\u0661"])
def test_what_is_no_checkpoint_is_told(journal: Journal, name: str) -> None:
    """A name that leads nowhere is an unknown reference, whatever it is."""
    made(journal, "t", 0)
    with pytest.raises(UnknownReference, match="agentmem checkpoints"):
        checkpoint.find(journal.storage, name)


def test_a_fork_lists_what_it_began_with(journal: Journal) -> None:
    """Checkpoints of ancestors up to where the fork begins, then its own; a fork of a fork too."""
    filled(journal, "t", 6)
    for seq in (1, 3, 5):
        made(journal, "t", seq)
    journal.fork("t", 3, "f")
    made(journal, "f", 3)
    journal.fork("f", 2, "g")
    assert [one.id for one in checkpoint.listed(journal.storage, "f")] == ["t@1", "t@2", "f@1"]
    assert [one.id for one in checkpoint.listed(journal.storage, "g")] == ["t@1"]


def test_a_thread_lists_its_branches(journal: Journal) -> None:
    """A thread, and each of its branches, lists the checkpoints of all: nothing that was given up is out of reach."""
    filled(journal, "t", 4)
    made(journal, "t", 3)
    for number in (1, 2):
        journal.fork("t", 1, f"t~{number}")
        made(journal, f"t~{number}", 1)
        with journal.storage.transaction():
            checkpoint.branch(journal.storage, "t", f"t~{number}")
    assert checkpoint.branches(journal.storage, "t") == ("t~1", "t~2")
    assert [checkpoint.origin_of(journal.storage, name) for name in ("t", "t~1", "t~2")] == ["t"] * 3
    for name in ("t", "t~1", "t~2"):
        assert [one.id for one in checkpoint.listed(journal.storage, name)] == ["t@1", "t~1@1", "t~2@1"]


def test_forgetting_a_thread_forgets_its_checkpoints(journal: Journal) -> None:
    """Its rows go, and the bytes that nobody else's checkpoint holds."""
    filled(journal, "a", 2)
    filled(journal, "b", 2)
    made(journal, "a", 1, "plan of a")
    kept = made(journal, "b", 1, "plan of b")
    journal.forget("a")
    assert checkpoint.listed(journal.storage, "a") == ()
    assert checkpoint.listed(journal.storage, "b") == (kept,)
    names = [blobs.digest(data) for data in (b"{}", b"plan of a", b"plan of b")]
    assert blobs.present(journal.storage, names) == {names[0], names[2]}


def test_forgetting_the_latest_branch_leaves_the_one_before(journal: Journal) -> None:
    """A thread whose latest branch is forgotten goes on as the branch before that, or as itself."""
    filled(journal, "t", 2)
    for name in ("t~1", "t~2"):
        journal.fork("t", 1, name)
        with journal.storage.transaction():
            checkpoint.branch(journal.storage, "t", name)
    journal.forget("t~2")
    assert checkpoint.branches(journal.storage, "t") == ("t~1",)
    journal.forget("t", with_forks=True)
    assert checkpoint.branches(journal.storage, "t") == ()
