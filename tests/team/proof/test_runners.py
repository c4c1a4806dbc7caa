"""Whether the classes that run tests are still what they were."""

from typing import Any

import pytest

from agentmem.team.proof.runners import Runners


@pytest.fixture
def kind() -> Any:
    """A class that runs tests; what a test puts into it is taken away again."""
    before = dict(vars(pytest.CallInfo))
    yield pytest.CallInfo
    for name in vars(pytest.CallInfo).keys() - before.keys():
        delattr(pytest.CallInfo, name)


def test_a_function_that_is_new_counts_as_long_as_it_is_there(kind: Any) -> None:
    """A plain value changes nothing; a function does, however often it is asked, until it is gone."""
    runners = Runners()
    assert not runners.are_changed()
    kind.agentmem_value = 7
    assert not runners.are_changed()
    kind.agentmem_function = lambda call: None
    assert [runners.are_changed() for _ in range(2)] == [True, True]
    del kind.agentmem_function
    assert not runners.are_changed()
