"""Lists of what calls named: files with their last state, other paths, and commands, as far as there is room."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from agentmem.compaction.artifacts import Artifact
from agentmem.tokens import count

FILES_HEAD = (
    "[Files that calls touched, and how each stands now, by folder, newest first; the numbers name the calls. Paths "
    "that calls only named stand behind them.]"
)
COMMANDS_HEAD = "[Commands that were run, the last first, with the numbers of their entries.]"
WIDTH = 200
"""The most characters of a command that are shown."""
_REFERENCE = 8  # tokens of the entries behind a line
_FOLDERS = 6  # the most folders named of files that are only counted


@dataclass(frozen=True, slots=True)
class ListedFiles:
    """The text of a list of files, and each path in it, written out."""

    text: str
    paths: tuple[str, ...]


def files_listed(files: Sequence[Artifact], named: dict[str, int], trail: int, room: int) -> ListedFiles:
    """The list of ``files`` by state and folder, in about ``trail`` tokens, and of the other paths that calls
    ``named``, in ``room`` tokens: the latest first, and files that were only read behind all others.

    ``named`` has the entries that named each path last, latest last. Files without room are counted by state, with the
    entries that a recall can list.
    """
    lines, shown, older = _stated(_ordered(files), trail)
    found = _Known(shown)
    more, listed = _named((path for path in reversed(named) if path not in found), room)
    lines += [*_counted(older), *more]
    return ListedFiles("\n".join((FILES_HEAD, *lines)) if lines else "", (*(one.path for one in shown), *listed))


def trail_tokens(files: Sequence[Artifact]) -> int:
    """The tokens with which `files_listed` lists all ``files`` with their states."""
    folders = ((f"- {state} in {folder or './'}:", folder, some) for state, folder, some in _grouped(_ordered(files)))
    return sum(
        count(head) + _REFERENCE + sum(count(f" {one.path.removeprefix(folder)}") for one in some)
        for head, folder, some in folders
    )


def _ordered(files: Iterable[Artifact]) -> list[Artifact]:
    return sorted(files, key=lambda one: (one.state == "read", -one.seq))


def _stated(ordered: Iterable[Artifact], room: int) -> tuple[list[str], list[Artifact], list[Artifact]]:
    """The lines of files with their states, the files in them, and those without room."""
    lines, shown, older = list[str](), list[Artifact](), list[Artifact]()
    for state, folder, files in _grouped(ordered):
        head = f"- {state} in {folder or './'}:"
        left = room - count(head) - _REFERENCE
        fitting = list[Artifact]()
        for one in files:
            left -= count(f" {one.path.removeprefix(folder)}")
            if left < 0:
                break
            fitting.append(one)
        older += files[len(fitting) :]
        if fitting:
            room = left
            names = " ".join(one.path.removeprefix(folder) for one in fitting)
            lines.append(f"{head} {names} [{_stretch(fitting)}]")
            shown += fitting
    return lines, shown, older


def _named(paths: Iterable[str], room: int) -> tuple[list[str], list[str]]:
    """The lines of paths without a state, and the paths in them."""
    folders: dict[str, list[str]] = {}
    for path in paths:
        folder, _, name = path.rpartition("/")
        size = count(name) + 2 + (0 if folder in folders else count(folder) + 4)
        if size > room:
            break
        room -= size
        folders.setdefault(folder, []).append(name)
    lines = [f"- {folder or '.'}: {' '.join(names)}" for folder, names in folders.items()]
    return lines, [f"{folder}/{name}" for folder, names in folders.items() for name in names]


class _Known:
    """The paths of some files; a path that is the end of one, or ends with one, names the same file."""

    def __init__(self, files: Iterable[Artifact]) -> None:
        self._places: dict[str, list[str]] = {}
        for one in files:
            self._places.setdefault(one.path.rpartition("/")[2], []).append(one.path)

    def __contains__(self, path: str) -> bool:
        known = self._places.get(path.rpartition("/")[2], ())
        return any(one == path or one.endswith(f"/{path}") or path.endswith(f"/{one}") for one in known)


def _grouped(files: Iterable[Artifact]) -> Iterator[tuple[str, str, list[Artifact]]]:
    """Files by state and folder, each group where its first file stands."""
    found: dict[tuple[str, str], list[Artifact]] = {}
    for one in files:
        folder, slash, _ = one.path.rpartition("/")
        found.setdefault((one.state, folder + slash), []).append(one)
    for (state, folder), some in found.items():
        yield state, folder, some


def _counted(older: Sequence[Artifact]) -> Iterator[str]:
    for state in dict.fromkeys(one.state for one in older):
        files = [one for one in older if one.state == state]
        folders = ", ".join(dict.fromkeys(folder or "./" for _, folder, _ in islice(_grouped(files), _FOLDERS)))
        yield f"- {len(files)} more {state} in {folders} [{_stretch(files)}]"


def _stretch(files: Sequence[Artifact]) -> str:
    """The entries of some files, as a recall takes them."""
    first, last = min(one.seq for one in files), max(one.seq for one in files)
    return str(first) if first == last else f"{first}-{last}"


def commands_listed(commands: dict[str, int], room: int) -> str:
    """The list of commands. ``commands`` has the entry that ran each last, in order, the latest last."""
    lines, room = list[str](), room - count(COMMANDS_HEAD)
    for text in reversed(commands):
        line = f"- {commands[text]} {shortened(text)}"
        room -= count(line) + 1
        if room < 0:
            break
        if line.partition(" ")[2] not in lines:
            lines.append(line)
    return "\n".join((COMMANDS_HEAD, *lines)) if lines else ""


def shortened(text: str) -> str:
    """A command on one line."""
    line = " ".join(text.split())
    return line if len(line) <= WIDTH else f"{line[: WIDTH - 1].rstrip()}…"
