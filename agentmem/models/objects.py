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


def as_model(given: object) -> Model:
    """The model that an object is or holds. A model made here need not be closed.

    Raises ConfigError that says what to pass instead.
    """
    if is_langchain(given):
        from agentmem.models.langchain import LangChainModel

        return LangChainModel(cast(Any, given))
    if _is_model(given):
        return cast(Model, given)
    told = next((says for fits, says in _MISTAKES if fits(given)), f"pass a Model, a LangChain chat model or {_NAMES}")
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
        'pass "anthropic:NAME", or AnthropicModel(NAME, api_key=..., base_url=...), not the SDK\'s client',
    ),
    (
        lambda given: descends(given, "openai"),
        'pass "openai:NAME", or ChatOpenAI(...) of langchain-openai, not the SDK\'s client',
    ),
    (_streams, "it has a model's `stream`, and its `profile` must be an agentmem ModelProfile"),
    (callable, f"a function cannot answer requests; pass a Model (stream, astream, close, profile) or {_NAMES}"),
)
"""Objects that people pass by mistake, the most specific first, and what to pass instead."""
