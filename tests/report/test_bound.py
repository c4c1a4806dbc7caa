"""The lower bound on the page is a bound: at no turn have less dollars been spent."""

from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from agentmem.report.data import collect, gathered
from agentmem.report.loading import Observed, load_paths
from agentmem.transcript.journal import open_journal
from tests.report.runs import OPENING, Story
from tests.ui.desk import Session, call, clocked, featured, said, wire_log

STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("work"), st.integers(0, 40_000)),
        st.tuples(st.just("ask"), st.integers(1, 9_000)),
        st.tuples(st.just("pause"), st.integers(1, 9_000)),
        st.tuples(st.just("compact"), st.integers(1, 2_000)),
    ),
    min_size=1,
    max_size=14,
)
MODELS = st.sampled_from(("claude-opus-4-6", "claude-haiku-4-5", "claude-sonnet-5-5", "claude-opus-5-5"))


def holds(path: Path) -> None:
    """Check a recording's page."""
    found = [one for one in load_paths([path]) if isinstance(one, Observed)]
    money = gathered(found, "x").data["money"]
    assert found and money and money["bound"]
    assert all(bound <= cost for bound, cost in zip(money["bound"], money["cost"], strict=True))
    for one in found:
        assert all((turn.bound_usd or 0.0) <= (turn.row.cost_usd or 0.0) for turn in one.turns)


@settings(max_examples=25, deadline=None)
@given(STEPS, MODELS, st.integers(0, 30_000), st.floats(0.0, 1.0))
def test_no_recording_costs_less_than_its_bound(
    steps: list[tuple[str, int]], model: str, head: int, luck: float
) -> None:
    """Whatever was sent, however often it was compacted, and whatever the cache served of it."""
    session = Session("s", 1_790_000_000.0, 1, model)
    session.context = head
    session.ask("Begin.")
    for number, (kind, size) in enumerate(steps):
        session.cached = round(session.cached * luck) if kind != "work" else session.cached
        if kind == "work":
            session.work(
                said("x " * (size % 90)), call(f"c{number}", "Read", path="a"), result="line of text\n" * (size // 13)
            )
        elif kind == "ask":
            session.ask("word " * (size // 5 + 1))
        elif kind == "pause":
            session.now += size
        else:
            session.compact("What happened so far. " * (size // 22 + 1))
    session.work(said("Done."))
    with TemporaryDirectory() as folder:
        holds(session.write(Path(folder)))


def test_the_desk_costs_no_less_than_its_bound(tmp_path: Path) -> None:
    """A session with sub-agents and a compaction, and a wire log whose every minute breaks the prefix."""
    holds(featured().write(tmp_path))
    holds(wire_log(tmp_path / "wire.jsonl"))
    assert len(list(clocked(3))) == 3


@settings(max_examples=10, deadline=None)
@given(st.lists(st.sampled_from(("work", "pause", "summarise")), min_size=3, max_size=10))
def test_no_run_of_ours_costs_less_than_its_bound(steps: list[str]) -> None:
    """Runs from the journal, with the simulator's usage."""
    with TemporaryDirectory() as folder, open_journal(Path(folder) / "run.db") as journal:
        story = Story(journal, opening=OPENING)
        story.user("Look after the bicycles.")
        story.work("The chain was oiled. " * 50, turns=2)
        for step in steps:
            if step == "summarise":
                story.summarise("All is well. " * 20)
            story.work("The lamp is new. " * 90, pause=900.0 if step == "pause" else 20.0)
        money = collect(journal, [story.thread])["money"]
    assert all(bound <= cost for bound, cost in zip(money["bound"], money["cost"], strict=True))
