"""The values that flow through agentmem, and the Protocols at which its parts meet.

Values are frozen; a change makes a new one. Tokens are counts, money is US dollars, times are seconds
(points in time: seconds since the epoch) unless a name says otherwise.
"""

import json
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from operator import add, attrgetter
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias

from agentmem.messages import Block as Block
from agentmem.messages import Image as Image
from agentmem.messages import Message as Message
from agentmem.messages import Opaque as Opaque
from agentmem.messages import Role as Role
from agentmem.messages import Text as Text
from agentmem.messages import ToolCall as ToolCall
from agentmem.messages import ToolResult as ToolResult

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from agentmem.messages import Image


Basis = Literal["measured", "simulated", "estimated"]
"""Where a number comes from: a provider's or engine's own counters, our model of them, or our token counts."""


@dataclass(frozen=True, slots=True)
class Usage:
    """What one request used, in tokens, and where the numbers come from."""

    basis: Basis
    uncached_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_5m_tokens: int = 0
    cache_write_1h_tokens: int = 0
    output_tokens: int = 0

    @property
    def input_tokens(self) -> int:
        """All input: uncached + read + written."""
        return self.uncached_tokens + self.cache_read_tokens + self.cache_write_5m_tokens + self.cache_write_1h_tokens

    def __add__(self, other: "Usage") -> "Usage":
        """The sum. Measured and simulated numbers are two meters and are never added up."""
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
        """Dollars for the same tokens had there been no cache at all."""
        return usage.input_tokens * self.uncached + usage.output_tokens * self.output


@dataclass(frozen=True, slots=True)
class Extras:
    """What a request is billed for beside its model's tokens at their usual price.

    ``speed`` names a price list of its own ("fast", "flex", "priority", "batch"; "" is the usual one);
    ``web_searches`` are paid by the piece; ``others`` are tokens that other models used on its behalf, by model ("":
    the same), and no part of the request's usage.
    """

    speed: str = ""
    web_searches: int = 0
    others: tuple[tuple[str, Usage], ...] = ()


NO_EXTRAS = Extras()


Vectors: TypeAlias = "NDArray[np.float32]"
"""Rows of unit length, so that a dot product is a cosine."""


class Embedder(Protocol):
    """Turns texts into vectors. ``name`` is another whenever the vectors would be: they are kept with it."""

    @property
    def name(self) -> str: ...

    @property
    def dimensions(self) -> int: ...

    def embed(self, texts: Sequence[str]) -> Vectors:
        """One row for each text: float32, of shape (texts, dimensions). May be called from any thread."""
        ...


@dataclass(frozen=True, slots=True)
class Found:
    """One thing that recall found: its reference, what kind of entry it is, and the lines that match."""

    reference: str
    kind: str
    excerpt: str


class Recall(Protocol):
    """Brings back what has left the window."""

    def exact(self, reference: str) -> str:
        """The text behind a reference, whole. Raises UnknownReference."""
        ...

    def pictures(self, reference: str) -> "Sequence[Image]":
        """The pictures behind a reference, which its text only names, in order. Raises UnknownReference."""
        ...

    def search(self, question: str, limit: int = 8) -> Sequence[Found]:
        """What this thread has seen that fits the words best, best first."""
        ...


class Archive(Protocol):
    """Where what left the window can be searched. A cache: the journal has every entry, and it can be made again."""

    def keep(self, thread: str, last: int) -> None:
        """Take in the thread's entries up to ``last``, those before included. Returns at once; safe to ask again."""
        ...

    def recall(self, thread: str) -> Recall:
        """What brings back what this thread has seen."""
        ...

    def forget(self, thread: str) -> None:
        """Delete for good all that the thread itself wrote."""
        ...

    def close(self) -> None:
        """End the work that runs behind. May be called twice."""
        ...


Json = Mapping[str, Any]
"""A JSON object. Treated as read-only everywhere."""

Effect = Literal["read", "write", "outside"]
"""What a tool may touch: nothing, the workspace, or the world outside. Only a read may run again after a kill."""
Segment = Literal["model", "tool", "system", "options", "message"]
Ttl = Literal["5m", "1h"]


# Entries: the append-only transcript.

EntryKind = Literal[
    "opening",  # entry 0: tools, system, pinned pages, model and options, frozen
    "user",  # what a person said
    "assistant",  # what the model replied
    "tool_started",  # a tool with an effect is about to run; has no frame
    "tool_result",  # what it gave back
    "note",  # plan, state, date, an edited pinned page: at the tail, only when it changed
    "usage",  # one request's row of the ledger; has no frame
    "compaction",  # a cut: entries a..b are stood for by a summary and references
    "reconfigure",  # a cut: tools, system, model or options change
    "withheld",  # a cut: blocks that the provider refused are stood for by references
]


@dataclass(frozen=True, slots=True)
class Draft:
    """An entry that is not in the journal yet: its kind and its canonical JSON bytes.

    ``known`` is what the bytes say, where whoever wrote them has it at hand.
    """

    kind: EntryKind
    data: bytes
    known: Json | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Entry:
    """One row of a transcript, never edited and never deleted.

    ``seq`` counts from 0 along the thread, a fork's ancestors included; ``thread`` is the thread that wrote it.
    ``parent`` is the sha256 of the entry before ("" for the first), ``sha256`` the hash over parent, kind and data,
    so that the hashes chain. ``known`` is the payload, where it need not be parsed out of the bytes.
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
        """How this entry is named to people and models: ``thread/seq``."""
        return f"{self.thread}/{self.seq}"

    @property
    def value(self) -> Json:
        """The payload, parsed."""
        return json.loads(self.data) if self.known is None else self.known


# Frames: the content of a provider's cache key.


@dataclass(frozen=True, slots=True)
class Frame:
    """One unit of a prefix: a parameter set, a tool, a system block or a message block.

    ``value`` is its JSON value without ``cache_control``; ``data`` the canonical bytes of it; ``tokens`` an
    estimate in the provider's tokens (see agentmem.tokens).
    """

    segment: Segment
    role: Role | None
    value: Json = field(compare=False, repr=False)
    data: bytes
    tokens: int = field(compare=False)


@dataclass(frozen=True, slots=True)
class Turn:
    """A run of message frames of one role, as a provider sees one message.

    ``message`` is that message in the form of Anthropic's Messages API and ``tokens`` the sum of its frames', made
    once, so that a request of a thousand turns costs a thousand references.
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


# Requests and replies.


@dataclass(frozen=True, slots=True)
class Options:
    """Request settings. All but ``max_tokens`` and ``temperature`` are part of the cache key.

    ``thinking`` is the provider's own object as JSON text (``{"type": "adaptive"}``); ``tool_choice`` likewise.
    """

    max_tokens: int = 8192
    temperature: float | None = None
    thinking: str | None = None
    effort: str | None = None
    tool_choice: str | None = None


@dataclass(frozen=True, slots=True)
class Request:
    """All that a model adapter needs for one call. Frames are sent as they are: an adapter renders no text.

    ``tools`` and ``system`` are frames whose values are Anthropic-shaped tool definitions and text blocks;
    ``turns`` alternate between the roles and begin with the user. ``previous_id`` is the provider's id of the
    reply before, ``estimate`` our count of the input in the provider's tokens.
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


@dataclass(frozen=True, slots=True)
class TextDelta:
    """A piece of the reply's text as it streams."""

    text: str


@dataclass(frozen=True, slots=True)
class Waiting:
    """The provider is asked again in so many ``seconds``; ``reason`` says why, in a few words."""

    seconds: float
    reason: str


@dataclass(frozen=True, slots=True)
class Reply:
    """The whole reply: always the last item of a stream.

    ``id`` is the provider's message id ("" where it has none); ``stop_reason`` in Anthropic's words (end_turn,
    tool_use, max_tokens, refusal ...); ``provider_reason`` why the provider says its cache was missed, if it says;
    ``first_token_after`` seconds from the request to the first event, ``seconds`` to the last; ``extras`` what is
    billed beside ``usage``.
    """

    message: Message
    usage: Usage
    stop_reason: str = "end_turn"
    id: str = ""
    provider_reason: str | None = None
    first_token_after: float = 0.0
    seconds: float = 0.0
    extras: Extras = NO_EXTRAS


Delta = TextDelta | Waiting | Reply


@dataclass(frozen=True, slots=True)
class ModelProfile:
    """What the runtime must know of a model.

    ``provider`` and ``name`` find its prices and cache rules; ``tier`` says where it runs.
    ``plain_turn_strips_thinking`` is true for models on which a user turn without tool results drops earlier
    thinking, and with it the cache. ``window`` are the tokens that it takes at once, where the price tables do not say.
    """

    provider: str
    name: str
    tier: Literal["cloud", "local", "scripted"]
    plain_turn_strips_thinking: bool = False
    window: int | None = None


class Model(Protocol):
    """Anything that can answer a Request.

    ``stream`` and ``astream`` give TextDeltas and, last, exactly one Reply with its usage; before a wait of their own
    they give Waiting. They raise errors below ModelError only. ``close`` frees what the model holds (a client, a
    server, a loaded engine); it may be called twice.
    """

    @property
    def profile(self) -> ModelProfile: ...

    def stream(self, request: Request) -> Iterator[Delta]: ...

    def astream(self, request: Request) -> AsyncIterator[Delta]: ...

    def close(self) -> None: ...


class TokenCounter(Protocol):
    """Counts the tokens of a text. Counting piecewise, split after newlines, must sum exactly."""

    def __call__(self, text: str) -> int: ...


class Clock(Protocol):
    """The time now, in seconds since the epoch."""

    def __call__(self) -> float: ...
