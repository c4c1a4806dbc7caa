"""Recall from a journal: exact text by reference, passages by words, and nothing of other threads."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from agentmem.errors import UnknownReference
from agentmem.recall.pieces import SIZE as PASSAGE
from agentmem.recall.pieces import runs as passages
from agentmem.recall.recall import JournalRecall
from agentmem.transcript import transcript
from agentmem.transcript.journal import Journal, open_journal
from agentmem.transcript.transcript import Opening
from agentmem.types import Draft, Image, Message, Reply, Text, ToolCall, ToolResult, Usage


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    """A journal with the thread main: opening, question, call, result, answer."""
    with open_journal(tmp_path / "run.db") as opened:
        tell(opened, "main", transcript.opening(Opening("model")), transcript.user("Which port does staging use?"))
        tell(opened, "main", asked("c1", "read", '{"page": "staging.md"}'))
        tell(opened, "main", answered("c1", "host: db.staging.example\nport: 5432\n"))
        tell(opened, "main", spoken("Staging listens on its usual port."))
        yield opened


def tell(journal: Journal, thread: str, *drafts: Draft) -> None:
    journal.append(thread, drafts, head=journal.head(thread))


def spoken(text: str) -> Draft:
    return transcript.assistant(Reply(Message("assistant", (Text(text),)), Usage("estimated")))


def asked(id: str, name: str, arguments: str) -> Draft:
    return transcript.assistant(Reply(Message("assistant", (ToolCall(id, name, arguments),)), Usage("estimated")))


def answered(id: str, text: str) -> Draft:
    return transcript.tool_result(ToolResult(id, (Text(text),)))


def references(recall: JournalRecall, question: str) -> list[str]:
    return [found.reference for found in recall.search(question)]


def test_a_reference_brings_back_the_exact_text(journal: Journal) -> None:
    """Of a result, a message, a call."""
    recall = JournalRecall(journal, "main")
    assert recall.exact("main/3") == "host: db.staging.example\nport: 5432\n"
    assert recall.exact("main/1") == "Which port does staging use?"
    assert recall.exact("main/2") == 'read {"page": "staging.md"}'


@pytest.mark.parametrize("reference", ["main/99", "other/1", "main/x", "main", "main/²"])
def test_an_unknown_reference_is_explained(journal: Journal, reference: str) -> None:
    """A sentence with the reference in it."""
    with pytest.raises(UnknownReference, match=reference):
        JournalRecall(journal, "main").exact(reference)


def test_an_entry_without_text_is_explained(journal: Journal) -> None:
    """The opening was never said or seen."""
    with pytest.raises(UnknownReference, match="holds nothing that was said or seen"):
        JournalRecall(journal, "main").exact("main/0")


def test_words_find_the_passages_that_fit_best(journal: Journal) -> None:
    """Stems count, case does not, and each entry comes once."""
    recall = JournalRecall(journal, "main")
    assert references(recall, "db.staging.example 5432")[0] == "main/3"
    assert references(recall, "LISTENING")[0] == "main/4"
    assert references(recall, "zebra") == []
    assert references(recall, '"') == []
    assert len(references(recall, "staging port")) == len(set(references(recall, "staging port"))) == 4


def test_a_search_shows_what_kind_of_thing_it_found(journal: Journal) -> None:
    """Who said it, and the passage itself."""
    found = JournalRecall(journal, "main").search("5432")[0]
    assert (found.kind, found.excerpt) == ("a tool's result", "host: db.staging.example\nport: 5432\n")


def test_the_index_grows_with_the_thread(journal: Journal) -> None:
    """What was appended after a search is found by the next."""
    recall = JournalRecall(journal, "main")
    assert references(recall, "giraffe") == []
    tell(journal, "main", transcript.user("Look for the giraffe."))
    assert references(recall, "giraffe") == ["main/5"]
    assert references(JournalRecall(journal, "main"), "giraffe") == ["main/5"]


def test_a_forgotten_thread_is_not_recalled(journal: Journal) -> None:
    """Neither by words nor by reference, also when its name is used again and has grown as long."""
    recall = JournalRecall(journal, "main")
    assert references(recall, "5432") == ["main/3"]
    journal.forget("main")
    assert references(recall, "5432") == []
    tell(journal, "main", transcript.opening(Opening("model")), *map(transcript.user, "abcdefg"))
    assert references(recall, "5432") == []
    assert references(recall, "g") == ["main/7"]


def test_many_threads_can_be_searched_in_turn(journal: Journal) -> None:
    """Only a few indexes are kept; the others are made anew."""
    for number in range(12):
        tell(journal, f"t{number}", transcript.opening(Opening("model")), transcript.user(f"owl number{number}"))
    for _ in range(2):
        for number in range(12):
            assert references(JournalRecall(journal, f"t{number}"), "owl") == [f"t{number}/1"]


def test_results_of_recall_are_not_found_again(journal: Journal) -> None:
    """They only repeat; the original is what counts."""
    tell(journal, "main", asked("c2", "recall", '{"what": "port"}'), answered("c2", "main/3:\n> port: 5432"))
    assert references(JournalRecall(journal, "main"), "5432") == ["main/3"]


def test_ancestors_count_as_the_threads_own(journal: Journal) -> None:
    """A fork recalls what came before it by either name, and nothing its parent did afterwards."""
    journal.fork("main", 3, "side")
    tell(journal, "main", transcript.user("The parrot is green."))
    tell(journal, "side", transcript.user("The parrot is blue."))
    journal.fork("side", 4, "inner")
    side, inner = JournalRecall(journal, "side"), JournalRecall(journal, "inner")
    assert side.exact("side/3") == side.exact("main/3") == inner.exact("main/3") == inner.exact("side/3")
    assert inner.exact("side/4") == inner.exact("inner/4") == "The parrot is blue."
    assert references(side, "parrot") == ["side/4"]
    for recall, reference in ((side, "main/5"), (side, "main/4"), (inner, "main/4")):
        with pytest.raises(UnknownReference):
            recall.exact(reference)


def test_other_threads_are_refused(journal: Journal) -> None:
    """Neither by reference nor by words, and the refusal does not tell whether there is such a thread."""
    tell(journal, "secret", transcript.opening(Opening("model")), transcript.user("The password is swordfish."))
    recall = JournalRecall(journal, "main")
    with pytest.raises(UnknownReference) as refused:
        recall.exact("secret/1")
    with pytest.raises(UnknownReference) as missing:
        recall.exact("nobody/1")
    assert str(refused.value).replace("secret", "nobody") == str(missing.value)
    assert references(recall, "swordfish") == []


def test_pictures_are_named_and_brought_back(journal: Journal) -> None:
    """A picture has no text, but its name; the picture itself comes back as it was, also out of a result."""
    picture = Image("image/png", "aGk=")
    tell(journal, "main", transcript.user((picture,)), asked("c9", "read", '{"page": "a.png"}'))
    tell(journal, "main", transcript.tool_result(ToolResult("c9", (Text("Two:"), picture, picture))))
    recall = JournalRecall(journal, "main")
    assert recall.exact("main/5") == "[image/png]"
    assert recall.pictures("main/5") == [picture]
    assert recall.pictures("main/7") == [picture, picture]
    assert recall.pictures("main/7#1") == recall.pictures("main/1") == recall.pictures("main/0") == []
    with pytest.raises(UnknownReference):
        recall.pictures("main/99")


def test_passages_are_whole_lines_and_join_to_the_text() -> None:
    """Long lines are cut, nothing is lost."""
    text = "short\n" * 400 + "x" * 3000 + "\nend\n"
    cut = list(passages(text))
    assert "".join(cut) == text
    assert all(len(one) <= PASSAGE for one in cut)
    assert list(passages(" \n ")) == []
