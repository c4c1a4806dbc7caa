"""Finds uPlot, the library that draws the charts (MIT, https://github.com/leeoniya/uPlot), in an installed package.

The package is `youplot`. Its copies of uPlot's files are checked against the sha256 of uPlot's own release, and none of
the package's code is run. This stands alone so that a new release of uPlot changes one module.
"""

import hashlib
from importlib.util import find_spec
from pathlib import Path

from agentmem.distribution import install
from agentmem.errors import ConfigError

SCRIPT = "vendor/uplot.iife.min.js", "2d27e8ad3d228164525ce213f9dc716f39b4e3aee0cc773fb3491c96cf4921a2"
STYLE = "vendor/uplot.min.css", "df630c6a8d6f8eeaff264b50f73ce5b114f646ffd9a0bb74f049b0a00135fa04"
"""dist/uPlot.iife.min.js and dist/uPlot.min.css of uPlot 1.6.31."""

_INSTALL = install("report")


def library() -> tuple[str, str]:
    """uPlot's script and its style sheet. Raises ConfigError if they are not installed, or differ from the release."""
    found = find_spec("youplot")
    folders = (found and found.submodule_search_locations) or []
    if not folders:
        raise ConfigError(f"the page's charts need uPlot, which is not installed: {_INSTALL}")
    return read(Path(folders[0]), *SCRIPT), read(Path(folders[0]), *STYLE)


def read(folder: Path, name: str, sha256: str) -> str:
    """One file of the library. Raises ConfigError if it is missing or differs from the tested one."""
    path = folder / name
    data = path.read_bytes() if path.is_file() else b""
    if hashlib.sha256(data).hexdigest() != sha256:
        raise ConfigError(f"{path} is not the file of uPlot that the page was made for: {_INSTALL} --force-reinstall")
    return data.decode()
