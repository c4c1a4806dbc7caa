"""Small plugins of pytest in the judge: which tests are run, in which order, and where their temporary folders are.

The judge runs it by itself, without the rest of agentmem.
"""

from pathlib import Path

import pytest


class Nameless:
    """A plugin of pytest that gives folders no names of tests: these have parameters, such as what is expected."""

    @pytest.fixture
    def tmp_path(self, tmp_path_factory: pytest.TempPathFactory) -> Path:
        """A new folder for one test."""
        return tmp_path_factory.mktemp("test", numbered=True)


class Rest:
    """A plugin of pytest that leaves out the tests that were run before, in an earlier session."""

    def __init__(self, told: frozenset[str]) -> None:
        self.told = told

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        items[:] = [one for one in items if one.nodeid not in self.told]


class Reversed:
    """A plugin of pytest that turns the order of tests round."""

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        items.reverse()
