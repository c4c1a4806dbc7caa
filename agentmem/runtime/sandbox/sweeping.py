"""Removing forks whose owner died without closing them."""

from pathlib import Path


def sweep(root: Path | None = None) -> tuple[Path, ...]:
    """Remove the forks below ``root`` that no living process holds, and say which; see Sandbox.fork for the default.

    A fork that was given its place (``where=``) is kept for ``Sandbox.reopen``, unless ``root`` is given here.
    """
    raise NotImplementedError
