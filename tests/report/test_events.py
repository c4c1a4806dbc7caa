"""agentmem.report.events."""

from pathlib import Path

from agentmem.integrations.observing import read_run
from agentmem.kvcache.why.diagnosis import diagnose
from agentmem.report.events import events
from agentmem.report.turns import ReportTurn, turns
from agentmem.transcript.journal import open_journal
from agentmem.types import Text
from tests.meter.rows import row
from tests.report.runs import Story, eventful


def test_everything_that_happened_is_an_event(tmp_path: Path) -> None:
    """In order, of the ledger's kind, with what the diagnosis found; a failure with its error."""
    with open_journal(tmp_path / "run.db") as journal:
        story = eventful(journal)
        found = turns(journal.entries(story.thread), story.thread)
        made = list(events(found, diagnose(read_run(journal, story.thread))))
    assert [(one.kind, one.finding and one.finding.cause) for one in made] == [
        ("expiry", "expiry"),
        ("cut", "volatile_text"),
        ("cut", "volatile_text"),
        ("cut", "compaction"),
        ("failed", None),
    ]
    for one in made[:4]:
        assert one.finding and found[one.turn].number == one.finding.request
        assert one.said == one.finding.fix
    assert made[-1].said.startswith("TimeoutError: no answer")


def test_a_compaction_of_the_runs_own_is_named_so(tmp_path: Path) -> None:
    """Also where its text looks like an edit, or like a text in which only a count changed."""
    with open_journal(tmp_path / "run.db") as journal:
        story = Story(journal)
        story.user("What changed?")
        for number in (1, 2, 3):
            story.work("The chain was oiled. " * 300, turns=6)
            story.summarise(f"{number} bicycles. " + "All is well. " * 60)
        story.reply((Text("Done."),))
        found = turns(journal.entries(story.thread), story.thread)
        made = list(events(found, diagnose(read_run(journal, story.thread))))
    assert [(one.kind, one.finding and one.finding.cause) for one in made] == [("cut", "compaction")] * 3


def test_a_break_that_lost_nothing_is_an_event_too(tmp_path: Path) -> None:
    """The ledger's word is enough, and the event says that nothing was lost."""
    marked = [
        ReportTurn(number, row(break_=kind)) for number, kind in enumerate(("first", "none", "break", "expiry"), 1)
    ]
    made = list(events(marked, (), start=10))
    assert [(one.turn, one.kind) for one in made] == [(12, "break"), (13, "expiry")]
    assert all("nothing that was cached was lost" in one.said for one in made)


def test_a_miss_without_a_change_is_an_event(tmp_path: Path) -> None:
    """The ledger sees an extension, the diagnosis that less was read than stood there."""
    with open_journal(tmp_path / "run.db") as journal:
        story = Story(journal)
        story.user("What changed?")
        story.work("The chain was oiled. " * 300, turns=3)
        story.cache = Story(journal, "other").cache  # the provider let everything go
        story.reply((Text("The chain."),))
        found = turns(journal.entries(story.thread), story.thread)
        made = list(events(found, diagnose(read_run(journal, story.thread))))
    assert [(one.turn, one.kind, one.finding and one.finding.cause) for one in made] == [(3, "miss", None)]
