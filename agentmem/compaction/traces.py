"""Follows the traces of a conversation's calls: paths that they named, commands that they ran, and known files.

It is a fold over frames that continues from one compaction to the next: each stores its state with its cut.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from agentmem.compaction.files import KnownFile, KnownLine, Stretch
from agentmem.compaction.shapes import (
    FAILED,
    NEW,
    OLD,
    PATHS,
    WRITTEN,
    FileAct,
    arguments,
    command,
    file_acts,
    loss,
    numbered,
    own_page,
)
from agentmem.context.view import Origin
from agentmem.types import Frame, Json

MOST = 300
"""The most paths, and the most commands, that are remembered; there is room to show fewer."""
FILES = 40
"""The most files whose lines are remembered."""

_GENERATED = frozenset({*OLD, *NEW, *WRITTEN, "prompt", "description", "message", "body", "todos", "plan", "edits"})
"""Arguments whose paths do not count: they are the agent's own texts."""
_PATH = re.compile(r"(?<![\w:/.@~-])[\w.~@-]*(?:/[\w.@-]+)+/?")
_DOTS = re.compile(r"^(?:\./)+|(?:/\.*)+$")
_OFFLOADED = "[This result is long:"


class Framed(Protocol):
    """A frame and its origin."""

    @property
    def origin(self) -> Origin: ...
    @property
    def frame(self) -> Frame: ...


@dataclass(slots=True)
class Traces:
    """``paths`` and ``commands`` with the entries of the calls that named them last, latest last. All
    entries up to ``until`` are followed.
    """

    until: int = 0
    paths: dict[str, int] = field(default_factory=dict)
    commands: dict[str, int] = field(default_factory=dict)
    files: dict[str, KnownFile] = field(default_factory=dict)

    def follow(self, frames: Iterable[Framed]) -> None:
        """Take in the calls in some frames together with their results."""
        calls: dict[str, tuple[int, Json]] = {}
        latest = self.until
        for one in frames:
            value, seq = one.frame.value, one.origin.seq
            if value.get("type") == "tool_use":
                calls[value["id"]] = seq, value
            elif value.get("type") == "tool_result" and value["tool_use_id"] in calls and seq > self.until:
                self._call(*calls[value["tool_use_id"]], value, seq)
                latest = max(latest, seq)
        self.until = latest

    def _call(self, asked: int, call: Json, result: Json, seq: int) -> None:
        tool, given, failed = str(call.get("name")), arguments(call), bool(result.get("is_error"))
        for path in _named(given):
            self._name(path, asked)
        ran = command(given)
        if ran is not None:
            self._put(self.commands, ran.strip(), asked)
            self._doubt(ran, seq)
        text = _text(result)
        for act in () if failed else file_acts(tool, given):
            self._act(act, text, seq)

    def _name(self, path: str, seq: int) -> None:
        known = same(path, self.paths)
        longer = max(known or path, path, key=len)
        if known and known != longer:
            self.paths.pop(known)
        self._put(self.paths, longer, seq)

    @staticmethod
    def _put(table: dict[str, int], key: str, seq: int) -> None:
        table.pop(key, None)
        table[key] = seq
        if len(table) > MOST:
            table.pop(next(iter(table)))

    def _act(self, act: FileAct, text: str, seq: int) -> None:
        key = same(act.path, self.files) or act.path
        file = self.files.pop(key, KnownFile(act.path))
        sure = not FAILED.match(text)
        after = _after(file, act, seq) if sure or act.effect == "read" else file.lost(seq)
        for start, lines, whole in _shown(act, text) if sure else ():
            after = after.read(start, lines, whole, seq)
        self.files[key] = after
        if len(self.files) > FILES:
            self.files.pop(next(iter(self.files)))

    def _doubt(self, ran: str, seq: int) -> None:
        """A command may have changed files: the named ones are no longer known, others of a tree are in doubt."""
        lost = loss(ran)
        for key, file in self.files.items():
            if file.path.rpartition("/")[2] in lost.named:
                self.files[key] = file.lost(seq)
            elif lost.tree:
                self.files[key] = replace(file, doubt=seq)


def _after(file: KnownFile, act: FileAct, seq: int) -> KnownFile:
    if act.effect == "replace":
        return file.replaced(act.old, act.new, act.every, seq)
    if act.effect == "write":
        return file.written(act.new, seq)
    if act.effect == "append":
        return file.appended(act.new, seq)
    return file if act.effect == "read" else file.lost(seq)


def _shown(act: FileAct, text: str) -> Iterator[tuple[int | None, Sequence[str], bool]]:
    """The stretches of its file that a call's result shows: number, lines, and True if they are the whole file."""
    if text.startswith(_OFFLOADED):
        return
    own = own_page(text) if act.effect == "read" else None
    if own is not None:
        yield (1 if act.whole else None), own.removesuffix("\n").split("\n"), act.whole
        return
    found = list(numbered(text))
    for start, lines in found:
        yield start, lines, act.effect == "read" and act.whole and len(found) == 1 and start == 1


def _text(result: Json) -> str:
    content = result.get("content") or ()
    if isinstance(content, str):
        return content
    return "\n".join(one["text"] for one in content if isinstance(one, Mapping) and one.get("type") == "text")


def _named(given: Mapping[str, Any]) -> Iterator[str]:
    """The paths in a call's arguments."""
    for key, one in given.items():
        if key in PATHS and isinstance(one, str) and "\n" not in one:
            yield bare(one)
        elif key not in _GENERATED and isinstance(one, str) and "/" in one:
            yield from filter(None, (bare(path) for path in _PATH.findall(one)))


def bare(path: str) -> str:
    """A path without meaningless dots and slashes."""
    return _DOTS.sub("", path.strip())


def same(path: str, known: Iterable[str]) -> str | None:
    """The path in ``known`` that probably names the same file: one path is the end of the other."""
    if path in known:
        return path
    name = path.rpartition("/")[2]
    found = [one for one in known if one.endswith(name) and _ends(one, path)]
    return found[0] if len(found) == 1 else None


def _ends(one: str, other: str) -> bool:
    return one.endswith(f"/{other}") or other.endswith(f"/{one}")


# Stored with a cut.


def packed(traces: Traces) -> Json:
    """The traces as JSON."""
    return {
        "until": traces.until,
        "paths": [[path, seq] for path, seq in traces.paths.items()],
        "commands": [[ran, seq] for ran, seq in traces.commands.items()],
        "files": [_packed(one) for one in traces.files.values()],
    }


def _packed(file: KnownFile) -> list[Any]:
    stretches = [[one.start, one.loose, [list(line) for line in one.lines]] for one in file.stretches]
    return [file.path, file.touched, file.changed, file.doubt, stretches]


def unpacked(value: Mapping[str, Any]) -> Traces:
    """The traces that `packed` wrote; empty ones for an empty value."""
    return Traces(
        until=value.get("until", 0),
        paths=dict(value.get("paths", ())),
        commands=dict(value.get("commands", ())),
        files={one[0]: _unpacked(one) for one in value.get("files", ())},
    )


def _unpacked(value: Sequence[Any]) -> KnownFile:
    path, touched, changed, doubt, stretches = value
    made = tuple(Stretch(tuple(KnownLine(*line) for line in lines), start, loose) for start, loose, lines in stretches)
    return KnownFile(path, made, touched, changed, doubt)
