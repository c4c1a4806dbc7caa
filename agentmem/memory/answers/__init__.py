"""The semantic answer cache: the same question is not paid for twice, and a wrong answer is not served."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from agentmem.memory.answers.asking import Answered as Answered
    from agentmem.memory.answers.cache import AnswerCache as AnswerCache
    from agentmem.memory.answers.settings import Settings as Settings
    from agentmem.memory.answers.values import Answer as Answer
    from agentmem.memory.answers.values import Context as Context
    from agentmem.memory.answers.values import Source as Source

_HOME = {
    "AnswerCache": "cache",
    "Answered": "asking",
    "Settings": "settings",
    "Answer": "values",
    "Context": "values",
    "Source": "values",
}
__all__ = [*_HOME]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'agentmem.memory.answers' has no attribute {name!r}")
    return getattr(import_module(f"agentmem.memory.answers.{_HOME[name]}"), name)
