"""pytest fixtures: tests that fail when a prompt's prefix breaks, or when an agent misses its cache or costs too much.

    def test_agent(prefix_guard, simulation):
        client = simulation.watch(prefix_guard.watch(anthropic.Anthropic()))
        run_my_agent(client)
        simulation.assert_hit_rate(0.9)

Loaded by pytest wherever agentmem is installed; so nothing is imported before a test asks for a fixture.
"""

from collections.abc import Callable, Generator, Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from agentmem.integrations.guards import CacheMeter, PrefixGuard
    from agentmem.models.scripted import ScriptedModel


@pytest.fixture
def prefix_guard() -> "Iterator[PrefixGuard]":
    """Fails the test if a watched request is not a byte extension of the one before: see `PrefixGuard`."""
    from agentmem.integrations.guards import PrefixGuard

    guard = PrefixGuard()
    yield guard
    guard.close()


@pytest.fixture
def simulation() -> "Iterator[CacheMeter]":
    """Tokens, cache hits and dollars of what is watched, and assertions on them: see `CacheMeter`."""
    from agentmem.integrations.guards import CacheMeter

    meter = CacheMeter()
    yield meter
    meter.close()


@pytest.fixture
def scripted_model() -> "Iterator[Callable[..., ScriptedModel]]":
    """Makes models that say what a script tells them: ``scripted_model(["Hello.", ...])``; see `ScriptedModel`."""
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
    """When a test has passed otherwise, its guard is asked: a broken prefix fails the test, not its teardown."""
    result = yield
    guard = getattr(item, "funcargs", {}).get("prefix_guard")
    if guard is not None and guard.breaks:
        pytest.fail(guard.said(), pytrace=False)
    return result
