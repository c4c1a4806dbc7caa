"""Rights of a run: globs for the files that it may change, and the folders that the kernel can enforce itself.

Only `sandbox` uses it. It is a module of its own because it touches no file.
"""

import re
from collections.abc import Iterable, Sequence
from functools import cache

from agentmem.sandbox.tree import canonical

_MAGIC = frozenset("*?[")


def allowed(path: str, globs: Iterable[str]) -> bool:
    """True if one of ``globs`` matches: "*" stays in a folder, "**" does not; a folder's name covers its content."""
    return any(_pattern(glob).fullmatch(path) for glob in globs)


def folders(globs: Sequence[str]) -> list[str] | None:
    """The outermost folders that the globs name as a whole, such as ``tests/**``; None if a glob names less."""
    found = {checked(glob).removesuffix("/**") for glob in globs}
    if any(_MAGIC & set(name) or "." in name.rpartition("/")[2].lstrip(".") for name in found):
        return None
    return sorted(name for name in found if not any(name.startswith(f"{other}/") for other in found))


def checked(glob: str) -> str:
    """The glob in canonical form. Raises SandboxError if it could match nothing in a fork."""
    return canonical(glob.rstrip("/"))


@cache
def _pattern(glob: str) -> re.Pattern[str]:
    parts = checked(glob).split("/")
    return re.compile("".join(_part(part, last=at == len(parts) - 1) for at, part in enumerate(parts)), re.DOTALL)


def _part(part: str, last: bool) -> str:
    if part == "**":
        return ".+" if last else "(?:.+/)?"
    translated = "".join(map(_piece, _split(part)))
    return f"{translated}(?:/.*)?" if last else f"{translated}/"


def _piece(piece: str) -> str:
    return _class(piece) if len(piece) > 1 else _PIECES.get(piece, re.escape(piece))


_PIECES = {"*": "[^/]*", "?": "[^/]"}


def _split(part: str) -> list[str]:
    return re.findall(r"\[!?\]?[^\]/]*\]|.", part, re.DOTALL)


def _class(piece: str) -> str:
    inside = piece[1:-1].replace("\\", "\\\\")
    return f"[^{inside[1:]}/]" if inside.startswith("!") else f"[{inside}]"
