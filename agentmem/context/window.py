"""The window: a pure function from a transcript to what the model sees.

    entries (append-only) --window()--> view --wire()--> frames

Appending an entry that is no cut only ever extends the frames of the view. ``extend`` folds one entry in at the cost
of that entry; ``window`` is that fold.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import reduce
from typing import Any

from agentmem.context.transcript import Opening, read_blocks, read_message, read_opening, read_result
from agentmem.errors import TranscriptError
from agentmem.kvcache.frames import digest, encode, frame, options_value
from agentmem.types import Block, Entry, EntryKind, Frame, Role, Text, ToolResult, Turn


@dataclass(frozen=True, slots=True)
class View:
    """What the model sees after ``seq`` entries, and what is still held back.

    ``prefix`` are the frames of model, tools, system and options; ``turns`` those of the messages, and ``starts``
    the seq of the entry that began each turn. While calls are ``open``, their ``results`` and whatever else was said
    are ``held``: results are shown in the order of their calls once all are in, before any text.
    ``tokens`` and ``size`` (bytes) cover all frames, and ``digest`` is chained over them.
    """

    seq: int = -1
    opening: Opening | None = None
    prefix: tuple[Frame, ...] = ()
    turns: tuple[Turn, ...] = ()
    starts: tuple[int, ...] = ()
    open: tuple[str, ...] = ()
    results: Mapping[str, ToolResult] = field(default_factory=dict)
    held: tuple[tuple[int, EntryKind, Block], ...] = ()
    tokens: int = 0
    size: int = 0
    digest: str = ""
    cuts: int = 0

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


def extend(view: View, entry: Entry) -> View:
    """The view after one more entry."""
    if entry.seq != view.seq + 1:
        raise TranscriptError(f"entry {entry.reference} cannot follow entry {view.seq} of its thread")
    if (entry.kind == "opening") != (view.opening is None):
        raise TranscriptError(f"entry {entry.reference}: a thread has one opening, and begins with it")
    return _FOLDS[entry.kind](view, entry)


def _open(view: View, entry: Entry) -> View:
    settings = read_opening(entry)
    return _measured(replace(view, seq=entry.seq, opening=settings, prefix=_prefix(settings)))


def _reconfigured(view: View, entry: Entry) -> View:
    return replace(_open(view, entry), cuts=view.cuts + 1)


def _said(view: View, entry: Entry) -> View:
    held = view.held + tuple((entry.seq, entry.kind, block) for block in read_blocks(entry))
    waits = view.open or (entry.kind == "note" and view.settings.notes_in_results)
    said = replace(view, seq=entry.seq, held=held)
    return said if waits else _released(said)


def _replied(view: View, entry: Entry) -> View:
    if view.open:
        raise TranscriptError(f"entry {entry.reference}: the model replied while {', '.join(view.open)} had no result")
    message = read_message(entry)
    calls = tuple(call.id for call in message.calls)
    return _shown(view, "assistant", message.blocks, entry.seq, seq=entry.seq, open=calls)


def _answered(view: View, entry: Entry) -> View:
    result = read_result(entry)
    if result.call_id not in view.open or result.call_id in view.results:
        raise TranscriptError(f"entry {entry.reference}: no open tool call {result.call_id!r} waits for this result")
    results = {**view.results, result.call_id: result}
    if len(results) < len(view.open):
        return replace(view, seq=entry.seq, results=results)
    return _released(replace(view, seq=entry.seq, results=results), start=entry.seq)


def _released(view: View, start: int | None = None) -> View:
    """Shows what was held back: the results in the order of their calls, then what was said meanwhile."""
    results = [view.results[call_id] for call_id in view.open]
    said = list(view.held)
    if results and view.settings.notes_in_results:
        notes = tuple(block for _, kind, block in said if kind == "note" and isinstance(block, Text))
        results[-1] = replace(results[-1], content=results[-1].content + notes)
        said = [one for one in said if one[1] != "note"]
    first = start if start is not None else view.held[0][0]
    blocks = (*results, *(block for _, _, block in said))
    return _shown(view, "user", blocks, first, open=(), results={}, held=())


def _compacted(view: View, entry: Entry) -> View:
    last = entry.value["last"]
    kept = sum(1 for start in view.starts if start > last)
    first = len(view.turns) - kept
    tail, starts = view.turns[first:], view.starts[first:]
    if view.open or (tail and _has_result(tail[0])):
        raise TranscriptError(f"entry {entry.reference}: a compaction may not part a tool call from its result")
    bare = _measured(replace(view, seq=entry.seq, turns=(), starts=(), cuts=view.cuts + 1))
    summed = _shown(bare, "user", read_blocks(entry), 0)
    for turn, start in zip(tail, starts, strict=True):
        summed = _appended(summed, turn.role, turn.frames, start)
    return summed


def _ignored(view: View, entry: Entry) -> View:
    return replace(view, seq=entry.seq)


_FOLDS: dict[EntryKind, Callable[[View, Entry], View]] = {
    "opening": _open,
    "user": _said,
    "assistant": _replied,
    "tool_started": _ignored,
    "tool_result": _answered,
    "note": _said,
    "usage": _ignored,
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


def _shown(view: View, role: Role, blocks: Iterable[Block], start: int, **changes: Any) -> View:
    """The view with blocks of one role after all that is shown already, and with other changes.

    Providers refuse empty text: it is left out.
    """
    visible = (block for block in blocks if not isinstance(block, Text) or block.text.strip())
    return _appended(view, role, tuple(frame("message", block.wire(), role) for block in visible), start, **changes)


def _appended(view: View, role: Role, frames: tuple[Frame, ...], start: int, **changes: Any) -> View:
    if not frames:
        return replace(view, **changes)
    if view.turns and view.turns[-1].role == role:
        turns, starts = (*view.turns[:-1], Turn(role, view.turns[-1].frames + frames)), view.starts
    else:
        turns, starts = (*view.turns, Turn(role, frames)), (*view.starts, start)
    return replace(view, turns=turns, starts=starts, **_totals(frames, view), **changes)


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
