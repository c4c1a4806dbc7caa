"""Errors stay where they happened: the other policies, sessions and chains go on."""

from dataclasses import replace
from pathlib import Path

from agentmem.replay.index import IndexedSession, index
from agentmem.replay.recordings import sources
from agentmem.replay.session import SkippedLine
from agentmem.replay.source import RecordingSource, Spool
from agentmem.replay.tasks import Task, compare_task, replay_task, replay_tasks
from agentmem.replay.verify import Compared
from tests.replay.logs import working


def entries(folder: Path) -> list[IndexedSession]:
    found = [one for one in sources([folder], Spool(folder)) if isinstance(one, RecordingSource)]
    return [entry for source in found for entry in index(source).entries]


def task(*chosen: IndexedSession, budget: int = 120_000) -> Task:
    return Task(chosen, (frozenset(),) * len(chosen), "anthropic", None, budget, None)


def gone(entry: IndexedSession) -> IndexedSession:
    """The same session, of a file that nobody finds any more."""
    return replace(entry, source=replace(entry.source, file=entry.source.file + ".gone"))


def test_a_policy_that_fails_is_named_and_the_others_have_their_figures(tmp_path: Path) -> None:
    """The reason says which chain and which policy, and where the recording is."""
    path = working(2).write(tmp_path / "a.jsonl")
    made = replay_task(("recorded", "no such policy", "append-only"), task(*entries(tmp_path)))
    assert made.tallies.keys() == {"recorded", "append-only"} == made.bills[0].simulated.keys()
    (skipped,) = made.skipped
    assert skipped.path == str(path) and "a: the policy no such policy failed" in skipped.reason


def test_a_session_that_cannot_be_read_leaves_the_chain(tmp_path: Path) -> None:
    """The others are joined without it; where none is left there are no figures, and no error."""
    for name in "ab":
        working(2).write(tmp_path / f"{name}.jsonl")
    one, other = entries(tmp_path)
    whole = replay_task(("recorded",), task(one))
    made = replay_task(("recorded",), task(gone(other), one))
    assert [skipped.reason.partition(":")[0] for skipped in made.skipped] == ["b"]
    assert made.tallies["recorded"].cost_usd == whole.tallies["recorded"].cost_usd
    nothing = replay_task(("recorded",), task(gone(one)))
    assert nothing.tallies == {} and len(nothing.skipped) == 1


def test_a_session_that_cannot_be_compared_is_named(tmp_path: Path) -> None:
    """Verification goes on with the others."""
    working(2).write(tmp_path / "a.jsonl")
    (one,) = entries(tmp_path)
    assert isinstance(compare_task(task(one)), Compared)
    assert isinstance(compare_task(task(gone(one))), SkippedLine)


def test_several_terms_at_once_are_as_each_by_itself(tmp_path: Path) -> None:
    """A chain is read and joined once for all of them, and nothing of one shows in another: also caches of tokens."""
    working(6).write(tmp_path / "a.jsonl")
    working(3).write(tmp_path / "b.jsonl")
    one = task(*entries(tmp_path))
    terms = [
        one,
        replace(one, ttl="1h", budget=60_000),
        replace(one, provider="openai", model="gpt-5.4"),
        replace(one, provider="deepseek", model="deepseek-chat"),
    ]
    names = ("recorded", "append-only", "sliding", "agentmem")
    together = replay_tasks([(names, each) for each in terms])
    for made, each in zip(together, terms, strict=True):
        alone = replay_task(names, each)
        assert {name: tally.numbers() for name, tally in made.tallies.items()} == {
            name: tally.numbers() for name, tally in alone.tallies.items()
        }
        assert made.bills == alone.bills and made.skipped == alone.skipped
    assert len({made.tallies["agentmem"].cost_usd for made in together}) > 2
