"""The window: a pure function from a transcript to what the model sees.

    entries (append-only) --window()--> view --wire()--> frames

Every entry except a cut only extends the frames of the view. ``extend`` folds one entry in at the cost of that entry;
``window`` is that fold.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import reduce
from operator import attrgetter
from typing import Any

from agentmem.context.cut import read_cut
from agentmem.context.view import ID, OF_ONE_MODEL, Growing, fitted, safe_id, sendable
from agentmem.context.view import START as START
from agentmem.context.view import Origin as Origin
from agentmem.context.view import Pace as Pace
from agentmem.context.view import View as View
from agentmem.context.withheld import MARK, Stead, read_withheld
from agentmem.errors import TranscriptError
from agentmem.kvcache.frames import digest, encode, frame, options_value
from agentmem.transcript.transcript import Opening, read_message, read_opening, read_result, read_shown, sibling, unique
from agentmem.types import Block, Entry, EntryKind, Frame, Image, Json, Role, Text, ToolResult, Turn

Seen = Sequence[tuple[Turn, tuple[Origin, ...]]]
"""Turns with the origins of their frames."""
Places = Iterable[tuple[Origin, ...]]
_TOKENS = attrgetter("tokens")
THOUGHT = "[What another model thought stood here.]"
_Kept = list[tuple[Frame, Origin]]


PAUSED = "pause_turn"
"""The stop reason of a model that continues if its turn is sent back as it is."""


def window(entries: Iterable[Entry]) -> View:
    """The view of a whole transcript. Raises TranscriptError for an entry that cannot follow."""
    return reduce(extend, entries, View())


def resume(opening: Entry, cut: int, entries: Iterable[Entry]) -> View:
    """The view of a whole transcript, folded from its last compaction on, which is entry ``cut``.

    ``opening`` is the opening that the cut names; ``entries`` begin with the cut's ``first``. The parts of an earlier
    compaction among them have left the window since.
    """
    view = View()
    for entry in entries:
        view = view if view.seq >= 0 else begin(opening, entry.seq)
        earlier = entry.kind == "compaction" and entry.seq < cut
        view = left(view, entry) if earlier else extend(view, entry)
    return view


def begin(opening: Entry, first: int) -> View:
    """A view with the settings of ``opening`` and no messages, whose next entry is ``first``."""
    return _open(View(), opening)._replace(seq=first - 1)


def passed(view: View, entry: Entry) -> View:
    """The view after an entry that no longer has an effect on it."""
    return view._replace(seq=entry.seq)


def aside(view: View, place: int, text: str) -> View:
    """The turns before ``place`` and then ``text``: a question beside the conversation, which is not an entry."""
    bare = _measured(_between(view, 0, place)._replace(open=(), results={}, held=()))
    return _shown(bare, "user", [(Origin("note", view.seq + 1), Text(text))], "", start=view.seq + 1)


def stored(view: View, entry: Entry) -> View:
    """The view after an entry from a journal. One that cannot follow has no effect, so that it breaks no thread.

    New entries go through `extend`, which refuses them.
    """
    try:
        return extend(view, entry)
    except TranscriptError:
        if entry.seq != view.seq + 1 or view.opening is None:
            raise
        waiting = [call_id for call_id in view.open if call_id not in view.results]
        result = read_result(entry) if entry.kind == "tool_result" else None
        other = sibling(result.call_id, waiting) if result else None
        return _given(view, entry, replace(result, call_id=other)) if result and other else passed(view, entry)


def extend(view: View, entry: Entry) -> View:
    """The view after one more entry. Raises TranscriptError if it cannot follow."""
    if entry.seq != view.seq + 1:
        raise TranscriptError(f"entry {entry.reference} cannot follow entry {view.seq} of its thread")
    if (entry.kind == "opening") != (view.opening is None):
        raise TranscriptError(f"entry {entry.reference}: a thread has one opening, and begins with it")
    fold = _FOLDS.get(entry.kind)
    if fold is None:
        raise TranscriptError(
            f"entry {entry.reference} of kind {entry.kind!r} was written by a later version of agentmem"
        )
    return fold(view, entry)


def _open(view: View, entry: Entry) -> View:
    settings, settled = read_opening(entry), (*view.settled, entry.seq)
    return _measured(view._replace(seq=entry.seq, opening=settings, prefix=_prefix(settings), settled=settled))


def _reconfigured(view: View, entry: Entry) -> View:
    before, after = view.settings, read_opening(entry)
    if (before.model, before.provider) != (after.model, after.provider):
        view = _seen(view, translated(view.turns, view.origins, Translation(before, after), entry.thread))
    return _open(view, entry)._replace(cuts=view.cuts + 1)


def _withheld(view: View, entry: Entry) -> View:
    seen = without(view.turns, view.origins, read_withheld(entry))
    return _seen(view, seen)._replace(seq=entry.seq, cuts=view.cuts + 1)


def _seen(view: View, seen: Seen) -> View:
    """The view with other frames in its turns, and new totals."""
    frames = ((one, origin) for turn, origins in seen for one, origin in zip(turn.frames, origins, strict=True))
    users = sum(one.tokens for one, origin in frames if origin.kind == "user")
    turns, origins = Growing(turn for turn, _ in seen), Growing(origins for _, origins in seen)
    return _measured(view._replace(turns=turns, origins=origins, users=users))


def _said(view: View, entry: Entry) -> View:
    origin = Origin(entry.kind, entry.seq)
    held = view.held + tuple((origin, block) for block in read_shown(entry))
    waits = view.open or (entry.kind == "note" and view.settings.notes_in_results and not entry.value.get("now"))
    if waits:
        return view._replace(seq=entry.seq, held=held)
    return _released(view, entry, view.results, held)._replace(paused=False)


def _replied(view: View, entry: Entry) -> View:
    if view.open:
        raise TranscriptError(f"entry {entry.reference}: the model replied while {', '.join(view.open)} had no result")
    message, origin = unique(read_message(entry)), Origin("assistant", entry.seq)
    calls = tuple(call.id for call in message.calls)
    said = [(origin, block) for block in message.blocks]
    pace, paused = view.pace.after_request(view.tokens), entry.value.get("stop") == PAUSED and not calls
    return _shown(
        view, "assistant", said, entry.thread, start=entry.seq, seq=entry.seq, open=calls, pace=pace, paused=paused
    )


def _answered(view: View, entry: Entry) -> View:
    result = read_result(entry)
    if result.call_id not in view.open or result.call_id in view.results:
        raise TranscriptError(f"entry {entry.reference}: no open tool call {result.call_id!r} waits for this result")
    return _given(view, entry, result)


def _given(view: View, entry: Entry, result: ToolResult) -> View:
    """The view after a result of one of the open calls."""
    results = {**view.results, result.call_id: (entry.seq, result)}
    if len(results) < len(view.open):
        return view._replace(seq=entry.seq, results=results)
    return _released(view, entry, results, view.held)


def _released(
    view: View, entry: Entry, results: Mapping[str, tuple[int, ToolResult]], held: Sequence[tuple[Origin, Block]]
) -> View:
    """Shows what was held back: the results in the order of their calls, then the messages of the meantime."""
    answers = [(at, _called(result, shown)) for id, shown in _waiting(view) for at, result in (results[id],)]
    shown: list[tuple[Origin, Block]] = [(Origin("tool_result", at), result) for at, result in answers]
    if answers and view.settings.notes_in_results:
        shown[-1] = _noted(*answers[-1], held)
        held = [one for one in held if one[0].kind != "note"]
    said, seq = [*shown, *held], entry.seq
    return _shown(view, "user", said, entry.thread, start=seq, seq=seq, open=(), results={}, held=())


def _called(result: ToolResult, call_id: str) -> ToolResult:
    return result if result.call_id == call_id else replace(result, call_id=call_id)


def _waiting(view: View) -> Iterator[tuple[str, str]]:
    """The ids of the open calls, each as it came and as it is shown."""
    frames = view.turns[-1].frames if view.open else ()
    calls = [one.value["id"] for one in frames if one.value["type"] == "tool_use"]
    yield from zip(view.open, calls[-len(view.open) :] if len(calls) >= len(view.open) else view.open, strict=True)


def _noted(seq: int, result: ToolResult, held: Sequence[tuple[Origin, Block]]) -> tuple[Origin, ToolResult]:
    """The result of entry ``seq``, with the notes that waited for a result."""
    said = {origin.seq: one for origin, one in held if origin.kind == "note" and isinstance(one, Text)}
    notes = {seq: one for seq, one in said.items() if one.text.strip()}
    content = result.content + tuple(notes.values())
    return Origin("tool_result", seq, min(notes, default=None)), replace(result, content=content)


def left(view: View, entry: Entry) -> View:
    """The view without the turns that left by a compaction, and without the parts that replaced them."""
    last = read_cut(entry).last
    first = sum(1 for start in view.starts if start <= last)
    return _between(view, first)._replace(seq=entry.seq)


def _between(view: View, first: int, last: int | None = None) -> View:
    """The view with only some of its turns; its totals stay as they were."""
    some = slice(first, last)
    return view._replace(
        turns=Growing(view.turns[some]), starts=Growing(view.starts[some]), origins=Growing(view.origins[some])
    )


def _compacted(view: View, entry: Entry) -> View:
    cut = read_cut(entry)
    first = len(view.turns) - sum(1 for start in view.starts if start > cut.last)
    tail = list(zip(view.turns, view.starts, view.origins, strict=True))[first:]
    if (view.open and not tail) or (tail and any(one.kind == "tool_result" for one in tail[0][2])):
        raise TranscriptError(f"entry {entry.reference}: a compaction may not part a tool call from its result")
    settled = tuple(seq for seq in view.settled if seq >= cut.opening)
    bare = _between(view, 0, 0)._replace(seq=entry.seq, users=0, cuts=cut.cuts, cut=cut, settled=settled)
    parts = [(Origin(part.kind, part.seq), part.block) for part in cut.parts]
    summed = _shown(_measured(bare), "user", parts, entry.thread, start=0)
    for turn, start, origins in tail:
        summed = _appended(summed, turn.role, turn.frames, origins, start)
    return summed._replace(pace=Pace(cut.growth, summed.tokens, summed.tokens))


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
    "withheld": _withheld,
}


def _prefix(settings: Opening) -> tuple[Frame, ...]:
    system = settings.system + tuple(page.text for page in settings.pinned)
    return (
        frame("model", {"model": settings.model}),
        *(frame("tool", tool) for tool in settings.tools),
        *(frame("system", Text(text).wire()) for text in system),
        frame("options", options_value(settings.options)),
    )


def _shown(
    view: View, role: Role, said: Iterable[tuple[Origin, Block]], thread: str, *, start: int, **changes: Any
) -> View:
    """The view with blocks of one role added in the form that its model takes, and with other changes."""
    settings = view.settings
    fits = [(origin, fitted(one, settings, f"{thread}/{origin.seq}")) for origin, one in said]
    visible = [(origin, one) for origin, one in fits if one is not None]
    frames = tuple([frame("message", block.wire(), role) for _, block in visible])
    return _appended(view, role, frames, tuple([origin for origin, _ in visible]), start, **changes)


def _appended(
    view: View, role: Role, frames: tuple[Frame, ...], origins: tuple[Origin, ...], start: int, **changes: Any
) -> View:
    if not frames:
        return view._replace(**changes)
    if view.turns and view.turns[-1].role == role:
        turns, starts = view.turns.with_last(Turn(role, view.turns[-1].frames + frames)), view.starts
        places = view.origins.with_last(view.origins[-1] + origins)
    else:
        turns, starts = view.turns.plus(Turn(role, frames)), view.starts.plus(start)
        places = view.origins.plus(origins)
    said = sum(one.tokens for one, origin in zip(frames, origins, strict=True) if origin.kind == "user")
    totals = {**_totals(frames, view), "users": view.users + said}
    return view._replace(turns=turns, starts=starts, origins=places, **totals, **changes)


def _totals(frames: Sequence[Frame], before: View) -> dict[str, Any]:
    """Tokens, bytes and digest of a view after more frames."""
    encoded = list(map(encode, frames))
    return {
        "digest": digest(encoded, before.digest),
        "size": before.size + sum(map(len, encoded)),
        "tokens": before.tokens + sum(map(_TOKENS, frames)),
    }


def _measured(view: View) -> View:
    """The view with new totals, after a cut."""
    return view._replace(**_totals(view.frames, View()))


# Turns that were already shown, after a cut.


class Translation:
    """Translates frames said under ``before`` for the model of ``after``, one by one, in order.

    Blocks that only the former provider or model could read are left out. Under another provider every call gets
    another id, made only from what is known of the call. So ids are unique, and a view is the same from wherever it is
    folded.
    """

    def __init__(self, before: Opening, after: Opening) -> None:
        self._after = after
        same = before.provider == after.provider or (not before.provider and before.is_claude)
        self._related = same and before.is_claude == after.is_claude and bool(before.provider or before.is_claude)
        self._counts: Counter[int] = Counter()
        self._calls: dict[str, str] = {}

    def begins(self) -> None:
        """Starts another reply: the results after it belong to its calls."""
        self._calls = {}

    def shown(self, value: Json, seq: int, reference: str) -> Json | None:
        """The new value of a frame; None if it is left out."""
        match value:
            case {"type": "text", "text": str(text)}:
                return value if self._related else Text(text).wire()
            case {"type": "image"}:
                return self._picture(value, reference)
            case {"type": "tool_use"}:
                return {**value, "id": self._called(value["id"], seq)}
            case {"type": "tool_result", "tool_use_id": id, "content": content}:
                inner = [self._picture(one, reference) if one["type"] == "image" else one for one in content]
                return {**value, "tool_use_id": self._calls.get(id, id), "content": inner}
            case {"type": kind} if self._related and kind not in OF_ONE_MODEL:
                return value
            case {"type": "refusal", "refusal": str(text)} if text.strip():
                return Text(text).wire()
        return None

    def _called(self, id: str, seq: int) -> str:
        self._counts[seq] += 1
        kept = self._related and ID.fullmatch(id)
        self._calls[id] = id if kept else safe_id(id, (seq, self._counts[seq]))
        return self._calls[id]

    def _picture(self, value: Json, reference: str) -> Json:
        if not self._after.is_claude:
            return value
        source = value["source"]
        return sendable(Image(source["media_type"], source["data"]), reference).wire()


def translated(turns: Iterable[Turn], origins: Places, translation: Translation, thread: str) -> Seen:
    """Turns in the form that another model takes. An empty turn gets a sentence, since roles must alternate."""
    seen = list[tuple[Turn, tuple[Origin, ...]]]()
    for turn, places in zip(turns, origins, strict=True):
        if turn.role == "assistant":
            translation.begins()
        kept = _Kept()
        for one, origin in zip(turn.frames, places, strict=True):
            value = translation.shown(one.value, origin.seq, f"{thread}/{origin.seq}")
            if value is not None:
                kept.append((one if value == one.value else frame("message", value, turn.role), origin))
        seen.append(_turn(turn, kept or [(_text(THOUGHT, turn), places[0])]))
    return seen


def without(turns: Iterable[Turn], origins: Places, steads: Iterable[Stead]) -> Seen:
    """Turns with other content for some of their frames. Results stay before any text of their turn."""
    given = {(one.seq, one.nth): one.block for one in steads}
    counts: Counter[int] = Counter()
    seen = list[tuple[Turn, tuple[Origin, ...]]]()
    for turn, places in zip(turns, origins, strict=True):
        keys = list(_keys(places, counts))
        if not given.keys() & set(keys):
            seen.append((turn, places))
            continue
        kept = _Kept()
        for key, one, origin in zip(keys, turn.frames, places, strict=True):
            block = given.get(key)
            if block or key not in given:
                kept.append((frame("message", block.wire(), turn.role) if block else one, origin))
        kept.sort(key=lambda one: turn.role == "user" and one[0].value["type"] != "tool_result")
        seen.append(_turn(turn, kept or [(_text(MARK, turn), places[0])]))
    return seen


def _keys(places: Iterable[Origin], counts: Counter[int]) -> Iterator[tuple[int, int]]:
    """The entry of each frame, and the frame's number among those of that entry."""
    for origin in places:
        yield origin.seq, counts[origin.seq]
        counts[origin.seq] += 1


def _turn(turn: Turn, kept: _Kept) -> tuple[Turn, tuple[Origin, ...]]:
    return Turn(turn.role, tuple(one for one, _ in kept)), tuple(origin for _, origin in kept)


def _text(text: str, turn: Turn) -> Frame:
    return frame("message", Text(text).wire(), turn.role)
