"""Which conversations belong together: an agent's own and those of its sub-agents are one session of the list."""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

from agentmem.report.loading import RUNS, WIRE_LOG
from agentmem.transcript.delegates import owner

_SUBAGENTS = "subagents"
"""Claude Code's folder beside a log, with the logs of the sub-agents that it began."""
_BEGAN = "agent-"


@dataclass(frozen=True, slots=True)
class Family:
    """``id`` names it in addresses, ``name`` is what people call it, ``path`` the file of its main conversation."""

    id: str
    name: str
    path: str
    format: str


def family_of(path: str, name: str, format: str) -> Family:
    """The session that a conversation of a file belongs to."""
    main, root = _main_file(Path(path)), _main_name(name, format)
    if main != Path(path):
        root = main.stem
    return Family(blake2b(f"{main}\0{root}".encode(), digest_size=6).hexdigest(), root, str(main), format)


def _main_file(path: Path) -> Path:
    """The log that the one at ``path`` is a sub-agent's of; else itself."""
    parts = path.parts
    if _SUBAGENTS not in parts:
        return path
    place = len(parts) - 1 - parts[::-1].index(_SUBAGENTS)
    return Path(*parts[:place]).with_suffix(".jsonl") if place > 1 else path


def _main_name(name: str, format: str) -> str:
    if format == RUNS:
        above = owner(name)
        return _main_name(above, format) if above else name
    first, *rest = name.split("/")
    return first if rest and rest[-1].startswith(_BEGAN) else name


def project_of(family: Family, home: Path, folder: str = "") -> str:
    """The project that a session was about: the ``folder`` that its agent worked in, else as far as its place tells.

    Claude Code names a folder by the project's path with dashes. Both are shown without the home folder in front.
    """
    if folder.startswith(("/", "\\")) or folder[1:3] == ":\\":
        return _below(folder, home)
    path = Path(family.path)
    if family.format == RUNS:
        return path.parent.parent.name or path.name
    if family.format == WIRE_LOG:
        return "wire logs"
    dated = _NAMED_BY.get(family.format)
    if dated:
        return dated
    place = path.parent.name
    dashed = str(home).replace("/", "-").replace(".", "-")
    shown = place.removeprefix(dashed) if place.startswith(dashed) else place
    return shown.strip("-") or "~"


def _below(folder: str, home: Path) -> str:
    """A folder as people call it."""
    try:
        shown = Path(folder).relative_to(home).as_posix()
    except ValueError:
        return folder
    return "~" if shown == "." else shown


_NAMED_BY: Mapping[str, str] = {"codex": "Codex", "opencode": "opencode"}
"""Formats whose folders name days or hashes, not projects."""
