"""The semantic answer cache: it saves paying twice for the same question, and does not serve wrong answers."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from agentmem.answers.asking import Answered as Answered
    from agentmem.answers.cache import AnswerCache as AnswerCache
    from agentmem.answers.settings import AnswerSettings as AnswerSettings
    from agentmem.answers.values import Answer as Answer
    from agentmem.answers.values import AnswerScope as AnswerScope
    from agentmem.answers.values import Source as Source

_HOME = {
    "AnswerCache": "cache",
    "Answered": "asking",
    "AnswerSettings": "settings",
    "Answer": "values",
    "AnswerScope": "values",
    "Source": "values",
}
__all__ = [*_HOME]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'agentmem.answers' has no attribute {name!r}")
    return getattr(import_module(f"agentmem.answers.{_HOME[name]}"), name)
