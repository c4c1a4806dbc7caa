"""Removing forks whose owner died without closing them."""

from functools import cache
from pathlib import Path

from agentmem.sandbox.state import abandoned, default_root


def sweep(root: Path | None = None) -> tuple[Path, ...]:
    """Remove the forks below ``root`` that no living process holds, and say which.

    None means where forks go that were given no place; the first such fork of a process sweeps there by itself. One
    that was given its place (``where=``) stays for ``Sandbox.reopen``, unless the folder that it is in is given here.
    """
    removed = []
    for held in abandoned(default_root() if root is None else root):
        held.remove()
        removed.append(held.where)
    return tuple(removed)


@cache
def sweep_once(root: Path) -> None:
    """``sweep``, the first time in this process."""
    sweep(root)
