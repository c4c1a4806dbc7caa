"""What is never answered from the cache."""

import pytest

from agentmem.answers.exclusions import RULES, Rule, excluded, withheld
from agentmem.answers.values import Answer, key_of
from agentmem.errors import ConfigError


@pytest.mark.parametrize(
    ("question", "why"),
    [
        ("What is my balance?", "personal"),
        ("How much is my last invoice?", "personal"),
        ("Where is my package?", "personal"),
        ("What is the status of order #48213?", "personal"),
        ("Who am I?", "personal"),
        ("How much do I owe?", "personal"),
        ("Is jane.doe@example.org registered?", "an e-mail address"),
        ("Is 4111 1111 1111 1111 valid?", "a card or account number"),
        ("What's the weather?", "time-bound"),
        ("What time is it?", "time-bound"),
        ("Are you open today?", "time-bound"),
        ("What is the current rate?", "time-bound"),
        ("What happened last week?", "time-bound"),
        ("Cancel my order", "transactional"),
        ("Please could you book me a table", "transactional"),
        ("Hi, transfer 50 to Anna", "transactional"),
        ("I would like to cancel my transfer", "transactional"),
    ],
)
def test_questions_that_are_excluded(question: str, why: str) -> None:
    """The personal, the time-bound and the transactional, each by a rule that says so."""
    rule = excluded(question, "question")
    assert rule is not None
    assert rule.name == why


@pytest.mark.parametrize(
    "question",
    [
        "How do I cancel an order?",
        "What is a balance transfer?",
        "How do I change my address?",
        "Can I get a refund after 30 days?",
        "Why was my card declined?",
        "Which countries do you ship to?",
        "What does the policy say about returns?",
        "How do I book a table?",
    ],
)
def test_questions_that_everybody_asks_are_not(question: str) -> None:
    """A question about how something is done is the same for everybody."""
    assert excluded(question, "question") is None


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (Answer("x", error="time-out"), "error"),
        (Answer("The first half of", complete=False), "incomplete"),
        (Answer("I have sent it.", effects=("send_mail",)), "send_mail"),
        (Answer(""), "empty"),
        (Answer("Your balance is 40 euros."), "personal"),
        (Answer("We are closed right now."), "time-bound"),
        (Answer("I'm sorry, something went wrong."), "refusal"),
    ],
)
def test_answers_that_are_not_kept(answer: Answer, why: str) -> None:
    """Errors, streams cut short, answers after effects, and what only this person or this moment can be told."""
    assert why in withheld(answer)


def test_a_good_answer_is_kept() -> None:
    """Nothing speaks against it."""
    assert withheld(Answer("You can return shoes within 30 days.")) == ""


def test_the_table_can_be_extended() -> None:
    """A user's rule stands beside those that come with agentmem; one that is no pattern is refused."""
    rules = (*RULES, Rule("medical", "question", r"\bdosage\b"))
    assert excluded("Which DOSAGE is right?", "question") is None
    found = excluded("Which DOSAGE is right?", "question", rules)
    assert found is not None
    assert found.name == "medical"
    with pytest.raises(ConfigError, match="medical"):
        Rule("medical", "question", "(")


@pytest.mark.parametrize("text", ["x" * 300_000, "a. " * 100_000, "1 " * 100_000, "a\0b", "a\ud800"])
def test_what_is_no_question_is_excluded_at_once(text: str) -> None:
    """A text that is too long, before anything is searched for in it, and one that no database holds."""
    rule = excluded(text, "question")
    assert rule is RULES[0 if len(text) > 2000 else 1]
    assert key_of("", text) != key_of("", text + "x")
