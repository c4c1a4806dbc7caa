"""Models answer requests. `load` finds one by name; each kind is imported only when it is used."""

from collections.abc import Callable
from importlib import import_module
from typing import Any

from agentmem.config import Config
from agentmem.distribution import install
from agentmem.errors import ConfigError, ModelNotAvailable
from agentmem.types import Model

__all__ = ["load"]


def load(name: str, **options: Any) -> Model:
    """The model called ``name``; ``options`` go to its class, and win over those that agentmem.toml has for its kind.

    ``anthropic:NAME`` is Claude through the official SDK, ``local`` or ``local:PATH`` is llama.cpp here,
    ``scripted:PATH`` is a script, and any other name (``openai:NAME``, ``google_genai:NAME`` ...) goes to LangChain's
    init_chat_model. Raises ConfigError for a name that cannot be a model's, or options that do not fit, and
    ModelNotAvailable with what to install or set.
    """
    kind, _, rest = name.partition(":")
    if not name.strip() or (kind != "local" and not rest.strip()):
        raise ConfigError(
            f"{name!r} names no model: write provider:name, for example anthropic:claude-sonnet-5-5 or openai:gpt-5.5, "
            "scripted:PATH, or local"
        )
    options = {**Config.load().models.get(kind, {}), **options}
    make = KINDS.get(kind)
    try:
        return make(rest, **options) if make else _langchain(name, **options)
    except TypeError as error:
        if "unexpected keyword argument" not in str(error):
            raise
        raise ConfigError(f"{kind} models do not take this option: {error}") from error


def _anthropic(name: str, **options: Any) -> Model:
    return _made("agentmem.models.anthropic", "AnthropicModel", "pip install anthropic", name, **options)


def _langchain(name: str, **options: Any) -> Model:
    return _made("agentmem.models.langchain", "LangChainModel", install("langchain"), name, **options)


def _local(path: str, **options: Any) -> Model:
    arguments = (path,) if path else ()
    return _made("agentmem.models.local", "LocalModel", install("local"), *arguments, **options)


def _scripted(path: str, **options: Any) -> Model:
    module = import_module("agentmem.models.scripted")
    model: Model = module.ScriptedModel.load(path, **options)
    return model


def _made(module: str, name: str, install: str, *arguments: Any, **options: Any) -> Model:
    try:
        found = import_module(module)
    except ModuleNotFoundError as error:
        raise ModelNotAvailable(f"{error.name} is not installed: {install}") from error
    model: Model = getattr(found, name)(*arguments, **options)
    return model


KINDS: dict[str, Callable[..., Model]] = {"anthropic": _anthropic, "local": _local, "scripted": _scripted}
"""Our own kinds of models, by the part of a name before the colon; every other name goes to LangChain."""
