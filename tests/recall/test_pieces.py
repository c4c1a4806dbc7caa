"""How entries are cut into pieces."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentmem.recall.pieces import AROUND, SIZE, Cutter, context, runs, speaker
from agentmem.transcript import transcript
from agentmem.transcript.journal import open_journal
from tests.recall.threads import answered, asked, begun, tell


@given(st.text(alphabet=st.sampled_from("ab \n\t"), max_size=4000))
def test_runs_join_to_the_text(text: str) -> None:
    """Nothing but blanks is left out, and no run is longer than it may be."""
    cut = list(runs(text, 50))
    assert all(0 < len(run) <= 50 and run.strip() for run in cut)
    assert "".join("".join(cut).split()) == "".join(text.split())


def test_a_long_line_is_cut_between_words() -> None:
    """Where it has blanks; else in the middle of a word."""
    assert all(run.endswith(" ") for run in list(runs("word " * 500))[:-1])
    assert [len(run) for run in runs("x" * 2000)] == [SIZE, SIZE, 400]


def test_pieces_know_their_day_their_call_and_their_place(tmp_path: Path) -> None:
    """What recall itself gave back, and calls that are still open, are no pieces of their own."""
    with open_journal(tmp_path / "run.db") as journal:
        begun(journal, "main", "hello")
        tell(journal, "main", transcript.note("date", "[Note] Today is Monday."))
        tell(journal, "main", asked("c1", "read", '{"page": "a.md"}'), answered("c1", "text of a"))
        tell(journal, "main", asked("c2", "recall", '{"what": "a"}'), answered("c2", "text of a"))
        pieces = list(Cutter().cut(journal.entries("main")))
    assert [(piece.seq, piece.day, piece.about) for piece in pieces] == [
        (1, "", ""),
        (3, "Today is Monday.", ""),
        (4, "Today is Monday.", 'read {"page": "a.md"}'),
        (5, "Today is Monday.", ""),
    ]
    assert pieces[2].lead == 'Today is Monday.\nread {"page": "a.md"}\n'
    assert pieces[2].key == "main/4/0"


def test_a_short_piece_is_embedded_with_what_came_before(tmp_path: Path) -> None:
    """Of the same day, and no more of it than fits."""
    with open_journal(tmp_path / "run.db") as journal:
        begun(journal, "main", "x" * 700, "yes", "y" * SIZE)
        first, second, third = Cutter().cut(journal.entries("main"))
    assert context(first, None) == first.text
    assert context(second, first) == "x" * AROUND + "\nyes"
    assert context(third, second) == third.text


@pytest.mark.parametrize(
    ("text", "who"),
    [("Ann: hello", "Ann"), ("Ann Lee: hello", "Ann Lee"), ("hello: ", "hello"), ("a b c d: e", ""), ("12: x", "")],
)
def test_who_speaks(text: str, who: str) -> None:
    """The label before a colon, of three words at most."""
    assert speaker(text) == who
