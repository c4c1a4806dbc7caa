"""Defines the values that flow through agentmem, and the Protocols between its parts.

Values are frozen; a change makes a new one. Tokens are counts, money is US dollars, times are seconds
(points in time: seconds since the epoch) unless a name says otherwise.
"""

import json
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from operator import add, attrgetter
from typing import Any, Literal, Protocol

from agentmem.kvsources import KvSources as KvSources
from agentmem.retrieval import Archive as Archive
from agentmem.retrieval import Embedder as Embedder
from agentmem.retrieval import Found as Found
from agentmem.retrieval import Recall as Recall
from agentmem.retrieval import Vectors as Vectors

Json = Mapping[str, Any]
"""A JSON object. Treated as read-only everywhere."""

Effect = Literal["read", "write", "outside"]
"""The reach of a tool's changes: none, the workspace, or the world outside. Only a read may run again after a kill."""
Segment = Literal["model", "tool", "system", "options", "message"]
Ttl = Literal["5m", "1h"]

READS = frozenset({"user", "clock", "live"})
"""What results and answers may be made from: a user's records, the time, data that changes by the minute."""

# Blocks and messages. A block's ``wire`` gives its canonical JSON value in the form of Anthropic's Messages API, which
# is the richest form; models/ maps it to the form of each provider.

Role = Literal["user", "assistant"]


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


_STRICT = json.JSONDecoder(parse_constant=_no_constant)


@dataclass(frozen=True, slots=True)
class Text:
    """A block of plain text or markdown: ``Text("What is on this page?")``."""

    text: str

    def wire(self) -> dict[str, Any]:
        return {"type": "text", "text": self.text}


@dataclass(frozen=True, slots=True)
class Image:
    """A picture: ``Image("image/png", base64.b64encode(file.read_bytes()).decode())``."""

    media_type: str
    data: str

    def wire(self) -> dict[str, Any]:
        source = {"type": "base64", "media_type": self.media_type, "data": self.data}
        return {"type": "image", "source": source}


UNREADABLE = "INVALID_JSON"
"""The key for arguments that are not a JSON object, for example because max_tokens cut them off. Anthropic's guide to
streaming recommends it. No tool is run with it, and the model is told why."""


@dataclass(frozen=True, slots=True)
class ToolCall:
    """The model's call of a tool, as in ``result.pending``: ``print(call.id, call.name, call.parsed)``.

    ``arguments`` is a JSON object as text, in the model's own order.
    """

    id: str
    name: str
    arguments: str

    def wire(self) -> dict[str, Any]:
        return {"type": "tool_use", "id": self.id, "name": self.name, "input": self.parsed or {}}

    @property
    def parsed(self) -> dict[str, Any] | None:
        """The arguments as a dict; None if the model wrote something else than a JSON object."""
        try:
            value = _STRICT.decode(self.arguments or "{}")
        except (ValueError, RecursionError):
            return None
        return value if isinstance(value, dict) else None

    @property
    def is_unreadable(self) -> bool:
        """True if the model's arguments were not a JSON object."""
        value = self.parsed
        return value is None or list(value) == [UNREADABLE]


@dataclass(frozen=True, slots=True)
class Opaque:
    """A block that only its provider understands (thinking, for example), as JSON text. It is sent back verbatim."""

    raw: str

    def wire(self) -> dict[str, Any]:
        value: dict[str, Any] = json.loads(self.raw)
        return value


@dataclass(frozen=True, slots=True)
class ToolResult:
    """A tool's result for the call ``call_id``."""

    call_id: str
    content: tuple[Text | Image | Opaque, ...]
    is_error: bool = False

    def wire(self) -> dict[str, Any]:
        value: dict[str, Any] = {"type": "tool_result", "tool_use_id": self.call_id}
        value["content"] = [block.wire() for block in self.content]
        if self.is_error:
            value["is_error"] = True
        return value


Block = Text | Image | ToolCall | ToolResult | Opaque


@dataclass(frozen=True, slots=True)
class Message:
    """A message: a role and its blocks, in order, as in ``Message("assistant", (Text("Done."),))``."""

    role: Role
    blocks: tuple[Block, ...]

    @property
    def text(self) -> str:
        """The text blocks, joined by blank lines, without pictures, calls and thinking."""
        return "\n\n".join(block.text for block in self.blocks if isinstance(block, Text))

    @property
    def calls(self) -> tuple[ToolCall, ...]:
        """The tool calls, in order."""
        return tuple(block for block in self.blocks if isinstance(block, ToolCall))


# Tokens and money.

Basis = Literal["measured", "simulated", "estimated"]
"""The source of a number: a provider's or engine's own counters, a simulation of them, or our token counts."""


@dataclass(frozen=True, slots=True)
class Usage:
    """The tokens of a request, and the source of the numbers (``basis``); ``result.usage`` has a sum for each basis."""

    basis: Basis
    uncached_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_5m_tokens: int = 0
    cache_write_1h_tokens: int = 0
    output_tokens: int = 0

    @property
    def input_tokens(self) -> int:
        """All input tokens: uncached + read + written."""
        return self.uncached_tokens + self.cache_read_tokens + self.cache_write_5m_tokens + self.cache_write_1h_tokens

    def __add__(self, other: "Usage") -> "Usage":
        """The sum. Raises ValueError if the bases differ, since they are different meters."""
        if self.basis != other.basis:
            raise ValueError(f"{self.basis} and {other.basis} usage are different meters and cannot be added up")
        return Usage(self.basis, *map(add, _COUNTS(self), _COUNTS(other)))


_COUNTS = attrgetter(*(counted.name for counted in fields(Usage)[1:]))


@dataclass(frozen=True, slots=True)
class Rates:
    """A model's prices, in dollars per token."""

    uncached: float
    cache_read: float
    cache_write_5m: float
    cache_write_1h: float
    output: float

    def cost(self, usage: Usage) -> float:
        """Dollars for ``usage``."""
        return (
            usage.uncached_tokens * self.uncached
            + usage.cache_read_tokens * self.cache_read
            + usage.cache_write_5m_tokens * self.cache_write_5m
            + usage.cache_write_1h_tokens * self.cache_write_1h
            + usage.output_tokens * self.output
        )

    def cost_uncached(self, usage: Usage) -> float:
        """Dollars for the same tokens without any cache."""
        return usage.input_tokens * self.uncached + usage.output_tokens * self.output


@dataclass(frozen=True, slots=True)
class Extras:
    """Charges of a request beside its model's tokens at their usual price.

    ``speed`` names another price list ("fast", "flex", "priority", "batch"; "" is the usual one). ``web_searches`` are
    paid one by one. ``others`` are tokens that other models used for the request, by model ("": the same model); they
    are not part of the request's usage. ``edits`` are what the provider itself took out of the context, because it was
    asked to: the kind of each edit and its tokens.
    """

    speed: str = ""
    web_searches: int = 0
    others: tuple[tuple[str, Usage], ...] = ()
    edits: tuple[tuple[str, int], ...] = ()


NO_EXTRAS = Extras()


# Entries: the append-only transcript.

EntryKind = Literal[
    "opening",  # entry 0: tools, system, pinned pages, model and options, frozen
    "user",  # what a person said
    "assistant",  # what the model replied
    "tool_started",  # a tool with an effect is about to run; has no frame
    "tool_result",  # the tool's result
    "note",  # plan, state, date, an edited pinned page: at the tail, only when it changed
    "usage",  # one request's row of the ledger; has no frame
    "compaction",  # a cut: a summary and references replace entries a..b
    "reconfigure",  # a cut: tools, system, model or options change
    "withheld",  # a cut: references replace blocks that the provider refused
]


@dataclass(frozen=True, slots=True)
class Draft:
    """An entry that is not in the journal yet: its kind and its canonical JSON bytes.

    ``known`` is the payload, if the writer of the bytes has it at hand.
    """

    kind: EntryKind
    data: bytes
    known: Json | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Entry:
    """One row of a transcript, never edited and never deleted.

    ``seq`` counts from 0 along the thread, with a fork's ancestors; ``thread`` is the thread that wrote it. ``parent``
    is the sha256 of the entry before ("" for the first), ``sha256`` the hash over parent, kind and data, so that the
    hashes chain. ``known`` is the payload, if it is known without parsing the bytes.
    """

    thread: str
    seq: int
    parent: str
    kind: EntryKind
    data: bytes
    sha256: str
    known: Json | None = field(default=None, compare=False, repr=False)

    @property
    def reference(self) -> str:
        """The entry's name for people and models: ``thread/seq``."""
        return f"{self.thread}/{self.seq}"

    @property
    def value(self) -> Json:
        """The payload, parsed."""
        return json.loads(self.data) if self.known is None else self.known


# Frames: the content of a provider's cache key.


@dataclass(frozen=True, slots=True)
class Frame:
    """One unit of a prefix: a parameter set, a tool, a system block or a message block.

    ``value`` is its JSON value without ``cache_control``, ``data`` the canonical bytes of the value, and ``tokens`` an
    estimate in the provider's tokens (see agentmem.tokens).
    """

    segment: Segment
    role: Role | None
    value: Json = field(compare=False, repr=False)
    data: bytes
    tokens: int = field(compare=False)


@dataclass(frozen=True, slots=True)
class Turn:
    """A run of message frames of one role, which a provider sees as one message.

    ``message`` is that message in the form of Anthropic's Messages API and ``tokens`` the sum over its frames. Both are
    made once, so that a request of a thousand turns costs a thousand references.
    """

    role: Role
    frames: tuple[Frame, ...]
    message: Json = field(init=False, compare=False, repr=False)
    tokens: int = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "message", {"role": self.role, "content": [one.value for one in self.frames]})
        object.__setattr__(self, "tokens", sum([one.tokens for one in self.frames]))


@dataclass(frozen=True, slots=True)
class Mark:
    """A cache breakpoint: on tool ``index``, on system block ``index``, or on block ``block`` of turn ``index``."""

    segment: Literal["tool", "system", "message"]
    index: int
    block: int
    ttl: Ttl


@dataclass(frozen=True, slots=True)
class Options:
    """Settings of requests: ``Agent(model, "notes", options=Options(max_tokens=8_000, effort="high"))``.

    All except ``max_tokens`` (of a reply) and ``temperature`` are part of the cache key. ``thinking`` and
    ``tool_choice`` are the provider's own objects as JSON text, for example ``{"type": "adaptive"}``.
    """

    max_tokens: int = 8192
    temperature: float | None = None
    thinking: str | None = None
    effort: str | None = None
    tool_choice: str | None = None


@dataclass(frozen=True, slots=True)
class Request:
    """Everything that a Model needs for one call. Frames are sent as they are: a Model renders no text.

    ``tools`` and ``system`` are frames with tool definitions and text blocks in Anthropic's form; ``turns`` alternate
    between the roles and begin with the user. ``previous_id`` is the provider's id of the reply before, ``estimate``
    our count of the input in the provider's tokens. ``key`` names its place in its thread, ``extra`` are fields for the
    server itself.
    """

    model: str
    tools: tuple[Frame, ...]
    system: tuple[Frame, ...]
    turns: Sequence[Turn]
    options: Options = Options()
    marks: tuple[Mark, ...] = ()
    previous_id: str | None = None
    purpose: str = "answer"
    estimate: int = 0
    key: str = ""
    extra: Json | None = None


@dataclass(frozen=True, slots=True)
class TextDelta:
    """A piece of the reply's text while it streams: an event of `Agent.stream`, with ``event.text``."""

    text: str


@dataclass(frozen=True, slots=True)
class Waiting:
    """The request is sent again after this many ``seconds``; ``reason`` says why, in a few words."""

    seconds: float
    reason: str


@dataclass(frozen=True, slots=True)
class Reply:
    """The whole reply: always the last item of a stream.

    ``id`` is the provider's message id or ""; ``stop_reason`` is in Anthropic's words (end_turn, tool_use, ...);
    ``provider_reason`` is the provider's own for a missed cache, if any; ``first_token_after`` are the seconds to the
    first event, ``seconds`` to the last; ``extras`` are charges; ``sources`` say where KV state came from.
    """

    message: Message
    usage: Usage
    stop_reason: str = "end_turn"
    id: str = ""
    provider_reason: str | None = None
    first_token_after: float = 0.0
    seconds: float = 0.0
    extras: Extras = NO_EXTRAS
    sources: KvSources | None = None


Delta = TextDelta | Waiting | Reply


@dataclass(frozen=True, slots=True)
class ModelProfile:
    """The properties of a model that the runtime needs.

    ``provider`` and ``name`` find its prices and cache rules; ``tier`` says where it runs.
    ``plain_turn_strips_thinking`` is true for models on which a user turn without tool results drops earlier thinking,
    and with it the cache. ``window`` is its context window in tokens, if the price tables do not have it.
    """

    provider: str
    name: str
    tier: Literal["cloud", "local", "scripted"]
    plain_turn_strips_thinking: bool = False
    window: int | None = None


class Model(Protocol):
    """Anything that can answer a Request.

        def stream(self, request: Request) -> Iterator[Delta]:
            yield TextDelta("Hello.")
            yield Reply(Message("assistant", (Text("Hello."),)), Usage("estimated"), "end_turn")

    ``stream`` and ``astream`` yield TextDeltas and, last, exactly one Reply with its usage; before a wait they yield
    Waiting. They may only raise errors below ModelError. ``close`` frees what the model holds (a client, a server, a
    loaded engine) and may be called twice.
    """

    @property
    def profile(self) -> ModelProfile: ...

    def stream(self, request: Request) -> Iterator[Delta]: ...

    def astream(self, request: Request) -> AsyncIterator[Delta]: ...

    def close(self) -> None: ...


class TokenCounter(Protocol):
    """Counts a text's tokens. The counts of pieces, split after newlines, must sum to the whole."""

    def __call__(self, text: str) -> int: ...


class Clock(Protocol):
    """The time now, in seconds since the epoch."""

    def __call__(self) -> float: ...
