"""The view: what a model sees of a transcript, as values. `agentmem.context.window` folds it."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from agentmem.context.cut import GROWTH, Cut, PartKind
from agentmem.context.growing import Growing
from agentmem.errors import TranscriptError
from agentmem.transcript.transcript import Opening
from agentmem.types import Block, EntryKind, Frame, ToolResult, Turn

_WEIGHT = 0.03  # of the last request, in the moving average of growth


class Origin(NamedTuple):
    """Where a frame comes from: what it is, and the entry that said it first. ``earlier`` is the first of the notes
    that travel inside it, where that came before.
    """

    kind: EntryKind | PartKind
    seq: int
    earlier: int | None = None

    @property
    def first(self) -> int:
        """The earliest entry of which the frame holds anything."""
        return self.seq if self.earlier is None else min(self.seq, self.earlier)


class Pace(NamedTuple):
    """How fast the context grows: tokens a request (``growth``, a moving average), at the last request (``sent``), and
    where growth is counted from (``base``): the first request, or what the last cut left.
    """

    growth: float = GROWTH
    base: int | None = None
    sent: int | None = None

    def asked(self, tokens: int) -> "Pace":
        """The pace after a request of so many tokens."""
        if self.sent is None or self.base is None:
            return Pace(self.growth, tokens, tokens)
        return Pace((1 - _WEIGHT) * self.growth + _WEIGHT * max(0, tokens - self.sent), self.base, tokens)


START = Pace()


class View(NamedTuple):
    """What the model sees after ``seq`` entries, and what is still held back.

    ``prefix`` are the frames of model, tools, system and options; ``turns`` those of the messages, and ``starts``
    the seq of the entry that began each turn. ``origins`` say of each message frame where it comes from. While calls
    are ``open``, their ``results`` and whatever else was said are ``held``: results are shown in the order of their
    calls once all are in, before any text.
    ``tokens`` and ``size`` (bytes) cover all frames, and ``digest`` is chained over them; ``users`` are the tokens of
    what people said. ``cut`` is the last compaction, ``settled`` are the entries that set the settings, as far back as
    the view reaches. ``paused``: the provider broke its turn off and goes on with it when it is sent as it is.
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
        """True when a request can be made: it is the model's turn, and no tool call waits for its result."""
        return bool(self.turns) and not self.open and (self.turns[-1].role == "user" or self.paused)
