"""Runs Claude through the official SDK, or any model on a server that speaks Anthropic's Messages API.

A request that fails before its stream begins is sent again after the wait that the provider asks for; each wait is
announced first. A broken stream is sent again only if none of its text was passed on: a consumer never sees text twice,
so later breaks are errors.
"""

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, fields
from functools import partial
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

import anthropic
import httpx2
from anthropic.types import Message as SdkMessage
from anthropic.types import RawMessageStreamEvent

from agentmem.checking import shown
from agentmem.closing import Closing
from agentmem.errors import ConfigError, ModelNotAvailable
from agentmem.kvcache.rules import claude_rules
from agentmem.models.anthropic_errors import CAUGHT, asked_wait, is_unanswered, meaning_of, passing, translate
from agentmem.models.anthropic_reply import ReplyBuilder
from agentmem.models.anthropic_request import arguments, write_ttl
from agentmem.types import Delta, ModelProfile, Reply, Request, TextDelta, Ttl, Waiting

T = TypeVar("T")
C = TypeVar("C", anthropic.Anthropic, anthropic.AsyncAnthropic)

BASIS_HEADER = "x-agentmem-basis"
"""The header with which our own server marks its responses as "simulated": their usage is not billed."""

DIRECT = {"all://127.0.0.1": None, "all://localhost": None}
"""Requests to a server on this machine never go through a proxy of the environment."""


def claude_profile(name: str, provider: str = "anthropic") -> ModelProfile:
    """The profile of a Claude model, by default on Anthropic's own API."""
    return ModelProfile(provider, name, "cloud", claude_rules(name).strips_thinking)


SERVED_BY = (("Bedrock", "bedrock"), ("Vertex", "vertex"), ("Foundry", "anthropic_foundry"), ("", "anthropic"))
"""The provider behind a client of the SDK, by a part of its class's name; the first that fits."""
_OWN = frozenset({"Anthropic", "AsyncAnthropic"})
"""Clients of Anthropic's own API, which says why a prefix missed the cache."""
_OF_CLIENT: Mapping[str, object] = {"api_key": None, "base_url": None, "timeout": 600.0}
"""Settings that belong to a client, with the values of those who do not set them."""


@dataclass
class AnthropicModel(Closing):
    """One Claude model, or another model on a server that speaks Anthropic's Messages API.

        with AnthropicModel("claude-sonnet-5-5", timeout=120) as model, Agent(model, "notes") as agent:
            print(agent.run("Summarise notes.md").text)

    ``api_key`` None lets the SDK search for one (ANTHROPIC_API_KEY, profiles). ``base_url`` and ``model_profile`` are
    for another server. ``max_retries`` counts requests without an answer, ``stream_retries`` broken streams. The first
    wait is ``retry_delay`` seconds, and each next one twice as long, unless the provider says how long to wait; no wait
    is longer than ``longest_wait`` seconds. ``timeout`` is the most seconds without a byte. Three fields can be turned
    off for a server that refuses them: ``diagnostics`` asks why a prefix missed the cache, ``cache_control`` marks the
    cache's breakpoints, ``ttl`` gives their lifetime. ``context_management`` asks the provider to edit or compact the
    context itself, as in ``{"edits": [{"type": "clear_tool_uses_20250919"}]}``; what it took out stands in the ledger
    as a declared cut.

        Agent(AnthropicModel("claude-sonnet-5-5@20261015", client=AnthropicVertex(region="europe-west1")), "notes")

    ``client`` is a client of the SDK that you made: Anthropic, AnthropicBedrock, AnthropicVertex, AnthropicFoundry, or
    one of them for a proxy. It stays yours and open; its key, address and time-out count, but its retries are made
    here, so that a run can show the waits. A sync client also serves ``arun``; an async one serves that alone.

    Raises ConfigError for settings that belong to the client, ModelNotAvailable without a key; requests raise errors
    below ModelError.
    """

    name: str
    api_key: str | None = field(default=None, repr=False)
    base_url: str | None = None
    model_profile: ModelProfile | None = None
    max_retries: int = 2
    stream_retries: int = 2
    retry_delay: float = 0.5
    longest_wait: float = 600.0
    timeout: float = 600.0
    diagnostics: bool = True
    cache_control: bool = True
    ttl: bool = True
    context_management: Mapping[str, Any] | None = None
    client: Any = field(default=None, repr=False, kw_only=True)
    _client: anthropic.Anthropic | None = field(default=None, init=False, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False)
    _clients: WeakKeyDictionary[asyncio.AbstractEventLoop, anthropic.AsyncAnthropic] = field(
        default_factory=WeakKeyDictionary, init=False, repr=False
    )

    @property
    def profile(self) -> ModelProfile:
        if self.model_profile or self.client is None:
            return self.model_profile or claude_profile(self.name)
        served = type(self.client).__name__
        return claude_profile(self.name, next(provider for part, provider in SERVED_BY if part in served))

    def __post_init__(self) -> None:
        if self.client is None:
            return
        if not callable(getattr(self.client, "with_options", None)) or not hasattr(self.client, "messages"):
            raise ConfigError(
                f"client is {shown(self.client)}, and it must be a client of Anthropic's SDK, such as "
                "anthropic.AnthropicBedrock()"
            )
        if set_too := [name for name, unset in _OF_CLIENT.items() if getattr(self, name) != unset]:
            raise ConfigError(f"{', '.join(set_too)} belong to the client: give them to {type(self.client).__name__}")

    def __reduce__(self) -> tuple[Any, ...]:
        """Its settings go to another process, which reads the key itself. Raises ConfigError for a key or a client."""
        if self.api_key is not None or self.client is not None:
            raise ConfigError(
                "an AnthropicModel with api_key= or client= cannot be pickled, since the key would go along: set "
                "ANTHROPIC_API_KEY where it runs and leave api_key out, or name a function that makes the model there, "
                "such as module:make_agent"
            )
        settings = {one.name: getattr(self, one.name) for one in fields(self) if one.init}
        return partial(type(self), **settings), ()

    @property
    def asks_why(self) -> bool:
        """True if requests ask why a prefix missed the cache; clouds in between do not take that field."""
        return self.diagnostics and (self.client is None or type(self.client).__name__ in _OWN)

    def stream(self, request: Request) -> Iterator[Delta]:
        """Send ``request``: yields text as it comes and, last, the Reply. Raises errors below ModelError."""
        call = _Call(self, request)
        while True:
            try:
                raw = self._sync().messages.with_raw_response.create(**call.arguments)
                opened = call.begin(raw.headers, raw.parse())
                if isinstance(opened, SdkMessage):
                    yield from call.take_whole(opened)
                else:
                    with opened:
                        for event in opened:
                            yield from call.take(event)
                yield call.reply()
                return
            except CAUGHT as error:
                waiting = call.wait_after(error)
            yield waiting
            time.sleep(waiting.seconds)

    async def astream(self, request: Request) -> AsyncIterator[Delta]:
        """`stream` for asyncio."""
        if self.client is not None and not _is_async(self.client):
            async for delta in _in_a_thread(self.stream(request)):
                yield delta
            return
        call = _Call(self, request)
        while True:
            try:
                raw = await self._async().messages.with_raw_response.create(**call.arguments)
                opened = call.begin(raw.headers, await raw.parse())
                if isinstance(opened, SdkMessage):
                    for delta in call.take_whole(opened):
                        yield delta
                else:
                    async with opened:
                        async for event in opened:
                            for delta in call.take(event):
                                yield delta
                yield call.reply()
                return
            except CAUGHT as error:
                waiting = call.wait_after(error)
            yield waiting
            await asyncio.sleep(waiting.seconds)

    def close(self) -> None:
        """Close the connections. Clients for asyncio keep none open between requests."""
        if self._client is not None and self.client is None:
            self._client.close()
        self._client = None
        self._clients.clear()

    def sync_client(self) -> anthropic.Anthropic:
        """The SDK's client that requests go through. Raises ModelNotAvailable without a key."""
        return self._sync()

    def _sync(self) -> anthropic.Anthropic:
        if self.client is not None and _is_async(self.client):
            name = type(self.client).__name__
            raise ModelNotAvailable(f"{name} serves arun and astream alone: pass {name.removeprefix('Async')}")
        with self._lock:
            if self._client is None and self.client is not None:
                self._client = self.client.with_options(max_retries=0)
            if self._client is None:
                http = anthropic.DefaultHttpxClient(mounts=DIRECT)
                self._client = _with_key(anthropic.Anthropic(http_client=http, **self._settings))
            return self._client

    def _async(self) -> anthropic.AsyncAnthropic:
        """A client for this event loop. It keeps no idle connection, since none could be closed after the loop."""
        loop = asyncio.get_running_loop()
        if loop not in self._clients and self.client is not None:
            self._clients[loop] = self.client.with_options(max_retries=0)
        if loop not in self._clients:
            limits = httpx2.Limits(max_keepalive_connections=0)
            http = anthropic.DefaultAsyncHttpxClient(limits=limits, mounts=DIRECT)
            self._clients[loop] = _with_key(anthropic.AsyncAnthropic(http_client=http, **self._settings))
        return self._clients[loop]

    @property
    def _settings(self) -> dict[str, Any]:
        timeout = httpx2.Timeout(self.timeout, connect=min(5.0, self.timeout))
        return {
            "api_key": self.api_key,
            "base_url": self.base_url,
            "timeout": timeout,
            "max_retries": 0,  # we wait ourselves, so that a run can show and limit the waits
        }


def _is_async(client: Any) -> bool:
    return hasattr(client, "__aenter__")


_END: Any = object()


async def _in_a_thread(deltas: Iterator[Delta]) -> AsyncIterator[Delta]:
    """The items of a stream that blocks, each waited for in another thread."""
    try:
        while (delta := await asyncio.to_thread(next, deltas, _END)) is not _END:
            yield delta
    finally:
        with suppress(ValueError):  # it is still at work in its thread, and ends there
            deltas.close()  # type: ignore[attr-defined]


def _with_key(client: C) -> C:
    if not (client.api_key or client.auth_token or client.credentials):
        raise ModelNotAvailable("no key for Anthropic: set ANTHROPIC_API_KEY, or give api_key")
    return client


_BETAS = {"compact_20260112": "compact-2026-01-12"}
"""What a server must be told of an edit, besides that the context is managed."""


def _betas(managed: Mapping[str, Any]) -> str:
    kinds = [str(one.get("type")) for one in managed.get("edits", ())]
    return ",".join(dict.fromkeys(("context-management-2025-06-27", *(_BETAS[one] for one in kinds if one in _BETAS))))


class _Call:
    """One request and its tries: the part that asyncio and plain calls share."""

    def __init__(self, model: AnthropicModel, request: Request) -> None:
        self.arguments: dict[str, Any] = arguments(request, model.asks_why, model.cache_control, model.ttl)
        if model.context_management:
            body = {**(self.arguments.get("extra_body") or {}), "context_management": model.context_management}
            self.arguments |= {
                "extra_body": body,
                "extra_headers": {"anthropic-beta": _betas(model.context_management)},
            }
        if request.extra:
            self.arguments["extra_body"] = {**(self.arguments.get("extra_body") or {}), **request.extra}
        # A request for zero tokens only warms the cache; the API does not stream it.
        self.arguments["stream"] = request.options.max_tokens > 0
        self._model = model
        self._ttl: Ttl = write_ttl(request.marks) if model.ttl else "5m"
        self._tries = 0
        self._handed_on = False
        self._started = time.perf_counter()

    def begin(self, headers: httpx2.Headers, opened: T) -> T:
        """Note that the response has begun; returns ``opened``, the SDK's object for it."""
        self._builder = ReplyBuilder(self._ttl, "simulated" if headers.get(BASIS_HEADER) == "simulated" else "measured")
        self._first_event_after: float | None = None
        return opened

    def take(self, event: RawMessageStreamEvent) -> Iterator[TextDelta]:
        if self._first_event_after is None:
            self._first_event_after = self._elapsed()
        for delta in self._builder.take(event):
            self._handed_on = True
            yield delta

    def take_whole(self, message: SdkMessage) -> Iterator[TextDelta]:
        self._first_event_after = self._elapsed()
        return self._builder.take_whole(message)

    def reply(self) -> Reply:
        elapsed = self._elapsed()
        return self._builder.reply(self._first_event_after or elapsed, elapsed)

    def wait_after(self, error: Exception) -> Waiting:
        """The wait before the next try. Raises our error if there is none."""
        model, asked = self._model, asked_wait(error)
        again = model.max_retries if is_unanswered(error) else model.stream_retries if passing(error) else 0
        if self._handed_on or self._tries >= again or (asked or 0.0) > model.longest_wait:
            raise translate(error, model.api_key) from error
        self._tries += 1
        doubled = min(model.retry_delay * 2.0 ** (self._tries - 1), model.longest_wait)
        return Waiting(doubled if asked is None else asked, meaning_of(error).says.partition(";")[0])

    def _elapsed(self) -> float:
        return time.perf_counter() - self._started
