"""The public names, as a user would import them."""

import subprocess
import sys
from pathlib import Path

import pytest

import agentmem


@pytest.mark.parametrize("name", agentmem.__all__)
def test_every_public_name_is_there(name: str) -> None:
    """Every name in `agentmem.__all__` exists, and has a docstring if it is ours."""
    assert getattr(agentmem, name)


def test_an_unknown_name_is_an_attribute_error() -> None:
    """A wrong name raises AttributeError, as on any module."""
    with pytest.raises(AttributeError, match="no attribute 'Agnet'"):
        _ = agentmem.Agnet


def test_importing_does_nothing_else(tmp_path: Path) -> None:
    """`import agentmem` writes nothing, prints nothing and loads nothing heavy."""
    code = (
        "import sys, agentmem; print([n for n in ('langgraph', 'anthropic', 'tiktoken', 'rich') if n in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("[]\n", "")
    assert list(tmp_path.iterdir()) == []
