"""uPlot, the library that draws the charts (MIT, https://github.com/leeoniya/uPlot), as a package carries it.

The files come in `youplot`; they are read from where they are installed and checked against the sha256 of uPlot's own
release, and none of that package's code is run.
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
    """uPlot's script and its style. Raises ConfigError when they are not installed, or are others."""
    found = find_spec("youplot")
    folders = (found and found.submodule_search_locations) or []
    if not folders:
        raise ConfigError(f"the page's charts need uPlot, which is not installed: {_INSTALL}")
    return read(Path(folders[0]), *SCRIPT), read(Path(folders[0]), *STYLE)


def read(folder: Path, name: str, sha256: str) -> str:
    """One file of the library. Raises ConfigError where it is not there or is not the one that was tested."""
    path = folder / name
    data = path.read_bytes() if path.is_file() else b""
    if hashlib.sha256(data).hexdigest() != sha256:
        raise ConfigError(f"{path} is not the file of uPlot that the page was made for: {_INSTALL} --force-reinstall")
    return data.decode()
