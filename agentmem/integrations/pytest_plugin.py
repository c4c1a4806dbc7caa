"""Gives pytest fixtures that fail a test when a prompt's prefix breaks, or an agent misses its cache or costs too much.

    def test_agent(prefix_guard, simulation):
        client = simulation.watch(prefix_guard.watch(anthropic.Anthropic()))
        run_my_agent(client)
        simulation.assert_hit_rate(0.9)

pytest loads this module wherever agentmem is installed; so it imports nothing before a test asks for a fixture.
"""

from collections.abc import Callable, Generator, Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from agentmem.integrations.guards import CacheMeter, PrefixGuard
    from agentmem.models.scripted import ScriptedModel


@pytest.fixture
def prefix_guard() -> "Iterator[PrefixGuard]":
    """A `PrefixGuard`: the test fails if a watched request is not a byte extension of the one before.

    def test_agent(prefix_guard):
        run_my_agent(prefix_guard.watch(anthropic.Anthropic()))
    """
    from agentmem.integrations.guards import PrefixGuard

    guard = PrefixGuard()
    yield guard
    guard.close()


@pytest.fixture
def simulation() -> "Iterator[CacheMeter]":
    """A `CacheMeter`: tokens, cache hits and dollars of the watched requests, and assertions on them.

    def test_agent(simulation):
        run_my_agent(simulation.watch(anthropic.Anthropic()))
        simulation.assert_hit_rate(0.9)
        simulation.assert_cost(0.05)  # dollars
    """
    from agentmem.integrations.guards import CacheMeter

    meter = CacheMeter()
    yield meter
    meter.close()


@pytest.fixture
def scripted_model() -> "Iterator[Callable[..., ScriptedModel]]":
    """Makes a `ScriptedModel` from its script and settings, and closes it after the test.

    def test_agent(scripted_model):
        run_my_agent(scripted_model([{"calls": [{"read": {"page": "notes.md"}}]}, "Done."]))
    """
    from agentmem.models.scripted import ScriptedModel

    made: list[ScriptedModel] = []

    def make(script: Any, **settings: Any) -> ScriptedModel:
        made.append(ScriptedModel(script, **settings))
        return made[-1]

    yield make
    for model in made:
        model.close()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Asks the guard of each test that passed, so that a broken prefix fails the test itself and not its teardown."""
    result = yield
    guard = getattr(item, "funcargs", {}).get("prefix_guard")
    if guard is not None and guard.breaks:
        pytest.fail(guard.said(), pytrace=False)
    return result
