"""The view: what a model sees of a transcript, as values, and the request made from it.

`agentmem.context.window` folds it. Entries keep what was said; this module decides how a block is shown: empty text is
left out, a picture that is too large becomes a reference, ids and names get allowed characters. All functions are pure,
so a view is a pure function of its entries.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from hashlib import sha256
from itertools import islice
from threading import Lock
from types import MappingProxyType
from typing import Any, NamedTuple, TypeVar, overload

from agentmem import images
from agentmem.context.cut import GROWTH, Cut, PartKind
from agentmem.errors import BudgetExceeded, TranscriptError
from agentmem.kvcache import frames
from agentmem.kvcache.breakpoints import place
from agentmem.transcript.transcript import Opening
from agentmem.types import Block, EntryKind, Frame, Image, Opaque, Request, Text, ToolCall, ToolResult, Turn

T = TypeVar("T")
M = TypeVar("M")

_growing = Lock()  # held while a version becomes the next one


class Growing(Sequence[T]):
    """A frozen sequence whose later versions share its items.

    All versions read one list up to their own length, and the list only grows. The version that is as long as the list
    adds to it. An older version copies its items first, because another one has grown from it; so does an empty one.
    """

    __slots__ = ("_items", "_length", "_made")

    def __init__(self, items: Iterable[T] = ()) -> None:
        self._items = list(items)
        self._length = len(self._items)
        self._made: list[Any] = []

    def plus(self, item: T) -> "Growing[T]":
        """The next version, with one more item."""
        with _growing:
            grown = self if 0 < self._length == len(self._items) else Growing(self)
            grown._items.append(item)
        return self._sharing(grown, self._length + 1)

    def with_last(self, item: T) -> "Growing[T]":
        """A version with another last item."""
        return Growing((*self._items[: self._length - 1], item))

    def each(self, make: Callable[[T], M]) -> list[M]:
        """``make`` of each item, made once for all versions. Always pass the same ``make``."""
        with _growing:
            self._made.extend(map(make, self._items[len(self._made) : self._length]))
        return self._made[: self._length]

    @staticmethod
    def _sharing(other: "Growing[T]", length: int) -> "Growing[T]":
        made: Growing[T] = Growing.__new__(Growing)
        made._items, made._length, made._made = other._items, length, other._made
        return made

    @overload
    def __getitem__(self, at: int) -> T: ...

    @overload
    def __getitem__(self, at: slice) -> tuple[T, ...]: ...

    def __getitem__(self, at: int | slice) -> T | tuple[T, ...]:
        """An item, or a tuple of items."""
        if isinstance(at, slice):
            return tuple(self._items[: self._length][at])
        return self._items[range(self._length)[at]]

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> Iterator[T]:
        return islice(self._items, self._length)

    def __eq__(self, other: Any) -> bool:
        return isinstance(other, Growing | tuple) and len(self) == len(other) and all(map(_same, self, other))

    def __hash__(self) -> int:
        return hash(tuple(self))

    def __repr__(self) -> str:
        return f"Growing({list(self)!r})"


def _same(one: object, other: object) -> bool:
    return one is other or one == other


_WEIGHT = 0.03  # of the last request, in the moving average of growth


class Origin(NamedTuple):
    """The origin of a frame: its kind, and the entry that said it first.

    ``earlier`` is the first of the notes that travel inside it, if that came before.
    """

    kind: EntryKind | PartKind
    seq: int
    earlier: int | None = None

    @property
    def first(self) -> int:
        """The earliest entry that has a part in the frame."""
        return self.seq if self.earlier is None else min(self.seq, self.earlier)


class Pace(NamedTuple):
    """The growth of the context, in tokens.

    ``growth`` is a moving average for a request, ``sent`` the size of the last request. ``base`` is the size from which
    growth is counted: the first request, or what the last cut left.
    """

    growth: float = GROWTH
    base: int | None = None
    sent: int | None = None

    def after_request(self, tokens: int) -> "Pace":
        """The pace after a request of this many tokens."""
        if self.sent is None or self.base is None:
            return Pace(self.growth, tokens, tokens)
        return Pace((1 - _WEIGHT) * self.growth + _WEIGHT * max(0, tokens - self.sent), self.base, tokens)


START = Pace()


class View(NamedTuple):
    """The model's view after ``seq`` entries, and the messages that are still held back.

    ``prefix`` holds the frames of model, tools, system and options, ``turns`` those of the messages, ``starts`` the seq
    of the entry that began each turn, and ``origins`` the origin of each message frame. While calls are ``open``, their
    ``results`` and all other messages are ``held``: results are shown in the order of their calls once all are in,
    before any text.
    ``tokens`` and ``size`` (bytes) cover all frames, and ``digest`` is chained over them; ``users`` are the tokens of
    messages of people. ``cut`` is the last compaction, ``settled`` are the entries that changed the settings, as far
    back as the view reaches. ``paused``: the provider broke its turn off, and continues it if it is sent back.
    """

    seq: int = -1
    opening: Opening | None = None
    prefix: tuple[Frame, ...] = ()
    turns: Growing[Turn] = Growing()
    starts: Growing[int] = Growing()
    origins: Growing[tuple[Origin, ...]] = Growing()
    open: tuple[str, ...] = ()
    results: Mapping[str, tuple[int, ToolResult]] = MappingProxyType({})
    held: tuple[tuple[Origin, Block], ...] = ()
    tokens: int = 0
    size: int = 0
    digest: str = ""
    users: int = 0
    cuts: int = 0
    cut: Cut | None = None
    settled: tuple[int, ...] = ()
    pace: Pace = START
    paused: bool = False

    @property
    def frames(self) -> tuple[Frame, ...]:
        """All frames, in the order of a provider's key."""
        return self.prefix + tuple(one for turn in self.turns for one in turn.frames)

    @property
    def settings(self) -> Opening:
        """The opening in force."""
        if self.opening is None:
            raise TranscriptError("the transcript has no opening entry yet")
        return self.opening

    @property
    def ready(self) -> bool:
        """True if a request can be made: it is the model's turn, and no tool call waits for its result."""
        return bool(self.turns) and not self.open and (self.turns[-1].role == "user" or self.paused)


ID = re.compile(r"[a-zA-Z0-9_-]{1,40}")
"""Ids of calls that every provider takes: Anthropic's characters, OpenAI's length."""
CLAUDE_ID = re.compile(r"[a-zA-Z0-9_-]+")
NAME = re.compile(r"[a-zA-Z0-9_-]{1,128}")
OF_ONE_MODEL = frozenset({"thinking", "redacted_thinking", "reasoning"})
"""Types of blocks that a provider accepts only for the model that wrote them."""
UNSHOWN = "[{what} is not shown because it {why}. It is kept as {reference}.]"


def fitted(block: Block, settings: Opening, reference: str) -> Block | None:
    """A block in the form that the model of ``settings`` takes; None if nothing of it is shown."""
    match block:
        case Text(text):
            return block if text.strip() else None
        case Image():
            return sendable(block, reference) if settings.is_claude else block
        case ToolResult(call_id, content):
            seen = shown_id(call_id, settings), tuple(_inside(content, settings, reference))
            return block if seen == (call_id, content) else ToolResult(*seen, block.is_error)
        case ToolCall(id, name):
            shown = shown_id(id, settings), shown_name(name)
            return block if shown == (id, name) else ToolCall(*shown, block.arguments)
        case Opaque():
            return block


def _inside(
    content: Iterable[Text | Image | Opaque], settings: Opening, reference: str
) -> Iterable[Text | Image | Opaque]:
    for one in content:
        if isinstance(one, Image):
            yield sendable(one, reference) if settings.is_claude else one
        elif isinstance(one, Opaque) or one.text:
            yield one


def sendable(picture: Image, reference: str) -> Image | Text:
    """A picture that Claude takes, with the type that its bytes have; else a sentence with the reason against it."""
    media_type, data = images.mended(picture.media_type, picture.data)
    why = images.fault(media_type, data)
    if why is None:
        return Image(media_type, data)
    what = images.described(media_type, data).capitalize()
    return Text(UNSHOWN.format(what=what, why=why, reference=reference))


def shown_id(id: str, settings: Opening) -> str:
    """An id of a call that the model's provider takes."""
    return id if CLAUDE_ID.fullmatch(id) or not settings.is_claude else safe_id(id)


def safe_id(id: str, about: object = "") -> str:
    """An id that every provider takes, always the same for the same ``id`` and ``about``."""
    return f"call_{sha256(f'{id} {about}'.encode('utf-8', 'replace')).hexdigest()[:24]}"


def shown_name(name: str) -> str:
    """A tool's name that providers take. Real tools already have one; a model may have made another up."""
    return name if NAME.fullmatch(name) else re.sub(r"[^a-zA-Z0-9_-]", "_", name)[:128] or "unnamed"


def wire(view: View) -> bytes:
    """The content of the provider's cache key: length-prefixed frames. Only a cut changes them; all else extends."""
    return frames.wire(view.frames)


def request(
    view: View, *, estimate: int, limit: int, thread: str, previous_id: str | None = None, purpose: str = "answer"
) -> Request:
    """The request of a view.

    ``estimate`` is its size and ``limit`` the budget, both in the provider's tokens. Raises BudgetExceeded, which names
    the largest turns, if the estimate is above the limit.
    """
    if not view.ready:
        raise TranscriptError("no request can be made: nothing was said yet, or a tool call waits for its result")
    if estimate > limit:
        raise BudgetExceeded(estimate, limit, largest(view, thread))
    tools = tuple(one for one in view.prefix if one.segment == "tool")
    system = tuple(one for one in view.prefix if one.segment == "system")
    return Request(
        model=view.settings.model,
        tools=tools,
        system=system,
        turns=view.turns,
        options=view.settings.options,
        marks=place(len(tools), len(system), view.turns),
        previous_id=previous_id,
        purpose=purpose,
        estimate=estimate,
        key=key_of(thread, view, purpose),
    )


def key_of(thread: str, view: View, purpose: str = "answer") -> str:
    """The name of a request's place in its thread."""
    return f"{thread}/{view.seq}/{purpose}"


def largest(view: View, thread: str, count: int = 5) -> list[tuple[str, int]]:
    """The largest parts of a view as (reference, tokens), the largest first."""
    parts = [(f"{thread}/{start}", turn.tokens) for turn, start in zip(view.turns, view.starts, strict=True)]
    parts.append(("tools, system and pinned pages", sum(one.tokens for one in view.prefix)))
    return sorted(parts, key=lambda part: -part[1])[:count]
