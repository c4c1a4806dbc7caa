"""Finds the prompts and tool cards that travel with the package, installed or in a checkout."""

from functools import cache
from pathlib import Path

from agentmem.errors import AssetMissing

_PACKAGE = Path(__file__).resolve().parent


@cache
def folder(name: str) -> Path:
    """The folder of assets called ``name`` ("prompts", "tools" or "examples").

    A wheel has it inside the package; a checkout, an editable install and an unpacked sdist have it beside the package.
    Raises AssetMissing.
    """
    for candidate in (_PACKAGE / "_assets" / name, _PACKAGE.parent / name):
        if candidate.is_dir():
            return candidate
    raise AssetMissing(
        f"agentmem was installed without its '{name}' folder; install it again from a wheel or a checkout"
    )


def read(name: str) -> str:
    """The text of one asset, by its path: ``read("prompts/agent.md")``. Raises AssetMissing."""
    top, _, rest = name.partition("/")
    path = folder(top) / rest
    if not path.is_file():
        raise AssetMissing(f"agentmem was installed without '{name}'; install it again from a wheel or a checkout")
    return path.read_text(encoding="utf-8")
