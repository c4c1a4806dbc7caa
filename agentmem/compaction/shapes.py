"""Reads the effects of calls on files, and the commands that they ran, for any tool.

A tool is recognised by the names of its arguments, as in the tables below: agentmem's own tools, Claude's text editor,
those of Claude Code and Codex, and any other with a path, an old and a new text, or a command.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

PATHS = ("file_path", "path", "filePath", "filename", "file", "page", "notebook_path", "target_file", "absolute_path")
"""Arguments that name the file of a call, in order of precedence."""
SOURCES = ("source", "from", "old_path", "src", "source_path")
TARGETS = ("destination", "to", "new_path", "dst", "destination_path")
"""Arguments of a call that moves a file: from where, and to where."""
OLD = ("old_string", "old_str", "old_text", "old", "search")
NEW = ("new_string", "new_str", "new_text", "new", "replace", "replacement", "text")
"""Arguments of a call with the text that replaces another one."""
WRITTEN = ("content", "file_text", "contents", "text", "code")
"""Arguments that give the whole text of a file."""
COMMANDS = ("command", "cmd", "script")
"""Arguments that hold a command for a shell, as a text or as a list of words."""
STRETCHES = ("offset", "limit", "view_range", "start_line", "end_line", "part", "ranges")
"""Arguments with which a call reads only a stretch of a file."""

Effect = Literal["read", "replace", "write", "append", "lose"]
"""The effect of a call on its file. lose: an effect that the call does not tell."""

FileState = Literal["made", "changed", "deleted", "read"]
"""What a file's last call with an effect did to it; read where there was none."""


class Action(NamedTuple):
    """What an action does to the lines of a file, and how it leaves the file; None where its name does not tell."""

    effect: Effect
    state: FileState | None


ACTIONS: Mapping[str, Action] = {
    **dict.fromkeys(("view", "read", "open"), Action("read", "read")),
    **dict.fromkeys(("create", "write"), Action("write", "made")),
    **dict.fromkeys(("str_replace", "replace", "edit"), Action("replace", "changed")),
    "append": Action("append", "changed"),
    **dict.fromkeys(("insert", "undo_edit", "section"), Action("lose", "changed")),
    **dict.fromkeys(("delete", "remove"), Action("lose", "deleted")),
    **dict.fromkeys(("move", "rename"), Action("lose", None)),
}
"""Actions of a tool that has several: in its argument ``action``, or in ``command`` beside a path."""
READERS = re.compile(r"read|view|cat|open|grep|search|find|glob|list|ls|fetch|get|show|lsp|diagnos", re.IGNORECASE)
"""Names of tools that change nothing. Unknown tools that name a file may have changed it."""
WRITERS = re.compile(r"write|create|save|put", re.IGNORECASE)
"""Names of tools that overwrite the whole file with the given text."""

CHANGING = (
    *("rm", "mv", "cp", "sed", "perl", "tee", "patch", "truncate", "touch", "install", "ln", "dd", "rsync", "gofmt"),
    *("goimports", "prettier", "black", "ruff", "rustfmt", "eslint", "isort", "clang-format"),
)
"""Commands that change the files they name. So does a command with its output redirected to a file."""
TREES = (
    *("checkout", "switch", "restore", "reset", "stash", "apply", "am", "merge", "rebase", "revert", "pull"),
    *("cherry-pick", "clean"),
)
"""Subcommands of git that may change any file."""

FAILED = re.compile(
    r"\W*(?:tool_use_error|error|failed|failure|invalid|no (?:match|change|replacement)|could not|cannot|can't|unable"
    r"|not found|did not|apply_patch verification)",
    re.IGNORECASE,
)
"""The beginnings of results of calls that did nothing, although they are not marked as errors."""


@dataclass(frozen=True, slots=True)
class FileAct:
    """The effect of one call on one file. ``new`` replaces ``old``, ``every`` time if that is set.

    A read of the ``whole`` file shows all its lines.
    """

    path: str
    effect: Effect
    old: str = ""
    new: str = ""
    every: bool = False
    whole: bool = False


def file_acts(tool: str, given: Mapping[str, Any]) -> list[FileAct]:
    """The effects of a call on files, in order, without files that only its commands name: see `loss`."""
    patches = [one for one in _texts(given) if PATCH in one]
    if patches:
        return [act for one in patches for act in _patched(one)]
    path = first(given, PATHS)
    if not path:
        return []
    edits = given.get("edits")
    if isinstance(edits, Sequence) and not isinstance(edits, str):
        return [_act(tool, path, one) for one in edits if isinstance(one, Mapping)]
    return [_act(tool, path, given)]


def _act(tool: str, path: str, given: Mapping[str, Any]) -> FileAct:
    bare, _, section = path.partition("#")
    effect = _effect(tool, given)
    if effect == "replace":
        every = bool(given.get("replace_all"))
        return FileAct(bare, "replace", first(given, OLD) or "", first(given, NEW) or "", every)
    if effect in ("write", "append"):
        known = effect == "write" or not section
        return FileAct(bare, effect, new=first(given, WRITTEN) or "") if known else FileAct(bare, "lose")
    whole = effect == "read" and not section and not any(given.get(name) for name in STRETCHES)
    return FileAct(bare, effect, whole=whole)


def _effect(tool: str, given: Mapping[str, Any]) -> Effect:
    action = given.get("action") or given.get("command")
    if isinstance(action, str) and action in ACTIONS:
        return ACTIONS[action].effect
    if first(given, OLD) is not None and (first(given, NEW) is not None or not READERS.search(tool)):
        return "replace"
    if first(given, WRITTEN) is not None:
        return "write" if WRITERS.search(tool) else "lose"
    return "read" if READERS.search(tool) else "lose"


def first(given: Mapping[str, Any], names: Sequence[str]) -> str | None:
    """The first argument among ``names`` that is a text."""
    return next((one for name in names if isinstance(one := given.get(name), str)), None)


def _texts(given: Any) -> Iterator[str]:
    if isinstance(given, str):
        yield given
    elif isinstance(given, Mapping):
        for one in given.values():
            yield from _texts(one)
    elif isinstance(given, Sequence):
        for one in given:
            yield from _texts(one)


# Patches, as Codex writes them.

PATCH = "*** Begin Patch"
_FILE = re.compile(r"\*\*\* (Update|Add|Delete) File: (.+)")
_MOVED = "*** Move to: "


def _patched(text: str) -> Iterator[FileAct]:
    """The effects of a patch. Its lines are whole, and so are the lines around them."""
    path, kind, hunk = "", "", list[str]()
    for line in (*text.partition(PATCH)[2].splitlines(), "*** End Patch"):
        opened = _FILE.match(line)
        if opened or line.startswith(("@@", "*** ")):
            yield from _hunk(path, kind, hunk)
            hunk = []
        if opened:
            kind, path = opened[1], opened[2].strip()
            if kind == "Delete":
                yield FileAct(path, "lose")
        elif line.startswith(_MOVED) or line == "*** End Patch":
            if line.startswith(_MOVED):
                yield FileAct(path, "lose")
                path = line.removeprefix(_MOVED).strip()
            if line == "*** End Patch":
                return
        elif not line.startswith(("@@", "*** ")):
            hunk.append(line)


def _hunk(path: str, kind: str, lines: Sequence[str]) -> Iterator[FileAct]:
    if not path or not lines:
        return
    new = "".join(f"{line[1:]}\n" for line in lines if line[:1] != "-")
    if kind == "Add":
        yield FileAct(path, "write", new=new)
    elif old := "".join(f"{line[1:]}\n" for line in lines if line[:1] != "+"):
        yield FileAct(path, "replace", old, new)
    else:
        yield FileAct(path, "lose")


# Commands.

_WORD = re.compile(r"\"(?:\\.|[^\"\\])*\"|'[^']*'|[|;&()\n]+|>>?|[^\s\"'|;&()<>]+")
_BREAK = re.compile(r"[|;&()\n]+")


def command(given: Mapping[str, Any]) -> str | None:
    """The command that a call runs, or None."""
    if first(given, PATHS) is not None:
        return None
    one = next((given[name] for name in COMMANDS if name in given), None)
    if isinstance(one, str):
        return one
    words = [str(word) for word in one] if isinstance(one, Sequence) else []
    return (words[-1] if len(words) == 3 and words[1] in ("-c", "-lc") else " ".join(words)) or None


@dataclass(frozen=True, slots=True)
class Loss:
    """The files that a command may have changed: those with these names, or any (``tree``)."""

    named: frozenset[str]
    tree: bool


def loss(text: str) -> Loss:
    """The files that a command may have changed, by its words."""
    named, tree = set[str](), False
    for words in _simple(text):
        program = next((word.rpartition("/")[2] for word in words if "=" not in word), "")
        into = {words[at + 1] for at, word in enumerate(words[:-1]) if word in (">", ">>")}
        named |= set(words) if program in CHANGING else into
        tree = tree or (program == "git" and any(word in TREES for word in words[1:4]))
    return Loss(frozenset(word.strip("\"'").rpartition("/")[2] for word in named) - {""}, tree)


def _simple(text: str) -> Iterator[list[str]]:
    words = list[str]()
    for word in _WORD.findall(text):
        if _BREAK.fullmatch(word):
            yield words
            words = []
        else:
            words.append(word)
    yield words


# Results.

_NUMBERED = re.compile(r" *(\d+)[→\t](.*)")
_REVISION = re.compile(r"\S.* \(revision \w+, [\d,]+ tokens\)\n\n")
LONG = 2_000
"""The characters from which tools cut a line."""


def numbered(text: str) -> Iterator[tuple[int, list[str]]]:
    """The stretches of numbered lines in a result: the number of the first, and the lines."""
    start, lines = 0, list[str]()
    for line in text.split("\n"):
        found = _NUMBERED.fullmatch(line)
        fits = found is not None and len(line) < LONG
        if lines and not (fits and found and int(found[1]) == start + len(lines)):
            yield start, lines
            lines = []
        if fits and found:
            start = start if lines else int(found[1])
            lines.append(found[2])
    if lines:
        yield start, lines


def own_page(text: str) -> str | None:
    """The text of a page from agentmem's `read`, after the line with its revision; None for other results."""
    found = _REVISION.match(text)
    return text[found.end() :] if found else None


def arguments(value: Mapping[str, Any]) -> Mapping[str, Any]:
    """The arguments of a call's frame."""
    given = value.get("input")
    if isinstance(given, str):
        try:
            given = json.loads(given)
        except ValueError:
            given = {}
    return given if isinstance(given, Mapping) else {}
