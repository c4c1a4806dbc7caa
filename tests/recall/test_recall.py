"""A stretch of a conversation, listed: two steps lead to any entry."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from agentmem.errors import UnknownReference
from agentmem.recall.pieces import Piece
from agentmem.recall.recall import LINES, WEAK, JournalRecall, found, listing, weak
from agentmem.tokens import count
from agentmem.transcript.journal import Journal, open_journal
from agentmem.types import Found
from tests.recall.threads import answered, asked, begun, tell


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    with open_journal(tmp_path / "run.db") as opened:
        yield opened


def worked(journal: Journal, calls: int) -> int:
    """A thread with a task and so many calls; the number of its last entry."""
    last = begun(journal, "main", "count the owls")
    for at in range(calls):
        last = tell(
            journal, "main", asked(f"c{at}", "read", f'{{"page":"owls/{at}.md"}}'), answered(f"c{at}", f"owl {at}")
        )
    return last


def test_a_short_stretch_is_listed_entry_by_entry(journal: Journal) -> None:
    """What the person said, and of a result what it is the result of, each with its reference."""
    worked(journal, 3)
    assert listing(journal, "main", 1, 7).splitlines() == [
        "[main/1-7, entry by entry]",
        "- main/1 the person: count the owls",
        '- main/3 read {"page":"owls/0.md"}',
        '- main/5 read {"page":"owls/1.md"}',
        '- main/7 read {"page":"owls/2.md"}',
    ]
    assert listing(journal, "main", 5, 5).splitlines()[1:] == ['- main/5 read {"page":"owls/1.md"}']


def test_two_steps_lead_to_every_entry_of_a_long_one(journal: Journal) -> None:
    """However long it is, each line of the first listing is a stretch that is listed entry by entry."""
    last = worked(journal, 700)
    whole = listing(journal, "main", 1, last)
    inner = re.findall(r"^- (main/(\d+)-(\d+)) ", whole, re.MULTILINE)
    found = [int(one) for _, first, end in inner for one in lines(listing(journal, "main", int(first), int(end)))]
    assert found == [1, *range(3, last + 1, 2)]
    assert count(whole) < 1_500
    assert all(len(lines(listing(journal, "main", int(one), int(end)))) <= LINES for _, one, end in inner)


def lines(listed: str) -> list[str]:
    return re.findall(r"^- main/(\d+) ", listed, re.MULTILINE)


def test_long_entries_say_how_long(journal: Journal) -> None:
    """So that it is known to come in parts."""
    begun(journal, "main", "owl " * 4_000)
    assert listing(journal, "main", 1, 1).endswith("(4,001 tokens)")


def test_recall_lists_a_stretch(journal: Journal) -> None:
    """A reference with two numbers; one of another thread, or of nothing, is refused."""
    worked(journal, 2)
    begun(journal, "other", "a secret")
    recall = JournalRecall(journal, "main")
    assert recall.exact("main/1-5") == listing(journal, "main", 1, 5)
    assert list(recall.pictures("main/1-5")) == []
    for wrong in ("other/1-1", "main/40-50", "main/0-0"):
        with pytest.raises(UnknownReference):
            recall.exact(wrong)


def test_weak_is_what_no_meaning_is_near_to() -> None:
    """What words alone found says nothing of it; one passage that fits is enough."""
    near, far, unknown = (Found("main/1", "said", "owl", fit) for fit in (WEAK, WEAK - 0.01, None))
    assert weak([far, unknown])
    assert not weak([far, near])
    assert not weak([unknown])
    assert not weak([])


def test_a_passage_has_its_day() -> None:
    """As the note about the date has it."""
    piece = Piece("main", 3, 1, "", "user", "Today is Monday, 5 January 2026.", "", "owl", 0.5)
    assert found(piece) == Found("main/3#2", "said by the user", "owl", 0.5, "Monday, 5 January 2026")
