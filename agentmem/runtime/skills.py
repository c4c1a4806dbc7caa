"""Skills: folders of instructions (``skills/NAME/SKILL.md``), listed in the prefix by one line each and read on demand.

The format is the open one of agentskills.io: front matter with ``name`` and ``description``, then instructions, with
further files beside them. Entry 0 freezes the list. When the folder changes, a note at the tail says so, and the bytes
of the prefix stay.
"""

from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import Any

import yaml

from agentmem import assets
from agentmem.errors import ConfigError, WorkspaceError
from agentmem.pages import front
from agentmem.pages.workspace import Workspace

FILE = "SKILL.md"
LINES = 30
"""The most lines of the list: more skills are named by their number."""
WORDS = 240
"""The most characters of a description."""
ABOUT = "skills"
"""The subject of notes on changes."""

Skills = Mapping[str, str]
"""Descriptions by the name of the skill's folder, in the order of the names."""


def checked_folder(folder: str) -> str:
    """The folder's name in the workspace. Raises ConfigError for a place outside."""
    path = PurePosixPath(folder)
    if path.is_absolute() or ".." in path.parts or not path.parts:
        raise ConfigError(f"skills is {folder!r}, and it must name a folder in the workspace, such as 'skills'")
    return str(path)


def found(workspace: Workspace, folder: str) -> Skills:
    """The skills that there are now. What cannot be read has no description, and what is no skill is passed over."""
    made = {}
    for name in sorted(_folders(workspace.root / folder)):
        page = f"{folder}/{name}/{FILE}"
        stat = _stat(workspace.root / page)
        if stat is not None:
            made[name] = _description(_Place(workspace, page), stat)
    return made


def section(workspace: Workspace, folder: str) -> str:
    """The list as a block of the system prompt."""
    return f"{_heading(folder)}\n\n" + "\n".join(_lines(found(workspace, folder)) or ("- none yet",))


def note(workspace: Workspace, folder: str, system: tuple[str, ...], before: str | None) -> Iterator[tuple[str, str]]:
    """A note if the skills are not those of the list in ``system``; ``before`` is the last note on them."""
    block = next((one for one in system if one.startswith(_heading(folder))), "")
    listed, now = _lines_of(block), tuple(_lines(found(workspace, folder)))
    if listed == now or (not block and not now):
        if before is not None:
            yield ABOUT, f"[Note] The skills in {folder}/ are again as listed at the beginning."
        return
    old, new = _named(listed), _named(now)
    gone = [f"- {name} is gone" for name in old if name not in new]
    told = [line for name, line in new.items() if old.get(name) != line]
    head = f"[Note] The skills in {folder}/ are no longer as listed at the beginning. What is new, changed or gone:"
    yield ABOUT, "\n".join((head, *told, *gone))


def _heading(folder: str) -> str:
    return assets.read("prompts/skills.md").strip().replace("{folder}", folder)


def _lines(skills: Skills) -> list[str]:
    lines = [f"- {name}: {said}" for name, said in skills.items()]
    more = len(lines) - LINES + 1
    return lines if len(lines) <= LINES else [*lines[: LINES - 1], f"- and {more} more: list the folder"]


def _lines_of(block: str) -> tuple[str, ...]:
    lines = block.splitlines()
    return tuple(line for line in lines if line.startswith("- ") and line != "- none yet")


def _named(lines: tuple[str, ...]) -> dict[str, str]:
    return {line.removeprefix("- ").partition(":")[0]: line for line in lines}


def _folders(place: Path) -> Iterator[str]:
    try:
        yield from (one.name for one in place.iterdir() if one.is_dir() and not one.name.startswith("."))
    except OSError:
        return


def _stat(file: Path) -> tuple[int, int] | None:
    try:
        now = file.lstat()
    except OSError:
        return None
    return now.st_mtime_ns, now.st_size


class _Place:
    """A page, equal by its file, so that it is read again only when the file has changed."""

    def __init__(self, workspace: Workspace, page: str) -> None:
        self.workspace, self.page = workspace, page
        self._file = workspace.root / page

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Place) and self._file == other._file

    def __hash__(self) -> int:
        return hash(self._file)


@lru_cache(maxsize=512)
def _description(place: _Place, stat: tuple[int, int]) -> str:
    try:
        data = place.workspace.text(place.page).encode()
    except WorkspaceError:
        return "(it cannot be read)"
    said = _front(data).get("description")
    line = " ".join(str(said or "(no description)").split())
    return line if len(line) <= WORDS else f"{line[: WORDS - 1]}…"


def _front(data: bytes) -> Mapping[str, Any]:
    text = data[: front.end(data)].decode("utf-8", "replace").strip().strip("-")
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError:
        return {}
    return value if isinstance(value, Mapping) else {}
