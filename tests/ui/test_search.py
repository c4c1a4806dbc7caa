"""agentmem.ui.search."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from agentmem.ui.search import OF_ONE, search, within
from agentmem.ui.shelf import SessionShelf
from tests.ui.desk import Session, desk, said


@pytest.fixture
def shelf(tmp_path: Path) -> Iterator[SessionShelf]:
    """The desk's sessions, and one with words that JSON writes otherwise."""
    logs = desk(tmp_path / "logs", 8)
    strange = Session("strange", 1_795_000_000.0, 1)
    strange.ask('He said "naïve café" \\ and left.')
    strange.work(said("Quite."))
    strange.write(logs / "p")
    with SessionShelf([logs]) as made:
        made.refresh()
        yield made


def test_words_are_found_where_they_were_said(shelf: SessionShelf) -> None:
    """In any case, with the turn and the block, and the text around."""
    found = search(shelf, "JINJA's flask", patience=60.0)
    assert found["looked"] == found["of"] == 9
    first = next(one for one in found["found"] if one["name"] == "0f3c")["places"][0]
    assert first["match"] == "Jinja's Flask" and first["kind"] == "replies"
    id = next(family.id for family, _ in shelf.families() if family.name == "0f3c")
    turn = shelf.whole(id).turns[first["turn"]]
    assert turn.sent is not None


@pytest.mark.parametrize("words", ['"naïve café"', 'café" \\ and', "NAïVE"])
def test_words_that_json_escapes_are_found(shelf: SessionShelf, words: str) -> None:
    """Quotes, backslashes, letters beyond ASCII."""
    assert [one["name"] for one in search(shelf, words, patience=60.0)["found"]] == ["strange"]


def test_a_session_shows_a_few_places_of_many(shelf: SessionShelf) -> None:
    """In the list of all; a search in one session gives all."""
    found = search(shelf, "free_berths", patience=60.0)["found"]
    assert max(len(one["places"]) for one in found) == OF_ONE
    id = next(family.id for family, _ in shelf.families() if family.name == "0f3c")
    assert len(list(within(shelf.whole(id), "free_berths"))) > OF_ONE


def test_a_search_says_how_far_it_came(shelf: SessionShelf) -> None:
    """Without time it looks at nothing; the next begins where it ended."""
    assert search(shelf, "booking", patience=0.0)["looked"] == 0
    assert search(shelf, "booking", start=8, patience=60.0)["looked"] == 9
    assert search(shelf, "  ", patience=60.0)["found"] == []
    assert json.dumps(search(shelf, "no such words anywhere", patience=60.0)["found"]) == "[]"
