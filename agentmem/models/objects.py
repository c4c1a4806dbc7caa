"""Makes a Model from the object that a person passes: one of ours, or a LangChain chat model."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from agentmem.checking import descends, is_langchain, shown
from agentmem.errors import ConfigError
from agentmem.types import Model, ModelProfile

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel
    from langchain_core.runnables import Runnable

ModelLike: TypeAlias = "Model | BaseChatModel | Runnable[Any, Any] | str"
"""A model as people pass it: one of ours, a LangChain chat model (also after ``bind`` or ``with_config``), a name."""

_NAMES = 'a name such as "anthropic:claude-sonnet-5-5" or "openai:gpt-5.5"'

TAKEN = (
    "pass a Model (any object with stream, astream, close and profile), a LangChain chat model, AnthropicModel(NAME, "
    f"client=...) around a client of Anthropic's SDK, or {_NAMES}"
)
"""All that can be an agent's model, in one sentence."""


def as_model(given: object) -> Model:
    """The model that an object is or holds. A model made here need not be closed.

    Raises ConfigError that says what to pass instead.
    """
    if is_langchain(given):
        from agentmem.models.langchain import LangChainModel

        return LangChainModel(cast(Any, given))
    if _is_model(given):
        return cast(Model, given)
    told = next((says for fits, says in _MISTAKES if fits(given)), TAKEN)
    raise ConfigError(f"{shown(given)} is no model: {told}")


def _is_model(given: object) -> bool:
    return _streams(given) and isinstance(getattr(given, "profile", None), ModelProfile)


def _streams(given: object) -> bool:
    return not isinstance(given, type) and callable(getattr(given, "stream", None))


_MISTAKES: tuple[tuple[Callable[[object], bool], str], ...] = (
    (lambda given: isinstance(given, type), "make an object of it and pass that"),
    (lambda given: isinstance(given, str), f"write {_NAMES}"),
    (
        lambda given: descends(given, "anthropic"),
        'pass AnthropicModel(NAME, client=...) around the SDK\'s client, or "anthropic:NAME"',
    ),
    (
        lambda given: descends(given, "openai"),
        'pass "openai:NAME", or ChatOpenAI(...) of langchain-openai, not the SDK\'s client',
    ),
    (_streams, "it has a model's `stream`, and its `profile` must be an agentmem ModelProfile"),
    (callable, f"a function cannot answer requests; pass a Model (stream, astream, close, profile) or {_NAMES}"),
)
"""Objects that people pass by mistake, the most specific first, and what to pass instead."""
