"""Lists the paths by folder, and the commands, that calls named: the last used first, as many as fit."""

from collections.abc import Iterable

from agentmem.tokens import count

PATHS_HEAD = (
    "[Files and folders that calls have named, by folder, those used last first. A + stands behind those that calls "
    "have changed.]"
)
COMMANDS_HEAD = "[Commands that were run, the last first, with the numbers of their entries.]"
WIDTH = 200
"""The most characters of a command that are shown."""


def paths_listed(paths: dict[str, int], changed: Iterable[str], room: int) -> tuple[str, tuple[str, ...]]:
    """The list of paths, and the paths in it. ``paths`` has the last entry that named each, latest last."""
    folders: dict[str, list[str]] = {}
    marked, room = set(changed), room - count(PATHS_HEAD)
    for path in reversed(paths):
        folder, _, name = path.rpartition("/")
        size = count(name) + 2 + (0 if folder in folders else count(folder) + 4)
        if size > room:
            break
        room -= size
        folders.setdefault(folder, []).append(f"{name}+" if path in marked else name)
    lines = [f"- {folder or '.'}: {' '.join(names)}" for folder, names in folders.items()]
    shown = tuple(f"{folder}/{name.removesuffix('+')}" for folder, names in folders.items() for name in names)
    return ("\n".join((PATHS_HEAD, *lines)) if lines else ""), shown


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
