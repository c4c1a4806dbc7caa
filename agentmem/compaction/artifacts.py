"""Follows the trail of artifacts: the files that a conversation made, read, changed and deleted, with their state.

It is computed from the calls and their results alone, so it is right whatever a summary says. A failed call changed
nothing. The effects of a shell are read from its command if they are certain: plain words, no variables, no patterns.
"""

import re
import shlex
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from agentmem.compaction.shapes import ACTIONS, COMMANDS, PATHS, SOURCES, TARGETS, FileState


@dataclass(frozen=True, slots=True)
class Artifact:
    """A file: its path as calls named it, its state, and the entry of the call that caused the state."""

    path: str
    state: FileState
    seq: int


Touch = tuple[str, FileState]
"""A path, and the effect of one call on it."""

TOOLS: Mapping[str, FileState] = {
    **dict.fromkeys(("read", "read_file", "view", "view_file", "open_file", "notebookread", "read_many_files"), "read"),
    **dict.fromkeys(("write", "write_file", "create_file", "create", "write_to_file", "save_file"), "made"),
    **dict.fromkeys(("edit", "edit_file", "multiedit", "notebookedit", "str_replace", "insert", "replace"), "changed"),
    **dict.fromkeys(("replace_in_file", "apply_diff", "append_file"), "changed"),
    **dict.fromkeys(("delete", "delete_file", "remove_file", "rm"), "deleted"),
}
"""The effect of tools on the file that their call names, by the tool's name in lower case."""
SHELLS = frozenset({"bash", "shell", "run", "run_command", "execute", "execute_bash", "terminal", "run_shell_command"})
"""Tools that run a command."""
_SECTIONS = frozenset({"read", "edit", "write"})
"""Tools that may name a section of a page behind a #."""
_EDITORS = frozenset({"str_replace_editor", "str_replace_based_edit_tool", "edit", "text_editor", "memory"})


def touches(tool: str, arguments: Mapping[str, Any]) -> tuple[Touch, ...]:
    """The effects of one call on files, in order; none if they are not certain."""
    name = tool.rpartition("__")[2].lower()
    if name in SHELLS:
        return tuple(_shell(next((arguments[key] for key in COMMANDS if key in arguments), "")))
    if name in ("apply_patch", "patch"):
        return tuple(_patch("\n".join(one for one in arguments.values() if isinstance(one, str))))
    source, target = _first(arguments, (*SOURCES, *PATHS)), _first(arguments, TARGETS)
    action = str(arguments.get("action") or arguments.get("command") or "")
    if target and source and (action in ("move", "rename") or name in ("move", "move_file", "rename", "rename_file")):
        return ((source, "deleted"), (target, "made"))
    path = _first(arguments, PATHS)
    path = path.partition("#")[0] if name in _SECTIONS else path
    state = _acted(action) if name in _EDITORS and action else TOOLS.get(name)
    return ((path, state),) if path and state else ()


def _acted(action: str) -> FileState | None:
    return ACTIONS[action].state if action in ACTIONS else None


class Trail:
    """Follows calls and their results, in order, and keeps the current state of each file."""

    def __init__(self, earlier: Iterable[Artifact] = ()) -> None:
        """``earlier`` is the state before the first call."""
        self._known: dict[str, Artifact] = {one.path: one for one in earlier}
        self._places: dict[str, list[str]] = {}
        for path in self._known:
            self._place(path)

    def follow(self, tool: str, arguments: Mapping[str, Any], seq: int, *, failed: bool = False) -> None:
        """Take in one call that has its result."""
        if failed:
            return
        for path, state in touches(tool, arguments):
            self._touch(path, state, seq)

    @property
    def artifacts(self) -> tuple[Artifact, ...]:
        """All files, the latest touched at the end."""
        return tuple(self._known.values())

    def _touch(self, named: str, state: FileState, seq: int) -> None:
        path = self._whole(named)
        before = self._known.pop(path, None)
        if before and state == "read":
            state = before.state
            seq = before.seq if state != "read" else seq
        elif before and state == "made" and before.state != "deleted":
            state = "changed"
        self._known[path] = Artifact(path, state, seq)
        self._place(path)

    def _place(self, path: str) -> None:
        places = self._places.setdefault(path.rpartition("/")[2], [])
        if path not in places:
            places.append(path)

    def _whole(self, named: str) -> str:
        """The known path of a file that a command names from another folder, if only one fits."""
        path = named.removeprefix("./")
        if path.startswith(("/", "~")) or path in self._known:
            return path
        longer = [one for one in self._places.get(path.rpartition("/")[2], ()) if one.endswith(f"/{path}")]
        return longer[0] if len(longer) == 1 else path


def _first(arguments: Mapping[str, Any], names: Sequence[str]) -> str:
    return next((one for name in names if isinstance(one := arguments.get(name), str) and one), "")


# Shells and patches.

_HEREDOC = re.compile(r"<<-?\s*(['\"]?)(\w+)\1(.*?)^\s*\2\s*$", re.DOTALL | re.MULTILINE)
_UNSURE = re.compile(r"[*?\[\]{}$`~!]|^[-+]|^[\d,]+p?$|^/dev/")
_SEPARATE = frozenset(";|&()\n")


def _shell(command: Any) -> Iterator[Touch]:
    """The effects of a shell text on files, command by command; none if the text is not plain."""
    text = " ".join(map(str, command)) if isinstance(command, list | tuple) else str(command)
    bare = _HEREDOC.sub(lambda found: found[3].partition("\n")[0] + "\n", text).replace("\\\n", " ")
    lexer = shlex.shlex(bare, posix=True, punctuation_chars="();<>|&\n")
    lexer.whitespace, lexer.whitespace_split, lexer.commenters = " \t\r", True, ""
    try:
        words = list(lexer)
    except ValueError:
        return
    for one in _parted(words):
        yield from _simple(one)


def _parted(words: Iterable[str]) -> Iterator[list[str]]:
    """The words of each simple command, without comments."""
    one, comment = list[str](), False
    for word in words:
        if word and set(word) <= _SEPARATE:
            comment = comment and "\n" not in word
            if not comment:
                yield one
                one = []
        elif comment or word.startswith("#"):
            comment = True
        else:
            one.append(word)
    yield one


def _simple(words: list[str]) -> Iterator[Touch]:
    plain = list(_redirected(words))
    yield from (one for one in plain if isinstance(one, tuple))
    said = [one for one in plain if isinstance(one, str)]
    while said and (said[0] in ("sudo", "command", "time") or re.fullmatch(r"\w+=\S*", said[0])):
        said.pop(0)
    if said[:1] == ["git"] and said[1:2] and said[1] in ("rm", "mv"):
        said.pop(0)
    program = _PROGRAMS.get(said[0]) if said else None
    if program:
        yield from program(said[1:])


def _redirected(words: Sequence[str]) -> Iterator[str | Touch]:
    """The words of a command, with an effect in place of each redirection to a file."""
    following = iter(words)
    for word in following:
        if word in (">", ">>", ">|", "&>"):
            path = next(following, "")
            if _sure(path):
                yield (path, "changed" if word == ">>" else "made")
        elif word in (">&", "<", "<<<", "<<"):
            next(following, "")
        else:
            yield word


def _sure(path: str) -> bool:
    return bool(path) and not _UNSURE.search(path)


def _each(state: FileState) -> Callable[[Sequence[str]], Iterator[Touch]]:
    def touched(words: Sequence[str]) -> Iterator[Touch]:
        return ((word, state) for word in words if _sure(word))

    return touched


def _moved(words: Sequence[str]) -> Iterator[Touch]:
    yield from ((one, "deleted") for one in _pair(words)[:1])
    yield from _copied(words)


def _copied(words: Sequence[str]) -> Iterator[Touch]:
    if pair := _pair(words):
        source, target = pair
        yield (target + source.rpartition("/")[2] if target.endswith("/") else target), "made"


def _pair(words: Sequence[str]) -> tuple[str, str] | tuple[()]:
    named = [word for word in words if not word.startswith("-")]
    return (named[0], named[1]) if len(named) == 2 and all(map(_sure, named)) and "." not in named else ()


def _sed(words: Sequence[str]) -> Iterator[Touch]:
    """The effect of sed: the file is the last word, after the program."""
    named = [word for word in words if not word.startswith("-")]
    if len(named) >= 2 and _sure(named[-1]):
        inside = any(re.match(r"-\w*i|--in-place", word) for word in words)
        yield named[-1], "changed" if inside else "read"


_PROGRAMS: Mapping[str, Callable[[Sequence[str]], Iterator[Touch]]] = {
    **dict.fromkeys(("cat", "head", "tail", "less", "nl", "bat"), _each("read")),
    **dict.fromkeys(("rm", "unlink"), _each("deleted")),
    **dict.fromkeys(("touch", "tee"), _each("made")),
    "mv": _moved,
    "cp": _copied,
    "sed": _sed,
}
"""The effects of programs on the files that are named after them."""

_PATCHED: tuple[tuple[str, FileState], ...] = (("Add", "made"), ("Update", "changed"), ("Delete", "deleted"))


def _patch(text: str) -> Iterator[Touch]:
    """The files of a patch in the form of `*** Update File: path`."""
    for word, path in re.findall(r"^\*\*\* (Add|Update|Delete) File: (.+)$", text, re.MULTILINE):
        yield path.strip(), dict(_PATCHED)[word]
