"""The window: a pure function from a transcript to what the model sees.

    entries (append-only) --window()--> view --wire()--> frames

Appending an entry that is no cut only ever extends the frames of the view. ``extend`` folds one entry in at the cost
of that entry; ``window`` is that fold.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import reduce
from typing import Any, NamedTuple, TypeVar

from agentmem.context.cut import GROWTH, Cut, PartKind, read_cut
from agentmem.context.transcript import Opening, read_message, read_opening, read_result, read_shown
from agentmem.errors import TranscriptError
from agentmem.kvcache.frames import digest, encode, frame, options_value
from agentmem.types import Block, Entry, EntryKind, Frame, Role, Text, ToolResult, Turn

T = TypeVar("T")

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


@dataclass(frozen=True, slots=True)
class View:
    """What the model sees after ``seq`` entries, and what is still held back.

    ``prefix`` are the frames of model, tools, system and options; ``turns`` those of the messages, and ``starts``
    the seq of the entry that began each turn. ``origins`` say of each message frame where it comes from. While calls
    are ``open``, their ``results`` and whatever else was said are ``held``: results are shown in the order of their
    calls once all are in, before any text.
    ``tokens`` and ``size`` (bytes) cover all frames, and ``digest`` is chained over them; ``users`` are the tokens of
    what people said. ``cut`` is the last compaction, ``settled`` are the entries that set the settings, as far back as
    the view reaches.
    """

    seq: int = -1
    opening: Opening | None = None
    prefix: tuple[Frame, ...] = ()
    turns: tuple[Turn, ...] = ()
    starts: tuple[int, ...] = ()
    origins: tuple[tuple[Origin, ...], ...] = ()
    open: tuple[str, ...] = ()
    results: Mapping[str, tuple[int, ToolResult]] = field(default_factory=dict)
    held: tuple[tuple[Origin, Block], ...] = ()
    tokens: int = 0
    size: int = 0
    digest: str = ""
    users: int = 0
    cuts: int = 0
    cut: Cut | None = None
    settled: tuple[int, ...] = ()
    pace: Pace = START

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
        """True when a request can be made: something was said, and no tool call waits for its result."""
        return bool(self.turns) and not self.open and self.turns[-1].role == "user"


def window(entries: Iterable[Entry]) -> View:
    """The view of a whole transcript."""
    return reduce(extend, entries, View())


def resume(opening: Entry, cut: int, entries: Iterable[Entry]) -> View:
    """The view of a whole transcript, folded from its last compaction on, which is entry ``cut``.

    ``opening`` is the entry that the cut names as such, ``entries`` are those from the cut's ``first`` on. What an
    earlier compaction among them put first has left the window since.
    """
    view = View()
    for entry in entries:
        view = view if view.seq >= 0 else begin(opening, entry.seq)
        earlier = entry.kind == "compaction" and entry.seq < cut
        view = left(view, entry) if earlier else extend(view, entry)
    return view


def begin(opening: Entry, first: int) -> View:
    """A view with the settings of ``opening`` and nothing said, that goes on with entry ``first``."""
    return replace(_open(View(), opening), seq=first - 1)


def passed(view: View, entry: Entry) -> View:
    """The view after an entry that has no effect on it any more."""
    return replace(view, seq=entry.seq)


def aside(view: View, place: int, text: str) -> View:
    """The turns before ``place``, and ``text`` said after them: a question beside the conversation, not an entry."""
    turns, starts, origins = view.turns[:place], view.starts[:place], view.origins[:place]
    bare = _measured(replace(view, turns=turns, starts=starts, origins=origins, open=(), results={}, held=()))
    return _shown(bare, "user", [(Origin("note", view.seq + 1), Text(text))], start=view.seq + 1)


def extend(view: View, entry: Entry) -> View:
    """The view after one more entry."""
    if entry.seq != view.seq + 1:
        raise TranscriptError(f"entry {entry.reference} cannot follow entry {view.seq} of its thread")
    if (entry.kind == "opening") != (view.opening is None):
        raise TranscriptError(f"entry {entry.reference}: a thread has one opening, and begins with it")
    return _FOLDS[entry.kind](view, entry)


def _open(view: View, entry: Entry) -> View:
    settings, settled = read_opening(entry), (*view.settled, entry.seq)
    return _measured(replace(view, seq=entry.seq, opening=settings, prefix=_prefix(settings), settled=settled))


def _reconfigured(view: View, entry: Entry) -> View:
    return replace(_open(view, entry), cuts=view.cuts + 1)


def _said(view: View, entry: Entry) -> View:
    origin = Origin(entry.kind, entry.seq)
    said = replace(view, seq=entry.seq, held=view.held + tuple((origin, block) for block in read_shown(entry)))
    waits = view.open or (entry.kind == "note" and view.settings.notes_in_results)
    return said if waits else _released(said)


def _replied(view: View, entry: Entry) -> View:
    if view.open:
        raise TranscriptError(f"entry {entry.reference}: the model replied while {', '.join(view.open)} had no result")
    message, origin = read_message(entry), Origin("assistant", entry.seq)
    calls = tuple(call.id for call in message.calls)
    said = [(origin, block) for block in message.blocks]
    pace = view.pace.asked(view.tokens)
    return _shown(view, "assistant", said, start=entry.seq, seq=entry.seq, open=calls, pace=pace)


def _answered(view: View, entry: Entry) -> View:
    result = read_result(entry)
    if result.call_id not in view.open or result.call_id in view.results:
        raise TranscriptError(f"entry {entry.reference}: no open tool call {result.call_id!r} waits for this result")
    results = {**view.results, result.call_id: (entry.seq, result)}
    answered = replace(view, seq=entry.seq, results=results)
    return answered if len(results) < len(view.open) else _released(answered)


def _released(view: View) -> View:
    """Shows what was held back: the results in the order of their calls, then what was said meanwhile."""
    results = [view.results[call_id] for call_id in view.open]
    shown: list[tuple[Origin, Block]] = [(Origin("tool_result", seq), result) for seq, result in results]
    said = view.held
    if results and view.settings.notes_in_results:
        shown[-1] = _noted(*results[-1], said)
        said = tuple(one for one in said if one[0].kind != "note")
    return _shown(view, "user", [*shown, *said], start=view.seq, open=(), results={}, held=())


def _noted(seq: int, result: ToolResult, held: Sequence[tuple[Origin, Block]]) -> tuple[Origin, ToolResult]:
    """The result that entry ``seq`` brought, with the notes that waited for one."""
    said = {origin.seq: one for origin, one in held if origin.kind == "note" and isinstance(one, Text)}
    notes = {seq: one for seq, one in said.items() if one.text.strip()}
    content = result.content + tuple(notes.values())
    return Origin("tool_result", seq, min(notes, default=None)), replace(result, content=content)


def left(view: View, entry: Entry) -> View:
    """The view without the turns that left by a compaction, and without what it put in their place."""
    last = read_cut(entry).last
    first = sum(1 for start in view.starts if start <= last)
    turns, starts, origins = view.turns[first:], view.starts[first:], view.origins[first:]
    return replace(view, seq=entry.seq, turns=turns, starts=starts, origins=origins)


def _compacted(view: View, entry: Entry) -> View:
    cut = read_cut(entry)
    first = len(view.turns) - sum(1 for start in view.starts if start > cut.last)
    tail = list(zip(view.turns, view.starts, view.origins, strict=True))[first:]
    if (view.open and not tail) or (tail and _has_result(tail[0][0])):
        raise TranscriptError(f"entry {entry.reference}: a compaction may not part a tool call from its result")
    settled = tuple(seq for seq in view.settled if seq >= cut.opening)
    bare = replace(
        view, seq=entry.seq, turns=(), starts=(), origins=(), users=0, cuts=cut.cuts, cut=cut, settled=settled
    )
    parts = [(Origin(part.kind, part.seq), part.block) for part in cut.parts]
    summed = _shown(_measured(bare), "user", parts, start=0)
    for turn, start, origins in tail:
        summed = _appended(summed, turn.role, turn.frames, origins, start)
    return replace(summed, pace=Pace(cut.growth, summed.tokens, summed.tokens))


_FOLDS: dict[EntryKind, Callable[[View, Entry], View]] = {
    "opening": _open,
    "user": _said,
    "assistant": _replied,
    "tool_started": passed,
    "tool_result": _answered,
    "note": _said,
    "usage": passed,
    "compaction": _compacted,
    "reconfigure": _reconfigured,
}


def _has_result(turn: Turn) -> bool:
    return any(one.value["type"] == "tool_result" for one in turn.frames)


def _prefix(settings: Opening) -> tuple[Frame, ...]:
    system = settings.system + tuple(page.text for page in settings.pinned)
    return (
        frame("model", {"model": settings.model}),
        *(frame("tool", tool) for tool in settings.tools),
        *(frame("system", Text(text).wire()) for text in system),
        frame("options", options_value(settings.options)),
    )


def _shown(view: View, role: Role, said: Iterable[tuple[Origin, Block]], *, start: int, **changes: Any) -> View:
    """The view with blocks of one role after all that is shown already, and with other changes.

    Providers refuse empty text: it is left out.
    """
    visible = [(origin, one) for origin, one in said if not isinstance(one, Text) or one.text.strip()]
    frames = tuple(frame("message", block.wire(), role) for _, block in visible)
    return _appended(view, role, frames, tuple(origin for origin, _ in visible), start, **changes)


def _appended(
    view: View, role: Role, frames: tuple[Frame, ...], origins: tuple[Origin, ...], start: int, **changes: Any
) -> View:
    if not frames:
        return replace(view, **changes)
    if view.turns and view.turns[-1].role == role:
        turns, starts = _with(view.turns[:-1], Turn(role, view.turns[-1].frames + frames)), view.starts
        places = _with(view.origins[:-1], view.origins[-1] + origins)
    else:
        turns, starts = _with(view.turns, Turn(role, frames)), _with(view.starts, start)
        places = _with(view.origins, origins)
    said = sum(one.tokens for one, origin in zip(frames, origins, strict=True) if origin.kind == "user")
    totals = {**_totals(frames, view), "users": view.users + said}
    return replace(view, turns=turns, starts=starts, origins=places, **totals, **changes)


def _with(items: tuple[T, ...], item: T) -> tuple[T, ...]:
    """One more item. Adding tuples copies once where unpacking copies twice, and a thread has thousands of turns."""
    return items.__add__((item,))


def _totals(frames: Sequence[Frame], before: View) -> dict[str, Any]:
    """Tokens, bytes and digest of a view, carried on over more frames."""
    encoded = [encode(one) for one in frames]
    return {
        "tokens": before.tokens + sum(one.tokens for one in frames),
        "size": before.size + sum(map(len, encoded)),
        "digest": digest(encoded, before.digest),
    }


def _measured(view: View) -> View:
    """The view with its totals taken afresh, after a cut."""
    return replace(view, **_totals(view.frames, View()))
