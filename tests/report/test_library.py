"""agentmem.report.library."""

from pathlib import Path

import pytest

from agentmem.errors import ConfigError
from agentmem.report.library import SCRIPT, library, read


def test_the_library_is_there() -> None:
    """Its script names it and its version, and ends no script element."""
    script, style = library()
    assert script.startswith("/*! https://github.com/leeoniya/uPlot (v1.6.31) */")
    assert "</" not in script
    assert ".u-over" in style


@pytest.mark.parametrize("content", [None, b"var uPlot = 1;"])
def test_another_file_is_refused(tmp_path: Path, content: bytes | None) -> None:
    """A file that is missing or not the one that was tested is never put into a page."""
    path = tmp_path / SCRIPT[0]
    path.parent.mkdir()
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ConfigError, match=r"agentmem-runtime\[report\].*--force-reinstall"):
        read(tmp_path, *SCRIPT)
