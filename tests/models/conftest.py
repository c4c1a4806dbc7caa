"""The real engine for tests that need one."""

import importlib.util
from collections.abc import Iterator
from pathlib import Path

import pytest

from agentmem.models.engine import Engine
from agentmem.models.weights import find


@pytest.fixture(scope="session")
def weights() -> Path:
    """The installed weights; skips, with the reason, where the engine cannot run."""
    if importlib.util.find_spec("xllamacpp") is None:
        pytest.skip("xllamacpp has no wheel for this machine")
    found = find()
    if found is None:
        pytest.skip("the local engine's weights are not installed: run `agentmem local install`")
    return found


@pytest.fixture(scope="module")
def engine(weights: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """A running engine with room for 2,048 tokens."""
    with Engine(context=2048, states=tmp_path_factory.mktemp("states")) as running:
        yield running
