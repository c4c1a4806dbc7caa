"""Plans what a compaction keeps and what leaves, before a summary is requested. A pure function of a view.

    prefix | messages of people | summary, what stands, index | results used last
           | commands, lines of files, list of files with their states | tail

The list of files stands last: what it says of a file's state is the last word on it.

The tail keeps whole turns, so that no call loses its result, and always the last reply with what answered it.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from agentmem.compaction.listing import commands_listed, files_listed, trail_tokens
from agentmem.compaction.people import essence, typed
from agentmem.compaction.regions import regions, rendered
from agentmem.compaction.standing import Standing, needed_tokens, read_standing, standing
from agentmem.compaction.traces import Traces, packed, unpacked
from agentmem.compaction.when import Compaction, Reason
from agentmem.context.cut import Cut, IndexLine, Part, PartKind
from agentmem.context.view import Origin
from agentmem.context.window import View
from agentmem.tokens import value_tokens
from agentmem.transcript.transcript import unpack
from agentmem.types import Frame, Text

_NAME = re.compile(r"[\w./:@-]{8,}")
_MARK = re.compile(r"[\d_/.]")
_SMALL, _CAPITAL = re.compile(r"[a-z]"), re.compile(r"[A-Z]")
_ENDS = ".:-"
_UNSAID = frozenset({"type", "id", "tool_use_id", "signature", "data", "media_type", "name"})
WRITTEN = frozenset({"summary", "index", "paths", "commands", "files"})
"""The parts that a compaction wrote: they repeat what entries say."""
_COMMON = 4
"""If a name stands in more results than this, it says little about which one was meant."""


@dataclass(frozen=True, slots=True)
class Said:
    """One message frame: its origin and its text, without its JSON."""

    origin: Origin
    frame: Frame
    text: str


@dataclass(frozen=True, slots=True)
class Use:
    """A name that entry ``source`` brought in, and that a call in entry ``used`` used last."""

    name: str
    source: int
    used: int


def names(text: str) -> set[str]:
    """The strings in ``text`` that must be exact: eight characters or more with a digit, a mark or mixed case."""
    found = {name.rstrip(_ENDS) for name in _NAME.findall(text)}
    return {name for name in found if len(name) >= 8 and _marked(name)}


def mentions(text: str) -> Iterator[str]:
    """The same strings in order, with repetitions."""
    found = [name.rstrip(_ENDS) for name in _NAME.findall(text)]
    marked = {name for name in set(found) if len(name) >= 8 and _marked(name)}
    return (name for name in found if name in marked)


def _marked(name: str) -> bool:
    return bool(_MARK.search(name) or (_SMALL.search(name) and _CAPITAL.search(name)))


def spoken(frame: Frame) -> str:
    """The text of a frame; for a call, its arguments."""
    value = frame.value
    return "\n".join(_strings(value.get("input") if value.get("type") == "tool_use" else value))


def said(turns: Iterable[Sequence[Frame]], origins: Iterable[Sequence[Origin]]) -> list[Said]:
    """All frames of some turns. Thinking is left out, since no other model may read it."""
    pairs = zip(turns, origins, strict=True)
    return [
        Said(origin, frame, "" if "thinking" in frame.value["type"] else spoken(frame))
        for frames, places in pairs
        for frame, origin in zip(frames, places, strict=True)
    ]


class References:
    """Finds what calls repeated from earlier entries, over a stretch of conversation in order.

    ``uses`` are the names that calls repeated, ``said`` the entries in which each name stands (without calls), and
    ``last_used`` the last entry that used a name of each result.
    """

    def __init__(self, frames: Iterable[Said], earlier: Mapping[str, int]) -> None:
        """``earlier`` are names used before this stretch, with the entries that brought them in."""
        self.uses: dict[str, Use] = {}
        self.said: dict[str, list[int]] = {}
        self._own: set[int] = set()  # entries of the model's own
        self.last_used: dict[int, int] = {}
        self._latest: dict[str, int] = dict(earlier)
        for one in frames:
            if one.frame.value["type"] == "tool_use":
                self._use(one)
            elif one.origin.kind not in WRITTEN:
                self._bring(one)

    def _bring(self, one: Said) -> None:
        seq, found = one.origin.seq, names(one.text)
        for name in found:
            self.said.setdefault(name, []).append(seq)
        if one.origin.kind == "assistant":
            self._own.add(seq)
        else:
            self._latest.update(dict.fromkeys(found, seq))

    def _use(self, one: Said) -> None:
        for name in names(one.text):
            if name not in self._latest:
                continue
            self.uses[name] = Use(name, self._latest[name], one.origin.seq)
            brought = [seq for seq in self.said.get(name, ()) if seq not in self._own]
            if len(brought) <= _COMMON:
                self.last_used.update(dict.fromkeys(brought, one.origin.seq))


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for key, part in value.items():
            if key not in _UNSAID:
                yield from _strings(part)
    elif isinstance(value, Sequence):
        for part in value:
            yield from _strings(part)


USER = "[{reference}, said by the person]"
IN_PART = "[{reference}, said by the person, in part: recall {reference} brings back the whole]"
RESULT = "[{reference}, kept as it was: the result of {about}]"
SHARE = 2
"""The lists of paths, commands and lines get all their room only if at least this multiple of it leaves."""
REMEMBERED = 2
"""The lines of files remembered for the next compaction, as a multiple of those that are shown."""
_ABOUT = 60
"""The most characters of an index line's description."""
_WORDS = 12  # of a message, in its line of the index


@dataclass(frozen=True, slots=True)
class Plan:
    """The plan of a compaction of ``view``.

    Turns from ``place`` on stay; ``asked`` is the last reply, before which the summariser's request ends. ``leaving``
    are the frames that leave, ``users`` and ``results`` the parts of them that are kept, ``lists`` what stays of the
    calls, from ``traces``. ``told`` are the tokens of text since a model's last summary; ``asks`` is True if a model is
    to write one. ``lines`` is the index of all, ``uses`` the names in them that calls in view have used, ``said`` the
    entries in view that say each name. ``kept`` is the text that stays, each path of a list written out, ``stands``
    what must survive every cut. ``sizes`` fit the budget.
    """

    view: View
    thread: str
    reason: Reason
    sizes: Compaction
    place: int
    asked: int
    leaving: tuple[Said, ...]
    users: tuple[Part, ...]
    results: tuple[Part, ...]
    lists: tuple[Part, ...]
    traces: Mapping[str, Any]
    told: int
    asks: bool
    lines: tuple[IndexLine, ...]
    uses: tuple[Use, ...]
    said: Mapping[str, Sequence[int]]
    kept: str
    stands: Standing

    @property
    def last(self) -> int:
        """The last entry that the summary stands for."""
        return cut_at(self.view, self.place, ()).last

    @property
    def first(self) -> int:
        """The first entry that leaves by this compaction. Earlier entries have left before."""
        return self.view.cut.last + 1 if self.view.cut else 1

    @property
    def tokens(self) -> int:
        """The tokens that leave."""
        return sum(one.frame.tokens for one in self.leaving)

    @property
    def fresh(self) -> tuple[IndexLine, ...]:
        """The index lines of entries that leave for the first time."""
        return tuple(line for line in self.lines if line.seq >= self.first)

    @property
    def shown(self) -> frozenset[int]:
        """The entries that are kept in part."""
        return frozenset(part.seq for part in (*self.users, *self.results))


def plan(view: View, thread: str, settings: Compaction, budget: int, reason: Reason = "asked") -> Plan | None:
    """The plan of a compaction, or None if nothing can leave, or no more than would stand for it."""
    asked = max((at for at, turn in enumerate(view.turns) if turn.role == "assistant"), default=0)
    place = _tail(view, asked, settings.sized(budget).tail)
    if not place:
        return None
    every = said([turn.frames for turn in view.turns], view.origins)
    leaving = every[: sum(len(turn.frames) for turn in view.turns[:place])]
    references = References(every, _carried(view))
    stands = _stands(leaving, every[len(leaving) :], view.cut)
    sizes = settings.sized(budget).giving_way(needed_tokens(stands), trail_tokens(stands.files))
    users = _users(leaving, thread, sizes, view.cut, frozenset(stands.open))
    abouts = dict(_abouts(every))
    results = _results(leaving, references.last_used, abouts, thread, sizes)
    going = sum(one.frame.tokens for one in leaving)
    lists, traces, paths = _lists(view, every, thread, sizes, going, stands)
    told = _told(leaving, view.cut)
    if sum(map(_size, (*users, *results, *lists))) + sizes.summary >= going:
        return None
    gone = {one.origin.seq for one in leaving} | {line.seq for line in (view.cut.index if view.cut else ())}
    return Plan(
        view=view,
        thread=thread,
        reason=reason,
        sizes=sizes,
        place=place,
        asked=asked,
        leaving=tuple(leaving),
        users=tuple(users),
        results=tuple(results),
        lists=lists,
        traces=traces,
        told=told,
        asks=told >= sizes.said or not any(one.origin.kind == "summary" for one in leaving),
        lines=tuple(_lines(leaving, abouts, view.cut)),
        uses=tuple(sorted((use for use in references.uses.values() if use.source in gone), key=_latest_first)),
        said=references.said,
        kept="\n".join((*(one.text for one in every[len(leaving) :]), *map(_text, (*users, *results, *lists)), *paths)),
        stands=stands,
    )


def places(view: View) -> list[int]:
    """The turns at which a tail may begin, from 1; ``len(view.turns)`` if nothing must stay."""
    end = len(view.turns) if view.open else len(view.turns) + 1
    return [at for at in range(1, end) if at == len(view.turns) or not _answers(view.origins[at])]


def cut_at(
    view: View, place: int, parts: tuple[Part, ...], reason: str = "asked", index: tuple[IndexLine, ...] = ()
) -> Cut:
    """The cut that replaces the turns before ``place`` by ``parts``."""
    last = view.starts[place] - 1 if place < len(view.turns) else view.seq
    tail = (origin.first for origins in view.origins[place:] for origin in origins)
    first = min(last + 1, *tail, *(origin.seq for origin, _ in view.held), view.seq + 1)
    return Cut(
        last=last,
        parts=parts,
        reason=reason,
        index=index,
        opening=max(seq for seq in view.settled if seq < first),
        first=first,
        cuts=view.cuts + 1,
        growth=(view.pace.after_request(view.tokens) if view.ready else view.pace).growth,
    )


def _tail(view: View, asked: int, size: int) -> int:
    """The first turn of the tail: as early as ``size`` tokens allow, but not after the last reply. 0: there is none."""
    fitting, tokens = 0, sum(frame.tokens for turn in view.turns[asked + 1 :] for frame in turn.frames)
    allowed = set(places(view))
    for at in range(asked, 0, -1):
        tokens += sum(frame.tokens for frame in view.turns[at].frames)
        if fitting and tokens > size:
            break
        fitting = at if at in allowed else fitting
    return fitting


def _latest_first(use: Use) -> tuple[int, int, str]:
    return -use.used, use.source, use.name


def _carried(view: View) -> dict[str, int]:
    return {name: line.seq for line in view.cut.index for name in line.names} if view.cut else {}


def _stands(leaving: Sequence[Said], staying: Sequence[Said], cut: Cut | None) -> Standing:
    earlier = read_standing(cut.standing if cut else {})
    return standing(leaving, staying, earlier, cut.last if cut and cut.standing else 0)


def _users(
    leaving: Sequence[Said], thread: str, sizes: Compaction, cut: Cut | None, open: frozenset[int]
) -> list[Part]:
    """Messages of people, in order: those of the ``open`` task, in part where they are long, and the newest that fit.

    Long pasted text of finished tasks goes. Messages that an earlier cut kept have their heading already.
    """
    messages: dict[int, list[Said]] = {}
    for one in leaving:
        if one.origin.kind == "user":
            messages.setdefault(one.origin.seq, []).append(one)
    kept: dict[int, list[Part]] = {}
    room = sizes.users
    for seq in sorted(messages, key=lambda seq: (seq not in open, -seq)):
        blocks, new = messages[seq], not cut or seq > cut.last
        tokens = sum(one.frame.tokens for one in blocks)
        part = _in_part(seq, thread, blocks, min(sizes.user, room, tokens) // 2)
        size = sum(map(_size, part))
        if new and part and seq not in open and 2 * size < tokens and size <= room and _all_text(blocks):
            kept[seq] = part
        elif tokens <= min(sizes.user, room):
            kept[seq] = list(_headed(seq, USER.format(reference=f"{thread}/{seq}") if new else "", blocks))
        elif seq in open:
            kept[seq] = part
        room -= sum(map(_size, kept.get(seq, ())))
    return [part for seq in sorted(kept) for part in kept[seq]]


def _all_text(blocks: Iterable[Said]) -> bool:
    return all(one.frame.value["type"] == "text" for one in blocks)


def _in_part(seq: int, thread: str, blocks: Iterable[Said], room: int) -> list[Part]:
    """The part of a message that must stay, without pasted text."""
    said = typed(one.text for one in blocks)
    heading = IN_PART.format(reference=f"{thread}/{seq}")
    return [Part("user", seq, Text(f"{heading}\n{essence(said, room)}"))] if said.strip() else []


def _headed(seq: int, heading: str, blocks: Iterable[Said]) -> Iterator[Part]:
    for one in blocks:
        block = unpack(one.frame.value)
        if heading and isinstance(block, Text):
            block, heading = Text(f"{heading}\n{block.text}"), ""
        yield Part("user", seq, block)


def _results(
    leaving: Sequence[Said], used: dict[int, int], abouts: dict[int, str], thread: str, sizes: Compaction
) -> list[Part]:
    """The results that calls have used last, as many as fit, in order. Of equal calls only one result is kept."""
    kept: dict[str, Part] = {}
    room = sizes.kept_results
    found = [one for one in leaving if one.origin.kind in ("tool_result", "result") and _only_text(one.frame)]
    for one in sorted(found, key=lambda one: (-used.get(one.origin.seq, -1), -one.origin.seq)):
        seq = one.origin.seq
        about = abouts.get(seq, "a tool")
        heading = "" if one.origin.kind == "result" else RESULT.format(reference=f"{thread}/{seq}", about=about) + "\n"
        if seq in used and one.frame.tokens <= room and about not in kept:
            room -= one.frame.tokens
            kept[about if about != "a tool" else str(seq)] = Part("result", seq, Text(heading + one.text))
    return sorted(kept.values(), key=lambda part: part.seq)


def _lists(
    view: View, every: Sequence[Said], thread: str, sizes: Compaction, going: int, stands: Standing
) -> tuple[tuple[Part, ...], Mapping[str, Any], tuple[str, ...]]:
    """The lists that stay of all calls so far: their parts, the state for the next compaction, the listed paths.

    If few tokens leave (``going``), the lists take at most a share of them; the trail of files always has its room.
    """
    known = unpacked(view.cut.traces if view.cut else {})
    known.follow(every)
    share, seq = min(1.0, going / (SHARE * (sizes.paths + sizes.commands + sizes.kept_lines + 1))), view.seq + 1
    ran = commands_listed(known.commands, round(sizes.commands * share))
    shown = regions(known.files.values(), round(sizes.kept_lines * share), sizes.file)
    listed = files_listed(stands.files, known.paths, sizes.trail, round(sizes.paths * share))
    texts: Mapping[PartKind, str] = {"commands": ran, "files": rendered(shown, thread), "paths": listed.text}
    parts = tuple(Part(kind, seq, Text(text)) for kind, text in texts.items() if text)
    return parts, packed(_remembered(known, sizes)), listed.paths


def _told(leaving: Sequence[Said], cut: Cut | None) -> int:
    """Tokens of what people and the model said in text since a model's summary told of it."""
    new = (one.frame.tokens for one in leaving if _speech(one) and not (cut and one.origin.seq <= cut.last))
    return (cut.traces.get("told", 0) if cut else 0) + sum(new)


def _speech(one: Said) -> bool:
    return one.origin.kind in ("user", "assistant") and one.frame.value["type"] == "text"


def _remembered(known: Traces, sizes: Compaction) -> Traces:
    """The traces with as many lines of files as a cut may hold."""
    files = regions(known.files.values(), REMEMBERED * sizes.kept_lines, REMEMBERED * sizes.file)
    return replace(known, files={one.path: one for one in sorted(files, key=lambda one: one.touched)})


def _lines(leaving: Sequence[Said], abouts: dict[int, str], cut: Cut | None) -> Iterator[IndexLine]:
    """A line for each result and message that leaves, after the lines of earlier compactions."""
    yield from cut.index if cut else ()
    known = {line.seq for line in cut.index} if cut else set()
    for one in leaving:
        seq, kind = one.origin.seq, one.origin.kind
        if seq in known or kind not in ("tool_result", "user"):
            continue
        known.add(seq)
        failed = " (failed)" if one.frame.value.get("is_error") else ""
        words = "the person: " + " ".join(one.text.split()[:_WORDS])
        yield IndexLine(seq, short(f"{abouts.get(seq, 'a tool')}{failed}" if kind == "tool_result" else words))


def _abouts(frames: Iterable[Said]) -> Iterator[tuple[int, str]]:
    """A few words on each result: its tool and the arguments."""
    calls: dict[str, str] = {}
    for one in frames:
        value = one.frame.value
        if value["type"] == "tool_use":
            calls[value["id"]] = short(f"{value['name']} {one.text}")
        elif value["type"] == "tool_result":
            yield one.origin.seq, calls.get(value["tool_use_id"], "a tool")


def short(text: str, width: int = _ABOUT) -> str:
    """A text on one line of at most ``width`` characters."""
    line = " ".join(text.split()).replace("|", "/")
    return line if len(line) <= width else f"{line[: width - 1].rstrip()}…"


def _answers(origins: Iterable[Origin]) -> bool:
    """True if a turn holds results, also if they are withheld and look like text."""
    return any(origin.kind == "tool_result" for origin in origins)


def _only_text(frame: Frame) -> bool:
    content = frame.value.get("content", ())
    return all(block["type"] == "text" for block in content if isinstance(block, dict)) and bool(spoken(frame).strip())


def _text(part: Part) -> str:
    return part.block.text if isinstance(part.block, Text) else ""


def _size(part: Part) -> int:
    return value_tokens(part.block.wire())
