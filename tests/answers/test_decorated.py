"""A call of a decorated function, taken apart."""

from typing import Any

import pytest

from agentmem.answers.decorated import context_of, question_of
from agentmem.answers.values import AnswerScope
from agentmem.errors import ConfigError


def answer(q: str, language: str = "en") -> str:
    """Has a question of another name than ours."""
    return f"{q} in {language}"


@pytest.mark.parametrize(
    ("args", "kwargs"), [(("what", "de"), {}), (("what",), {"language": "de"}), ((), {"language": "de", "q": "what"})]
)
def test_the_question_is_the_first_argument(args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """However the call gives it; the other arguments reach the function as they were given."""
    call = question_of(answer, args, kwargs)
    assert call.question == "what"
    assert answer(call.question, *call.rest, **call.named) == "what in de"


def test_a_call_without_its_question_is_said() -> None:
    """By the function's own names."""
    with pytest.raises(ConfigError, match="answer is called without its question, the argument 'q'"):
        question_of(answer, (), {"language": "de"})


def test_other_arguments_are_part_of_the_key() -> None:
    """Unless the scope is given, or made by a function; what cannot be part of a key is said."""
    german, english = (question_of(answer, ("what", language), {}) for language in ("de", "en"))
    assert context_of(None, answer, german) != context_of(None, answer, english)
    assert context_of(AnswerScope("anna"), answer, german) == AnswerScope("anna")
    assert context_of(lambda q, language: AnswerScope(language), answer, german) == AnswerScope("de")
    with pytest.raises(ConfigError, match="context="):
        context_of(None, answer, question_of(answer, ("what", object()), {}))
