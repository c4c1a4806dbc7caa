"""Contexts for the tests of tools."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from agentmem.menu.toolbox import ToolContext
from agentmem.pages.workspace import Workspace


@pytest.fixture
def context(tmp_path: Path) -> Iterator[ToolContext]:
    """A context with an empty workspace."""
    workspace = Workspace(tmp_path)
    yield ToolContext(workspace, "main", environment={"PATH": "/usr/bin:/bin"})
    workspace.close()


@pytest.fixture(scope="module")
def anywhere(tmp_path_factory: pytest.TempPathFactory) -> ToolContext:
    """A context for tools that do not look at it."""
    return ToolContext(Workspace(tmp_path_factory.mktemp("workspace")), "main", environment={})
