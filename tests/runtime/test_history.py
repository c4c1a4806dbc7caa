"""Checkpoints of runs: conversation, pages and sandbox, forked and gone back to."""

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentmem.context.window import window
from agentmem.context.wire import wire
from agentmem.errors import ConfigError, ThreadBusy, ThreadNotFound, UnknownReference
from agentmem.kvcache.simulated.events import ServerAnswer
from agentmem.kvcache.simulated.server import MessagesServer
from agentmem.meter.ledger import decode
from agentmem.models.anthropic import AnthropicModel
from agentmem.models.scripted import ScriptedModel
from agentmem.runtime.agent import Agent
from agentmem.runtime.history import History
from agentmem.sandbox import Sandbox
from agentmem.sandbox.ran import Snapshot
from agentmem.transcript.checkpoint import Checkpoint
from agentmem.types import Entry, Request
from tests.runtime.agents import agent, call, clock, kinds


def write(page: str, text: str) -> Any:
    """A turn that writes a page."""
    return {"calls": [{"write": {"page": page, "text": text, "overwrite": True}}]}


def pages(folder: Path) -> dict[str, str]:
    """The pages of a folder."""
    found = (one for one in folder.rglob("*.md") if ".agentmem" not in one.parts)
    return {str(one.relative_to(folder)): one.read_text() for one in found}


def told(request: Request) -> list[str]:
    """The texts of a request."""
    return [frame.value["text"] for turn in request.turns for frame in turn.frames if "text" in frame.value]


def two_runs(folder: Path, more: Sequence[Any] = ()) -> Agent:
    """An agent that has written a.md in one run of thread t and b.md in the next, and has changed a.md there."""
    (folder / "given.md").write_text("given\n")
    turns = [write("a.md", "one"), "Written.", write("b.md", "two"), write("a.md", "three"), "Again.", *more]
    one = agent(folder, turns)
    one.run("Write a.", thread="t")
    one.run("Write b.", thread="t")
    return one


def test_a_checkpoint_stands_before_and_after_each_run(tmp_path: Path) -> None:
    """Each ties an entry to the pages then; where nothing changed between two runs, one checkpoint serves both."""
    with two_runs(tmp_path) as one:
        found = one.checkpoints("t")
        assert [(point.id, point.label) for point in found] == [
            ("t@1", "before a run"),
            ("t@2", "after a run"),
            ("t@3", "after a run"),
        ]
        assert found[0].seq == -1
        assert found[-1].seq == one.journal.head("t")
        held = [sorted(one.history.pages_at(point)) for point in found]
        assert held == [["given.md"], ["a.md", "given.md"], ["a.md", "b.md", "given.md"]]
        (tmp_path / "given.md").write_text("by hand\n")
        assert one.checkpoint("t", "mine").label == "mine"
        assert one.checkpoint("t", "again") == one.checkpoints("t")[-1]


def test_going_back_brings_back_conversation_and_pages(tmp_path: Path) -> None:
    """After a rollback pages are byte for byte as they were, and the thread goes on as if the rest had not been."""
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes/gone.md").write_text("\r\nkeep my\r\nline ends")
    model = ScriptedModel(["One.", "Two.", "Other."])
    with Agent(model, tmp_path, clock=clock) as one:
        one.run("Say one.", thread="t")
        at = one.checkpoints("t")[-1]
        one.workspace.move("notes/gone.md", "notes/moved.md")
        one.workspace.write("new.md", "new")
        one.run("Say two.", thread="t")
        assert one.rollback(to=at) == "t~1"
        assert list(pages(tmp_path)) == ["notes/gone.md"]
        assert (tmp_path / "notes/gone.md").read_bytes() == b"\r\nkeep my\r\nline ends"
        result = one.run("Say another.", thread="t")
        assert (result.thread, result.text) == ("t~1", "Two.")
        assert told(model.requests[-1])[1:] == ["Say one.", "One.", "Say another."]


def test_nothing_is_lost_by_going_back(tmp_path: Path) -> None:
    """Every entry reads back by its reference, and what was given up is a checkpoint that can be gone back to."""
    with two_runs(tmp_path, ["After."]) as one:
        before = {entry.reference: entry for entry in one.journal.entries("t")}
        (tmp_path / "hand.md").write_text("by hand")
        one.rollback(to="t@2")
        assert pages(tmp_path) == {"a.md": "one", "given.md": "given\n"}
        assert {reference: one.journal.entry(reference) for reference in before} == before
        given_up = one.checkpoints("t")[-1]
        assert (given_up.id, given_up.label) == ("t@4", "before going back to t@2")
        assert one.rollback(to=given_up) == "t~2"
        assert pages(tmp_path) == {"a.md": "three", "b.md": "two", "given.md": "given\n", "hand.md": "by hand"}
        assert list(one.journal.entries("t~2")) == list(before.values())


def test_the_wire_of_a_branch_is_a_prefix_of_what_was_sent(tmp_path: Path) -> None:
    """Invariant 1 across a rollback: the branch begins with exactly the frames that stood there."""
    with two_runs(tmp_path, ["More."]) as one:
        at = one.checkpoints("t")[1]
        whole = list(one.journal.entries("t"))
        branch = one.rollback(to=at)
        one.run("Go on.", thread="t")
        assert wire(window(one.journal.entries(branch))).startswith(wire(window(whole[: at.seq + 1])))


def test_going_back_to_before_the_first_run(tmp_path: Path) -> None:
    """The very first checkpoint undoes everything; the thread begins anew, and still nothing is lost."""
    with two_runs(tmp_path) as one:
        before = list(one.journal.entries("t"))
        branch = one.rollback(to="t@1")
        assert (one.journal.head(branch), pages(tmp_path)) == (-1, {"given.md": "given\n"})
        with agent(tmp_path, ["Fresh."]) as other:
            assert other.run("Begin.", thread="t").text == "Fresh."
            assert kinds(other, branch).count("user") == 1
        assert list(one.journal.entries("t")) == before


def test_a_fork_takes_the_pages_along(tmp_path: Path) -> None:
    """A fork into a folder is where another agent begins: same conversation, same pages, and neither is disturbed."""
    home, side = tmp_path / "home", tmp_path / "side"
    home.mkdir()
    with two_runs(home) as one:
        name = one.fork(at="t@2", into=side)
        assert pages(side) == {"a.md": "one", "given.md": "given\n"}
        turns = ["", "", write("b.md", "elsewhere"), "Done."]
        with agent(side, turns, database=home / ".agentmem/agentmem.db") as other:
            assert other.run("Go on here.", thread=name).text == "Done."
        assert pages(side)["b.md"] == "elsewhere"
        assert pages(home)["b.md"] == "two"
        with pytest.raises(ConfigError, match="not empty"):
            one.fork(at="t@2", into=side)


def test_forks_by_entry_and_by_checkpoint(tmp_path: Path) -> None:
    """A fork begins at an entry of a thread, at a checkpoint, or where the thread is; a fork of a fork too."""
    with two_runs(tmp_path) as one:
        point = one.checkpoints("t")[1]
        assert one.journal.head(one.fork("t", point.seq, "left")) == point.seq
        assert one.journal.head(one.fork(at=point, to="right")) == point.seq
        assert one.journal.head(one.fork("t")) == one.journal.head("t")
        assert one.journal.head(one.fork("right", 2, "inner")) == 2
        assert {"t@1", "t@2"} <= {found.id for found in one.checkpoints("right")}
        assert [found.id for found in one.checkpoints("inner")] == ["t@1"]
        with pytest.raises(ConfigError, match="thread"):
            one.fork(at=3)


def test_the_plan_goes_along(tmp_path: Path) -> None:
    """The task list that the model keeps is part of a checkpoint: a branch finds it as it was."""
    plan = {"calls": [{"plan": {"steps": ["[x] one", "[ ] two"]}}]}
    later = {"calls": [{"plan": {"steps": ["[x] one", "[x] two"]}}]}
    with agent(tmp_path, [plan, "Planned.", later, "Done."]) as one:
        one.run("Plan.", thread="t")
        one.run("Finish.", thread="t")
        branch = one.rollback(to=one.checkpoints("t")[1])
        text = (tmp_path / f".agentmem/plans/{branch}.md").read_text()
        assert "[ ] two" in text


def test_what_cannot_be_gone_back_to_is_told(tmp_path: Path) -> None:
    """A checkpoint that is not there, one without pages, a thread that nobody knows, a thread that works."""
    with two_runs(tmp_path) as one:
        with pytest.raises(UnknownReference, match="t@9"):
            one.rollback(to="t@9")
        with pytest.raises(ThreadNotFound):
            one.checkpoints("nobody")
        with pytest.raises(ThreadNotFound):
            one.checkpoint("nobody")
        with one.journal.lease("t"), pytest.raises(ThreadBusy):
            one.rollback(to="t@1")
        history = History(one.journal, tmp_path, keep=3)
        (tmp_path / "large.md").write_text("larger than that")
        history.mark_unasked("t", "small")
        point = one.checkpoints("t")[-1]
        assert (point.label, point.pages) == ("small", None)
        with pytest.raises(UnknownReference, match="no pages"):
            one.rollback(to=point)
        assert history.mark("t", "asked").pages


def test_forgetting_takes_the_checkpoints_and_their_pages_along(tmp_path: Path) -> None:
    """What only the forgotten thread's checkpoints held is gone from the database; what others hold stays."""
    with two_runs(tmp_path) as one:
        branch = one.rollback(to="t@2")
        one.forget("t", with_forks=True)
        assert one.journal.storage.run("SELECT count(*) FROM blobs") == [(0,)]
        assert one.history.current("t") == "t"
        with pytest.raises(ThreadNotFound):
            one.checkpoints(branch)


def test_a_page_that_two_threads_hold_stays(tmp_path: Path) -> None:
    """Forgetting one of two threads on the same pages leaves the other's checkpoints whole."""
    (tmp_path / "page.md").write_text("shared")
    with agent(tmp_path, ["One."]) as one:
        one.run("Say one.", thread="a")
        one.run("Say one.", thread="b")
        one.forget("a")
        (tmp_path / "page.md").write_text("changed")
        one.rollback(to="b@1")
        assert pages(tmp_path) == {"page.md": "shared"}


class Pocket:
    """A sandbox that holds one number."""

    def __init__(self, number: int = 0) -> None:
        self.number = number

    def snapshot(self) -> Snapshot:
        return Snapshot(str(self.number))

    def rollback(self, snapshot: Snapshot) -> None:
        self.number = int(snapshot.id)

    def fork_again(self) -> "Pocket":
        return Pocket(self.number)


def test_the_sandbox_goes_along(tmp_path: Path) -> None:
    """A checkpoint names the sandbox's snapshot; going back rolls it back, and it can be forked as it was."""
    pocket = Pocket(1)
    with agent(tmp_path, ["One.", "Two."], sandbox=pocket) as one:
        one.run("Say one.", thread="t")
        first = one.checkpoints("t")[-1]
        pocket.number = 2
        one.run("Say two.", thread="t")
        forked = one.history.sandbox_at(first)
        assert isinstance(forked, Pocket)
        assert (forked.number, pocket.number) == (1, 2)
        one.rollback(to=first)
        assert pocket.number == 1


def test_a_real_sandbox_is_rolled_back_and_forked(tmp_path: Path) -> None:
    """Files that are no pages come back with it, and a fork of it as it was is independent."""
    repo, home = tmp_path / "repo", tmp_path / "home"
    repo.mkdir()
    (repo / "code.py").write_text("first = 1\n")
    with Sandbox.fork(repo) as sandbox, agent(home, ["One.", "Two."], sandbox=sandbox) as one:
        one.run("Say one.", thread="t")
        first = one.checkpoints("t")[-1]
        sandbox.write("code.py", b"second = 2\n")
        sandbox.write("data.bin", b"\0\1")
        one.run("Say two.", thread="t")
        with cast(Sandbox, one.history.sandbox_at(first)) as forked:
            assert forked.read("code.py") == b"first = 1\n"
            assert sandbox.read("code.py") == b"second = 2\n"
        one.rollback(to=first)
        assert (sandbox.read("code.py"), sandbox.exists("data.bin")) == (b"first = 1\n", False)
        one.rollback(to=one.checkpoints("t")[-1])
        assert sandbox.read("code.py") == b"second = 2\n"
    assert (repo / "code.py").read_text() == "first = 1\n"


def test_the_first_request_of_a_fork_reads_the_cache_up_to_the_fork(tmp_path: Path) -> None:
    """Over HTTP: what the run had sent by then is read, nothing of it is written again, for a fork and a branch."""
    system = "Look after the pages. " * 300
    with ExitStack() as stack:
        server = stack.enter_context(MessagesServer(lambda body: ServerAnswer.text("Fine.")))
        model = AnthropicModel("claude-sonnet-5", api_key="none", base_url=server.url, max_retries=0)
        stack.callback(model.close)
        one = stack.enter_context(Agent(model, tmp_path, system=system, clock=clock))
        for said in ("one", "two", "three"):
            one.run(f"Say {said}. " * 200, thread="t")
        point = one.checkpoints("t")[2]
        sent = decode(list(one.journal.own("t", "usage"))[1]).usage.input_tokens
        for name in (one.fork(at=point), one.rollback(to=point)):
            one.run(f"Something else for {name}.", thread=name)
            (first,) = map(decode, one.journal.own(name, "usage"))
            assert first.usage.cache_read_tokens == sent > 1024


@settings(max_examples=25)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 30)), min_size=1, max_size=6))
def test_any_order_of_runs_and_rollbacks_loses_nothing(
    tmp_path_factory: pytest.TempPathFactory, moves: list[tuple[int, int]]
) -> None:
    """Whatever is run, edited and gone back to: pages are those of the checkpoint, and all entries read back."""
    folder = tmp_path_factory.mktemp("any")
    with Agent(ScriptedModel(lambda request: "Fine."), folder, clock=clock) as one:
        one.run("Begin.", thread="t")
        known: dict[str, Entry] = {}
        states: dict[str, dict[str, str]] = {}
        for what, which in moves:
            points = one.checkpoints("t")
            if what == 0:
                point = points[which % len(points)]
                wanted = states.get(point.id)
                one.rollback(to=point)
                assert wanted is None or pages(folder) == wanted
            else:
                one.workspace.write(f"page{which % 4}.md", f"{what} {which}")
                one.run("Go on.", thread="t")
                states[_last(one).id] = pages(folder)
            for info in one.journal.threads():
                known |= {entry.reference: entry for entry in one.journal.entries(info.name)}
            assert all(one.journal.entry(reference) == entry for reference, entry in known.items())


def _last(one: Agent) -> Checkpoint:
    """The latest checkpoint of the branch that thread t goes on as."""
    return [point for point in one.checkpoints("t") if point.thread == one.history.current("t")][-1]


def test_open_calls_wait_in_a_fork_too(tmp_path: Path) -> None:
    """A fork where a call waits for a person waits for one as well."""
    with agent(tmp_path, [call("write", '{"page": "a.md", "text": "x"}'), "Done."], approve=["write"]) as one:
        assert one.run("Write.", thread="t").status == "waiting"
        name = one.fork(at=one.checkpoints("t")[-1])
        assert one.run(thread=name).status == "waiting"
