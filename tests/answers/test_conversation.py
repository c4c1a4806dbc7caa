"""Questions within a conversation: follow-ups are made to stand alone, or keyed by what they refer to."""

from pathlib import Path

import pytest

from agentmem.answers.conversation import ConversationTurn, split, stands_alone, told
from agentmem.answers.values import Answer, AnswerScope
from tests.answers.caches import Calls, opened

ADULTS, CHILDREN = "How much is a ticket to the zoo?", "How much is a zoo ticket for children?"
LATER = "and for children?"


@pytest.mark.parametrize(
    "question", ["and for children?", "How much is it?", "Why?", "What about dogs?", "Und für Kinder?", "Is that all?"]
)
def test_what_may_refer_to_something_is_a_follow_up(question: str) -> None:
    """Pronouns, openings and short questions are follow-ups; so is any language whose words nobody knows."""
    assert not stands_alone(question)


@pytest.mark.parametrize("question", [ADULTS, "How do I return shoes?", "What are the opening hours of the museum?"])
def test_a_whole_question_stands_alone(question: str) -> None:
    """A question with words of its own is looked up as anywhere."""
    assert stands_alone(question)


def test_the_model_gets_the_turns_and_gives_the_question() -> None:
    """The prompt holds what was said; the first line of the reply is the question that stands alone."""
    prompt = told([ConversationTurn(ADULTS, "Nine.")], LATER)
    assert ADULTS in prompt and "Nine." in prompt and LATER in prompt
    assert split(Answer(f"Question: {CHILDREN}\nFour.")) == (CHILDREN, Answer("Four."))
    assert split(Answer("Four.")) == ("", Answer("Four."))


def test_a_follow_up_is_kept_as_the_question_that_stands_alone(tmp_path: Path) -> None:
    """The same follow-up after the same question is served, and so is the question that it stands for."""
    answering = Calls("Nine.", f"Question: {CHILDREN}\nFour.")
    with opened(tmp_path, embedder=None, exact_only=True) as cache:
        assert cache.ask(ADULTS, answering, thread="a").text == "Nine."
        first = cache.ask(LATER, answering, thread="a")
        assert (first.text, first.how) == ("Four.", "fresh")
        assert ADULTS in answering.asked[-1]
        assert cache.ask(ADULTS, answering, thread="b").how == "exact"
        again = cache.ask(LATER, answering, thread="b")
        assert (again.text, again.how) == ("Four.", "exact")
        assert cache.ask(CHILDREN, answering).text == "Four."
        assert len(answering.asked) == 2


def test_a_follow_up_of_something_else_is_another_question(tmp_path: Path) -> None:
    """The same words after another question are not served its answer, nor outside of a conversation."""
    answering = Calls(
        "Nine.", f"Question: {CHILDREN}\nFour.", "Free.", "Question: Is the museum free for children?\nYes."
    )
    with opened(tmp_path, embedder=None, exact_only=True) as cache:
        cache.ask(ADULTS, answering, thread="a")
        cache.ask(LATER, answering, thread="a")
        cache.ask("What does the museum charge adults?", answering, thread="b")
        assert cache.ask(LATER, answering, thread="b").text == "Yes."
        assert cache.get(LATER) is None


def test_a_follow_up_of_nothing_that_is_known_is_neither_served_nor_kept(tmp_path: Path) -> None:
    """After a restart nobody knows what it refers to."""
    answering = Calls("What do you mean?")
    with opened(tmp_path, embedder=None, exact_only=True) as cache:
        found = cache.ask(LATER, answering, thread="new")
        assert found.kept is not None
        assert not found.kept
        assert cache.store.count() == 0


def test_conversations_of_two_users_are_apart(tmp_path: Path) -> None:
    """A thread of one name is another conversation for another user."""
    answering = Calls("Nine.", "Question: x\nOther.")
    with opened(tmp_path, embedder=None, exact_only=True) as cache:
        cache.ask(ADULTS, answering, context=AnswerScope(user="anna"), thread="t")
        assert not cache.ask(LATER, answering, context=AnswerScope(user="ben"), thread="t").kept
