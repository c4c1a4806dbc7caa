"""A LangChain chat model, and what was bound to it: the arguments and the configuration of its calls."""

from dataclasses import dataclass, field
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.runnables import RunnableBinding, RunnableConfig
from langchain_core.runnables.config import merge_configs

from agentmem.checking import is_langchain, shown
from agentmem.errors import ConfigError

_OURS = ("tools", "functions", "tool_choice", "function_call")
"""Arguments that a request brings itself."""
_TELLS = {
    "RunnableRetry": "pass the chat model itself: how often it tries again is its own max_retries",
    "RunnableWithFallbacks": "pass one chat model: a thread's cached prefix belongs to one model",
    "RunnableSequence": "pass the chat model itself: a prompt is the `system`, and a parser reads the result",
    "_ConfigurableModel": "it is left configurable: name one model when you make it",
    "RunnableConfigurableAlternatives": "it is left configurable: pass one of its alternatives",
    "RunnableConfigurableFields": "it is left configurable: pass the chat model itself",
    "BaseLLM": "it completes texts and knows no messages: pass the provider's chat model",
    "Embeddings": "it makes vectors: pass a chat model",
}
"""What of LangChain's is no chat model, by the name of its class or of a base of it, and what to pass instead."""


@dataclass(frozen=True, slots=True)
class Bound:
    """A chat model with the arguments and the configuration that its owner bound to it."""

    model: BaseChatModel
    arguments: dict[str, Any] = field(default_factory=dict)
    config: RunnableConfig | None = None


def unbound(given: object) -> Bound:
    """The chat model inside. Raises ConfigError for what is none."""
    if isinstance(given, BaseChatModel):
        return Bound(given)
    if not isinstance(given, RunnableBinding) or not is_langchain(given):
        raise ConfigError(f"{shown(given)} is no LangChain chat model: {_told(given)}")
    inner = unbound(given.bound)
    if ours := [name for name in _OURS if given.kwargs.get(name)]:
        raise ConfigError(
            f"{', '.join(ours)} bound to a LangChain model would be lost: give tools as Agent(tools=...), "
            "and a tool choice as Options(tool_choice=...)"
        )
    own = {name: value for name, value in given.kwargs.items() if name not in _OURS}
    return Bound(inner.model, {**inner.arguments, **own}, merge_configs(inner.config, given.config))


def _told(given: object) -> str:
    names = [] if isinstance(given, type) else [base.__name__ for base in type(given).__mro__]
    said = next((_TELLS[name] for name in names if name in _TELLS), None)
    return said or "pass an object such as ChatAnthropic(...), or a name such as openai:gpt-5.5"
