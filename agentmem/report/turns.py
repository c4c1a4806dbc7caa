"""Reads the turns of a run: each request of the ledger, with the parts of its context and the least possible cost.

The entries are folded again, so that each row of the ledger finds the view that was sent.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from agentmem.compaction.plan import WRITTEN
from agentmem.context.cut import PartKind
from agentmem.context.window import View, extend
from agentmem.meter.ledger import Row, decode
from agentmem.meter.prices import rates
from agentmem.replay.bound import bound_tokens, first_price, read_price
from agentmem.replay.formats.message_list import Growth
from agentmem.replay.session import Exchange
from agentmem.report.contexts import Flattened, SentContext
from agentmem.types import Entry, EntryKind, Frame


@dataclass(frozen=True, slots=True)
class TokenParts:
    """The parts of a context, in tokens.

    ``results`` are all results of tools; ``tail`` is the rest of the conversation: messages, calls and notes.
    """

    tools: int = 0
    system: int = 0
    pages: int = 0
    summary: int = 0
    results: int = 0
    tail: int = 0

    @property
    def amounts(self) -> tuple[int, int, int, int, int, int]:
        """All of them, in their order."""
        return self.tools, self.system, self.pages, self.summary, self.results, self.tail

    def scaled(self, tokens: int) -> "TokenParts":
        """The same shares, scaled to this many tokens."""
        whole = sum(self.amounts)
        return TokenParts(*(round(part * tokens / whole) for part in self.amounts)) if whole else self


@dataclass(frozen=True, slots=True)
class ReportTurn:
    """One request of a run. ``number`` counts the requests of the thread and its ancestors, from 1.

    ``parts`` are in the provider's tokens, None if nothing was kept of what was sent; ``bound_usd`` is this
    request's share of the lower bound, None if a price is not known. ``sent`` is what it sent, if that is known.
    """

    number: int
    row: Row
    parts: TokenParts | None = None
    bound_usd: float | None = 0.0
    sent: SentContext | None = field(default=None, repr=False, compare=False)


def turns(entries: Iterable[Entry], thread: str) -> list[ReportTurn]:
    """The turns of ``thread`` itself, in order; ``entries`` are its own and its ancestors'."""
    reading = _Reading()
    for entry in entries:
        reading.add(entry)
    return [turn for turn, wrote in zip(reading.bounded(), reading.threads, strict=True) if wrote == thread]


@dataclass(slots=True)
class _Reading:
    """A thread while it is read. ``sent`` is the view before the last reply, ``asked`` the answered requests."""

    view: View = field(default_factory=View)
    sent: View = field(default_factory=View)
    found: list[ReportTurn] = field(default_factory=list)
    threads: list[str] = field(default_factory=list)
    asked: list[tuple[int, View]] = field(default_factory=list)
    growth: Growth = field(default_factory=Growth)
    counted: "_Counted" = field(default_factory=lambda: _Counted())
    flat: Flattened = field(default_factory=Flattened)

    def add(self, entry: Entry) -> None:
        """Take the next entry."""
        if entry.kind == "usage":
            self._meter(decode(entry))
            self.threads.append(entry.thread)
        self.sent = self.view if entry.kind == "assistant" else self.sent
        self.view = extend(self.view, entry)

    def _meter(self, row: Row) -> None:
        view = next((one for one in (self.sent, self.view) if one.digest == row.digest and one.ready), None)
        shown = view or (self.view if self.view.turns else None)  # a summariser is sent the context and a question
        size = row.usage.input_tokens or row.context_tokens
        parts = self.counted.parts(shown).scaled(size) if shown else None
        if view and not row.error:
            self.asked.append((len(self.found), view))
            self._grow(view, row)
        sent = self._context(shown, replied=shown is self.sent and not row.error) if shown else None
        self.found.append(ReportTurn(len(self.found) + 1, row, parts, sent=sent))

    def _context(self, shown: View, *, replied: bool) -> SentContext:
        messages, length = self.flat.add(shown.turns)
        reply = 0
        if replied and self.view.turns[len(shown.turns) :]:
            messages, whole = self.flat.add(self.view.turns)
            reply = whole - length
        head = tuple(one for one in shown.prefix if one.segment in ("tool", "system"))
        pages = len(shown.settings.pinned) if shown.prefix else 0
        return SentContext(head, messages, length, reply, told_in(shown), pages)

    def _grow(self, view: View, row: Row) -> None:
        last = self.view.turns[-1]
        reply = last.frames if last.role == "assistant" else ()
        frames = [one for turn in view.turns for one in turn.frames]
        self.growth.add(frames, Exchange(row.at, row.at, row.model, (), reply), declared=True)
        added = self.growth.exchanges[-1]
        if added.cut:  # a summary adds nothing new, so the bound leaves it out
            told = _retold(view)
            self.growth.exchanges[-1] = replace(added, arrived=tuple(one for one in added.arrived if one not in told))

    def bounded(self) -> Iterator[ReportTurn]:
        """The turns with their shares of the lower bound. A request that was not needed has no share."""
        entries = [(one.arrived, one.reply) for one in self.growth.exchanges]
        opening = min((sum(one.tokens for one in view.prefix) for _, view in self.asked), default=0)
        least = zip(self.asked, bound_tokens(entries, opening), strict=True)
        shares = {
            at: least_usd(self.found[at].row, view.tokens, first, carried) for (at, view), (first, carried, _) in least
        }
        for at, turn in enumerate(self.found):
            yield replace(turn, bound_usd=shares.get(at, 0.0))


def least_usd(row: Row, counted: int, first_sent: int, carried: int) -> float | None:
    """The least possible dollars of one request; None if its price is not known.

    ``counted`` are our tokens of the whole request, ``first_sent`` and ``carried`` those of it that any policy sends
    first and again (see `agentmem.replay.bound`). They are scaled to the provider's count, and priced as the row was:
    its service tier counts, so that no row costs less than its bound.
    """
    provider, _, name = (row.priced_as or row.model).partition(":")
    price = rates(provider, name, input_tokens=row.usage.input_tokens, at=row.at, speed=row.extras.speed)
    if price is None or row.cost_usd is None:
        return None
    usage = row.usage
    scale = usage.input_tokens / counted if counted else 0.0
    first = min(scale * first_sent, usage.input_tokens - usage.cache_read_tokens)  # another thread may have cached it
    again = min(scale * carried, usage.input_tokens - first)
    least = first_price(price) * first + read_price(price) * again + price.output * usage.output_tokens
    return min(least, row.cost_usd)  # a price may have changed since the row was written


def _retold(view: View) -> set[Frame]:
    """The frames that stand for what a compaction took out."""
    if view.cut is None:
        return set()
    placed = zip((turn.frames for turn in view.turns), view.origins, strict=True)
    pairs = (pair for frames, origins in placed for pair in zip(frames, origins, strict=True))
    return {one for one, origin in pairs if origin.kind in _CARRIED or origin.seq <= view.cut.last}


def told_in(view: View) -> frozenset[bytes]:
    """The data of frames that stand for what a compaction took out: the summary, and lists of what there was."""
    if view.cut is None:
        return frozenset()
    placed = zip((turn.frames for turn in view.turns), view.origins, strict=True)
    pairs = (pair for frames, origins in placed for pair in zip(frames, origins, strict=True))
    return frozenset(one.data for one, origin in pairs if origin.kind in _LISTS)


_LISTS: tuple[PartKind, ...] = ("summary", "index", "paths", "commands")
_CARRIED = WRITTEN | {"result"}
_KINDS: dict[EntryKind | PartKind, int] = {"tool_result": 4, "result": 4, "files": 4, **dict.fromkeys(_LISTS, 3)}
"""The part that a frame of the conversation belongs to, as an index into TokenParts; all others are the tail."""


class _Counted:
    """Counts the parts of one view after another. Each view costs only what is new in it."""

    def __init__(self) -> None:
        self._prefix: tuple[Frame, ...] = ()
        self._head = [0] * 6
        self._turns: list[tuple[Sequence[Frame], list[int]]] = []

    def parts(self, view: View) -> TokenParts:
        """The parts of ``view``."""
        if view.prefix is not self._prefix:
            self._prefix, self._head = view.prefix, _head(view)
        del self._turns[len(view.turns) :]
        same = 0
        for (frames, _), turn in zip(self._turns, view.turns, strict=False):
            if frames is not turn.frames:
                break
            same += 1
        del self._turns[same:]
        for turn, origins in zip(view.turns[same:], view.origins[same:], strict=True):
            sums = list(self._turns[-1][1]) if self._turns else list(self._head)
            for frame, origin in zip(turn.frames, origins, strict=True):
                sums[_KINDS.get(origin.kind, 5)] += frame.tokens
            self._turns.append((turn.frames, sums))
        return TokenParts(*(self._turns[-1][1] if self._turns else self._head))


def _head(view: View) -> list[int]:
    """The tokens of tools, system and pages. Model and options count as system."""
    system = len(view.settings.system)
    own = [one.tokens for one in view.prefix if one.segment == "system"]
    tools = sum(one.tokens for one in view.prefix if one.segment == "tool")
    pages = sum(own[system:])
    return [tools, sum(one.tokens for one in view.prefix) - tools - pages, pages, 0, 0, 0]
