"""The semantic answer cache: it saves paying twice for the same question, and does not serve wrong answers."""

from typing import TYPE_CHECKING

from agentmem.lazy import on_first_use

if TYPE_CHECKING:
    from agentmem.answers.asking import Answered as Answered
    from agentmem.answers.cache import AnswerCache as AnswerCache
    from agentmem.answers.freshness import Checks as Checks
    from agentmem.answers.settings import AnswerSettings as AnswerSettings
    from agentmem.answers.values import Answer as Answer
    from agentmem.answers.values import AnswerScope as AnswerScope
    from agentmem.answers.values import Source as Source

_HOME = {
    "AnswerCache": "cache",
    "Answered": "asking",
    "AnswerSettings": "settings",
    "Checks": "freshness",
    "Answer": "values",
    "AnswerScope": "values",
    "Source": "values",
}
__all__ = [*_HOME]


__getattr__ = on_first_use(__name__, {name: f"{__name__}.{home}" for name, home in _HOME.items()})
