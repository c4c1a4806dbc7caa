"""Query types."""

from agentmem.answers.query_types import BUILT_IN, FALLBACK, classifier, kind_error, left_out
from agentmem.answers.values import Kind
from agentmem.recall.embedder import MiniLM

MINILM = MiniLM()
OTHERS = (
    ("What is the fee for a replacement key?", "faq"),
    ("Do you have a car park?", "faq"),
    ("Is there a minimum age?", "faq"),
    ("How many colours does it come in?", "faq"),
    ("compare road bikes under 900", "search"),
    ("articles on soil health", "search"),
    ("waterproof jackets for children", "search"),
    ("Nothing happens when I press the button", "support"),
    ("My headphones keep disconnecting", "support"),
    ("I cannot open the attachment", "support"),
    ("Move 200 euros to my joint account", "transactional"),
    ("Reschedule my appointment to Monday", "transactional"),
    ("Unsubscribe me from the newsletter", "transactional"),
)


def test_questions_that_are_no_examples_are_told_mostly_right() -> None:
    """On questions about other things, at most a quarter is told wrong, and the error says which."""
    error = kind_error(classifier(MINILM, BUILT_IN), MINILM, OTHERS)
    assert error.of == len(OTHERS)
    assert error.wrong <= len(OTHERS) // 4
    assert sum(error.confused.values()) == error.wrong
    low, high = error.bounds
    assert low <= (error.share or 0) <= high


def test_the_examples_tell_each_other() -> None:
    """Left out one by one, few of the examples are told wrong."""
    error = left_out(MINILM, BUILT_IN)
    assert error.of == sum(len(kind.examples) for kind in BUILT_IN.values())
    assert error.wrong <= error.of // 5


def test_a_type_of_the_users_own_is_told_by_a_few_examples() -> None:
    """Three examples of returns are enough for a fourth."""
    own = Kind("returns", ("How do I send it back?", "Can I return a gift?", "Where do I drop off a return?"), 0.93)
    classify = classifier(MINILM, {**BUILT_IN, "returns": own})
    question = "Can I return a gift that I opened?"
    assert classify(question, MINILM.embed([question])[0]) == "returns"


def test_without_types_everything_is_the_fallback() -> None:
    """No examples, no opinion."""
    assert classifier(MINILM, {})("Who?", MINILM.embed(["Who?"])[0]) == FALLBACK
