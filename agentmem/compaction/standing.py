"""Computes from the entries what must survive any number of cuts, so that no summary can lose it.

Rules and corrections of people and of project files stand word for word. Facts of the environment, loaded instructions
and the trail of artifacts stand in their current state, and so do the messages of the open task. Without room, the
oldest lines are counted, with a reference that lists them.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any

from agentmem.compaction.artifacts import Artifact, Trail, touches
from agentmem.compaction.facts import Environment
from agentmem.compaction.people import Tasks, told, typed
from agentmem.compaction.shapes import arguments
from agentmem.compaction.statements import kind_of, statements
from agentmem.tokens import count

if TYPE_CHECKING:
    from agentmem.compaction.plan import Said

HEAD = (
    "[What stands, whatever the page above says of it: rules and corrections, word for word, facts and what was "
    "loaded. The number names the entry.]"
)
PROJECT_FILES = re.compile(
    r"(?:^|/)(?:CLAUDE(?:\.local)?\.md|AGENTS?\.md|GEMINI\.md|copilot-instructions\.md|\.cursorrules|\.windsurfrules|"
    r"\.clinerules|[^/]+\.mdc)$"
)
"""The files with a project's rules for agents, by their paths."""
_NUMBERED = re.compile(r"^\s*\d+(?:→|\t)")
_LINES, _SAID, _FILES = 300, 80, 600
"""The most lines and files that an entry keeps for the next compaction."""
_AROUND = 160
"""The most characters of the sentence before a statement that stands with it."""
ORDER: tuple[str, ...] = ("rule", "correction", "fact", "loaded", "project", "said")
"""The order in which kinds of lines get room, the newest first. said: what people told in no words that mark a rule or
a correction. Any of these may be one, so the shortest come first: more of them stand in the same room.
"""
BESIDES = "said"
"""The kind of lines that stand only where room is left. All others must stand, however many they are."""


@dataclass(frozen=True, slots=True)
class StandingLine:
    """A line that stands: the entry that said it, its kind, and its words."""

    seq: int
    kind: str
    text: str

    @property
    def shown(self) -> str:
        return f"- {self.seq} {_LABELS.get(self.kind, '')}{self.text}"


_LABELS: Mapping[str, str] = {"loaded": "loaded: "}


@dataclass(frozen=True, slots=True)
class Standing:
    """Everything that stands at a cut. ``open`` are the entries of the messages of the open task.

    ``begun`` are those that were open before the tail began, and ``ended`` is True if their turn had ended there: the
    next compaction continues from them.
    """

    lines: tuple[StandingLine, ...] = ()
    files: tuple[Artifact, ...] = ()
    open: tuple[int, ...] = ()
    begun: tuple[int, ...] = ()
    ended: bool = False

    def value(self) -> dict[str, Any]:
        """The same as JSON."""
        return {
            "lines": [[one.seq, one.kind, one.text] for one in self.lines],
            "files": [[one.path, one.state, one.seq] for one in self.files],
            "begun": list(self.begun),
            "ended": self.ended,
        }


def read_standing(value: Mapping[str, Any]) -> Standing:
    """The Standing that `Standing.value` wrote; an empty one if an entry has none."""
    return Standing(
        tuple(StandingLine(*one) for one in value.get("lines", ())),
        tuple(Artifact(*one) for one in value.get("files", ())),
        begun=tuple(value.get("begun", ())),
        ended=bool(value.get("ended")),
    )


def standing(leaving: Sequence["Said"], staying: Sequence["Said"], earlier: Standing, last: int) -> Standing:
    """Everything that stands after ``leaving`` have left. Entries up to ``last`` left before, as ``earlier`` has it."""
    lines = _Lines(earlier.lines)
    trail, environment = Trail(earlier.files), Environment()
    for one in leaving:
        if one.origin.kind == "user" and one.origin.seq > last:
            lines.said(one.origin.seq, one.text)
            environment.said(one.text, one.origin.seq)
    gone = list(_answered(leaving))
    for call in gone:
        trail.follow(call.tool, call.arguments, call.seq, failed=call.failed)
        if not call.failed:
            lines.read(call)
    for call in (*gone, *_answered(staying)):  # a failed command may leave before the one that works
        environment.follow(call.tool, call.arguments, call.result, call.seq, failed=call.failed)
    for about, fact in environment.facts.items():
        lines.put(about, StandingLine(fact.seq, "fact", fact.text))
    for name, seq in environment.loaded.items():
        lines.put(name, StandingLine(seq, "loaded", name))
    tasks = Tasks(earlier.begun, ended=earlier.ended)
    _follow(tasks, [one for one in leaving if one.origin.seq > last or not earlier.begun])
    begun, ended = tasks.open, tasks.turn_ended
    _follow(tasks, staying)
    return Standing(lines.newest(), _fewer(trail.artifacts), tasks.open, begun, ended)


@dataclass(frozen=True, slots=True)
class _Answered:
    """A call that has its result; ``seq`` is the entry of the call."""

    tool: str
    arguments: Mapping[str, Any]
    seq: int
    result: str
    result_seq: int
    failed: bool


def _answered(frames: Iterable["Said"]) -> Iterator[_Answered]:
    calls: dict[str, Said] = {}
    for one in frames:
        value = one.frame.value
        if value["type"] == "tool_use":
            calls[value["id"]] = one
        elif value["type"] == "tool_result" and (call := calls.pop(value["tool_use_id"], None)):
            made, failed = call.frame.value, bool(value.get("is_error"))
            yield _Answered(made["name"], arguments(made), call.origin.seq, one.text, one.origin.seq, failed)


def project_rules(tool: str, arguments: Mapping[str, Any], result: str) -> Iterator[str]:
    """The rules in a project's file for agents, if a call read such a file: lines in their own words."""
    if any(state == "read" and PROJECT_FILES.search(path) for path, state in touches(tool, arguments)):
        for line in result.splitlines():
            words = _NUMBERED.sub("", line).strip().lstrip("-*+ ").strip()
            if kind_of(words) == "rule":
                yield words


class _Lines:
    """Lines by their subject, so that a newer one replaces an older one."""

    def __init__(self, earlier: Iterable[StandingLine]) -> None:
        self._lines: dict[str, StandingLine] = {one.text: one for one in earlier}

    def put(self, about: str, line: StandingLine) -> None:
        stale = [key for key, one in self._lines.items() if key == about or _about(one) == about]
        for key in stale:
            del self._lines[key]
        self._lines[line.text] = line

    def said(self, seq: int, text: str) -> None:
        """Take in a person's message."""
        for one in statements(text):
            words = f"{one.before} {one.text}" if 0 < len(one.before) <= _AROUND else one.text
            self.put(words, StandingLine(seq, one.kind, words))
        for words in told(text):
            self.put(words, StandingLine(seq, "said", words))

    def read(self, call: _Answered) -> None:
        """Take in a result. The rules of a project file stand as of its latest reading."""
        for words in project_rules(call.tool, call.arguments, call.result):
            self.put(words, StandingLine(call.result_seq, "project", words))

    def newest(self) -> tuple[StandingLine, ...]:
        lines = sorted(self._lines.values(), key=lambda one: one.seq)
        said = sorted((one for one in lines if one.kind == BESIDES), key=_rank)[:_SAID]
        marked = sorted((one for one in lines if one.kind != BESIDES), key=_rank)[:_LINES]
        return tuple(sorted((*said, *marked), key=lambda one: one.seq))


def _about(line: StandingLine) -> str:
    """The command that is the subject of a fact; its line names it first."""
    return line.text.split("`")[1] if line.kind == "fact" and line.text.count("`") >= 2 else line.text


def _fewer(files: Sequence[Artifact]) -> tuple[Artifact, ...]:
    """All files that were not only read, and the newest of the others."""
    spare = max(0, _FILES - sum(one.state != "read" for one in files))
    read = [one for one in files if one.state == "read"]
    kept = {one.path for one in read[max(0, len(read) - spare) :]}
    return tuple(one for one in files if one.state != "read" or one.path in kept)


def _follow(tasks: Tasks, frames: Iterable["Said"]) -> None:
    for (seq, kind), group in groupby(frames, key=lambda one: (one.origin.seq, one.origin.kind)):
        said = list(group)
        if kind == "user":
            tasks.said(seq, typed(one.text for one in said))
        elif kind == "assistant" and not any(one.frame.value["type"] == "tool_use" for one in said):
            tasks.ended()


# The texts that are shown.


def needed_tokens(now: Standing) -> int:
    """The tokens of the lines that must stand."""
    return sum(_line_tokens(one) for one in now.lines if one.kind != BESIDES)


def standing_text(now: Standing, thread: str, besides: str, kept: Iterable[int], room: int) -> str:
    """The lines that stand, in order, except lines of messages that are ``kept`` whole and of texts in ``besides``.

    Lines that do not fit into ``room`` tokens are counted, with the reference that lists them.
    """
    whole = frozenset(kept)
    wanted = [one for one in now.lines if one.seq not in whole and one.text not in besides]
    ranked = sorted(wanted, key=_rank)
    shown, left = list[StandingLine](), list[StandingLine]()
    for one in ranked:
        size = _line_tokens(one)
        (shown if size <= room else left).append(one)
        room -= size if size <= room else 0
    lines = [one.shown for one in sorted(shown, key=lambda one: one.seq)]
    if left:
        places = [one.seq for one in left]
        lines.append(f"- {len(left)} more in {thread}/{min(places)}-{max(places)}: recall brings them back")
    return "\n".join((HEAD, *lines)) if lines else ""


def _rank(line: StandingLine) -> tuple[int, int, int]:
    return ORDER.index(line.kind), len(line.text) if line.kind == BESIDES else 0, -line.seq


def _line_tokens(line: StandingLine) -> int:
    return count(line.shown) + 1
