"""Reads a call of a decorated function: its question, its other arguments, and the scope that these make."""

import inspect
import json
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from agentmem.answers.values import AnswerScope
from agentmem.errors import ConfigError

MakeScope = Callable[..., AnswerScope]


class DecoratedCall(NamedTuple):
    """The question of a call, and its other arguments by place and by name."""

    question: Any
    rest: tuple[Any, ...]
    named: Mapping[str, Any]


def question_of(function: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> DecoratedCall:
    """A call taken apart: its question is the first argument, by place or by name. Raises ConfigError without one."""
    if args:
        return DecoratedCall(args[0], args[1:], kwargs)
    first = next(iter(inspect.signature(function).parameters), "")
    if first not in kwargs:
        raise ConfigError(f"{_name(function)} is called without its question, the argument {first!r}")
    return DecoratedCall(kwargs[first], (), {name: value for name, value in kwargs.items() if name != first})


def context_of(given: AnswerScope | MakeScope | None, function: Callable[..., Any], call: DecoratedCall) -> AnswerScope:
    """The scope of a call: the given one, what the given function makes of the arguments, or one for these arguments.

    Raises ConfigError for arguments that cannot be part of a key.
    """
    if isinstance(given, AnswerScope):
        return given
    if given is not None:
        return given(call.question, *call.rest, **call.named)
    name = f"{function.__module__}.{_name(function)}"
    try:
        rest = json.dumps([call.rest, call.named], sort_keys=True)
    except (TypeError, ValueError) as error:
        raise ConfigError(
            f"{name} takes arguments that cannot be part of a key ({error}): give cached(context=...), "
            "a function that makes the AnswerScope from the call's arguments"
        ) from error
    return AnswerScope(conversation=(name, rest))


def _name(function: Callable[..., Any]) -> str:
    """Its name; that of its class for another thing that can be called."""
    return str(getattr(function, "__qualname__", type(function).__qualname__))
