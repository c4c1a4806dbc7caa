"""Runs any LangChain chat model: an object, or a name that init_chat_model understands ("openai:gpt-5.5").

Arguments bound to a model stay, and errors of its provider's client become ours.
"""

import json
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from langchain_core import exceptions as langchain
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.runnables import Runnable, RunnableBinding, RunnableConfig
from langchain_core.runnables.config import merge_configs

from agentmem.checking import is_langchain, shown
from agentmem.closing import Closing
from agentmem.distribution import install
from agentmem.errors import (
    ConfigError,
    ModelError,
    ModelNotAvailable,
    ModelOverloaded,
    ModelRejected,
    ModelUnreachable,
    PromptTooLong,
)
from agentmem.kvcache.rules import claude_rules
from agentmem.models.error_messages import is_too_long, place_of
from agentmem.models.langchain_messages import TAKEN, Converter, Taken, tool_choice
from agentmem.models.langchain_reply import Timing, reply, says_why
from agentmem.scrub import scrub
from agentmem.types import Delta, ModelProfile, Options, Reply, Request, TextDelta

BY_CLASS: tuple[tuple[tuple[type[Exception], ...], type[ModelError]], ...] = (
    (
        (langchain.ModelAuthenticationError, langchain.ModelPermissionDeniedError, langchain.ModelNotFoundError),
        ModelNotAvailable,
    ),
    ((langchain.ModelRateLimitError,), ModelOverloaded),
    ((langchain.ContextOverflowError,), PromptTooLong),
    ((langchain.ModelInvalidRequestError,), ModelRejected),
    ((langchain.ModelAPIError, langchain.ModelConnectionError, langchain.ModelTimeoutError), ModelUnreachable),
)
BY_STATUS: tuple[tuple[range | frozenset[int], type[ModelError]], ...] = (
    (frozenset({401, 402, 403, 404}), ModelNotAvailable),
    (frozenset({429, 529}), ModelOverloaded),
    (frozenset({408, 409}), ModelUnreachable),
    (range(400, 500), ModelRejected),
    (range(500, 600), ModelUnreachable),
)
SAYS: dict[type[ModelError], str] = {
    ModelNotAvailable: "the provider has no such model for this key; set the provider's key or mend the model's name",
    ModelOverloaded: "the provider is overloaded or limits the rate; try again later",
    PromptTooLong: "the context does not fit into the model's window",
    ModelRejected: "the provider or its LangChain class refused the request",
    ModelUnreachable: "the provider could not be reached or did not finish",
}


NOTHING_CAME = "No generation chunks were returned"
"""LangChain's ValueError for a stream that ended before its first chunk."""


def translate(error: Exception) -> ModelError:
    """``error`` as one of ours, scrubbed. An unknown error without a status or a connection counts as a refusal."""
    found = _class(error)
    if found is ModelRejected and is_too_long(str(error)):
        found = PromptTooLong
    made = found(f"{SAYS[found]}: {scrub(str(error) or type(error).__name__)}")
    if isinstance(made, ModelRejected):
        made.place = place_of(str(error))
    return made


def _class(error: Exception) -> type[ModelError]:
    named = (ours for theirs, ours in BY_CLASS if isinstance(error, theirs))
    status = _status(error)
    coded = (ours for statuses, ours in BY_STATUS if status in statuses)
    connection = ModelUnreachable if _is_connection(error) else ModelRejected
    return next(named, next(coded, connection))


def _status(error: Exception) -> int | None:
    """The HTTP status of an error, from the attributes that libraries use; None if it has none."""
    places = (error, getattr(error, "response", None))
    values = (getattr(place, name, None) for place in places for name in ("status_code", "http_status", "code"))
    return next((value for value in values if isinstance(value, int)), None)


def _is_connection(error: Exception) -> bool:
    """True for errors of sockets, time-outs and HTTP libraries. The libraries are known by name and not imported."""
    names = {each.__name__ for each in type(error).__mro__}
    if str(error) == NOTHING_CAME:
        return True
    return bool(names & {"OSError", "TransportError", "APIConnectionError", "RequestException", "StreamError"})


_OURS = ("tools", "functions", "tool_choice", "function_call")
"""Arguments that each request sets itself."""
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
"""LangChain objects that are not chat models, by the name of a class or its base, and what to pass instead."""


@dataclass(frozen=True, slots=True)
class Bound:
    """A chat model with the arguments and the configuration that were bound to it."""

    model: BaseChatModel
    arguments: dict[str, Any] = field(default_factory=dict)
    config: RunnableConfig | None = None


def unbound(given: object) -> Bound:
    """The chat model inside ``given``. Raises ConfigError for other objects."""
    if isinstance(given, BaseChatModel):
        return Bound(given)
    if not isinstance(given, RunnableBinding) or not is_langchain(given):
        raise ConfigError(f"{shown(given)} is no LangChain chat model: {_mistake(given)}")
    inner = unbound(given.bound)
    if ours := [name for name in _OURS if given.kwargs.get(name)]:
        raise ConfigError(
            f"{', '.join(ours)} bound to a LangChain model would be lost: give tools as Agent(tools=...), "
            "and a tool choice as Options(tool_choice=...)"
        )
    own = {name: value for name, value in given.kwargs.items() if name not in _OURS}
    return Bound(inner.model, {**inner.arguments, **own}, merge_configs(inner.config, given.config))


def _mistake(given: object) -> str:
    names = [] if isinstance(given, type) else [base.__name__ for base in type(given).__mro__]
    said = next((_TELLS[name] for name in names if name in _TELLS), None)
    return said or "pass an object such as ChatAnthropic(...), or a name such as openai:gpt-5.5"


_USUAL = {"max_tokens": "max_tokens", "temperature": "temperature"}
OPTION_NAMES: dict[str, dict[str, str]] = {
    "anthropic": {**_USUAL, "thinking": "thinking", "effort": "effort"},
    "openai": {**_USUAL, "effort": "reasoning_effort"},
    "azure": {**_USUAL, "effort": "reasoning_effort"},
    "xai": {**_USUAL, "effort": "reasoning_effort"},
    "google_genai": {"max_tokens": "max_output_tokens", "temperature": "temperature"},
    **dict.fromkeys(("deepseek", "fireworks", "groq", "mistral", "mistralai", "openrouter", "together"), _USUAL),
}
"""The names of our options in providers' LangChain classes. Other classes get none: set options on the object."""


TELLS_ITS_END = frozenset({"BaseChatOpenAI", "ChatAnthropic", "ChatGroq", "ChatMistralAI", "ChatFireworks"})
"""LangChain's classes whose streams end with a reason, also by inheritance: a stream without one broke off."""


class LangChainModel(Closing):
    """A LangChain chat model as a Model.

        Agent(LangChainModel("openai:gpt-5.5", temperature=0), "notes")

    ``model`` is a chat model, also after ``bind`` or ``with_config``, or a name for init_chat_model, which gets the
    ``options``. Bound arguments win over a request's own options. ``cache_control`` and ``ttl`` are for Anthropic's
    models only; set them to False for a server that refuses them. Retries are the LangChain class's own
    (``max_retries``). Raises ModelNotAvailable if the provider's package or key is missing, ConfigError for a name, an
    object or options that do not fit; requests raise errors below ModelError.
    """

    def __init__(
        self,
        model: BaseChatModel | Runnable[Any, Any] | str,
        *,
        cache_control: bool = True,
        ttl: bool = True,
        **options: Any,
    ) -> None:
        if options and not isinstance(model, str):
            raise ConfigError(f"set {', '.join(options)} on the LangChain object itself: options go with a name only")
        self._given = unbound(_init(model, options) if isinstance(model, str) else model)
        self._model = self._given.model
        self._profile = chat_profile(self._model)
        self._tells_its_end = any(each.__name__ in TELLS_ITS_END for each in type(self._model).__mro__)
        # langchain-anthropic takes our blocks as they are; Bedrock's and Vertex's classes for Claude do too.
        native = self._profile.provider.startswith("anthropic")
        self._converter = Converter(native, _taken(self._model, self._profile.provider), cache_control, ttl)

    @property
    def profile(self) -> ModelProfile:
        return self._profile

    def stream(self, request: Request) -> Iterator[Delta]:
        """Send ``request``: yields text as it comes and, last, the Reply. Raises errors below ModelError."""
        call = _Call(request, self._tells_its_end)
        try:
            for chunk in self._bound(request).stream(self._converter.messages(request)):
                yield from call.take(chunk)
        except Exception as error:  # what a provider's class may raise is not known
            raise self._ours(error, request) from error
        yield call.reply()

    async def astream(self, request: Request) -> AsyncIterator[Delta]:
        """`stream` for asyncio."""
        call = _Call(request, self._tells_its_end)
        try:
            async for chunk in self._bound(request).astream(self._converter.messages(request)):
                for delta in call.take(chunk):
                    yield delta
        except Exception as error:  # what a provider's class may raise is not known
            raise self._ours(error, request) from error
        yield call.reply()

    def close(self) -> None:
        """Do nothing: connections belong to the LangChain object."""

    def _ours(self, error: Exception, request: Request) -> ModelError:
        """The error as one of ours, with a place in LangChain's messages turned into one in the request."""
        ours = error if isinstance(error, ModelError) else translate(error)
        if isinstance(ours, ModelRejected) and ours.place:
            ours.place = self._converter.place(request, ours.place)
        return ours

    def _bound(self, request: Request) -> Runnable[list[BaseMessage], AIMessage]:
        """The model with this request's options, and its tools if there are any."""
        names = OPTION_NAMES.get(self._profile.provider, {})
        options = {names[name]: value for name, value in _given(request.options).items() if name in names}
        given = {**options, **({"extra_body": dict(request.extra)} if request.extra else {}), **self._given.arguments}
        if not request.tools:
            return self._configured(self._model.bind(**given))
        if request.options.tool_choice:
            given["tool_choice"] = tool_choice(request.options.tool_choice)
        try:
            return self._configured(self._model.bind_tools(self._converter.tools(request), **given))
        except NotImplementedError as error:
            raise ModelNotAvailable(f"{type(self._model).__name__} takes no tools: choose another model") from error

    def _configured(self, bound: Runnable[Any, AIMessage]) -> Runnable[Any, AIMessage]:
        return bound.with_config(self._given.config) if self._given.config else bound


class _Call:
    """One request: the part that asyncio and plain calls share."""

    def __init__(self, request: Request, tells_its_end: bool) -> None:
        self._request, self._tells_its_end = request, tells_its_end
        self._chunks: list[AIMessage] = []
        self._started = time.perf_counter()
        self._first: float | None = None

    def take(self, chunk: AIMessage) -> Iterator[TextDelta]:
        """Take one chunk."""
        if self._first is None:
            self._first = time.perf_counter() - self._started
        self._chunks.append(chunk)
        if chunk.text:
            yield TextDelta(str(chunk.text))

    def reply(self) -> Reply:
        """The Reply of all chunks. Raises ModelUnreachable if the stream broke off."""
        if self._tells_its_end and not says_why(self._chunks):
            raise ModelUnreachable("the provider's stream ended without a reason: the reply broke off")
        elapsed = time.perf_counter() - self._started
        return reply(self._request, self._chunks, Timing(self._first or elapsed, elapsed))


def _given(options: Options) -> dict[str, Any]:
    thinking = options.thinking and json.loads(options.thinking)
    values = {
        "max_tokens": options.max_tokens,
        "temperature": options.temperature,
        "thinking": thinking,
        "effort": options.effort,
    }
    return {name: value for name, value in values.items() if value is not None}


def _init(name: str, options: dict[str, Any]) -> object:
    try:
        from langchain.chat_models import init_chat_model
    except ModuleNotFoundError as error:
        raise ModelNotAvailable(f"LangChain is not installed: {install('langchain')} (for {name})") from error
    try:
        made = init_chat_model(name, **options)
    except ImportError as error:
        raise ModelNotAvailable(f"{name} needs its provider's package: {error}") from error
    except Exception as error:  # each provider's class refuses a missing key in its own way
        kind = ConfigError if type(error) is ValueError else ModelNotAvailable
        raise kind(f"LangChain cannot make {name}: {scrub(str(error))}") from error
    return made


def _taken(model: BaseChatModel, provider: str) -> Taken:
    """The content that the model takes beside text, by its provider and by LangChain's profile of it."""
    known = model.profile or {}
    taken = TAKEN.get(provider, Taken())
    return replace(taken, pictures="none") if known.get("image_inputs") is False else taken


def chat_profile(model: BaseChatModel) -> ModelProfile:
    """What the runtime must know of a LangChain chat model."""
    known = model._get_ls_params()
    provider = str(known.get("ls_provider") or type(model).__name__.removeprefix("Chat").lower())
    name = str(known.get("ls_model_name") or type(model).__name__)
    strips = provider.startswith("anthropic") and claude_rules(name).strips_thinking
    limits = getattr(model, "profile", None) or {}
    return ModelProfile(provider, name, "cloud", strips, limits.get("max_input_tokens"))
