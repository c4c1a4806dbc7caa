"""agentmem.closing: an object with a close is closed at the end of a `with`."""

import pickle
from pathlib import Path

import pytest

from agentmem.closing import Closing
from agentmem.errors import ConfigError
from agentmem.models.anthropic import AnthropicModel
from agentmem.models.scripted import ScriptedModel
from agentmem.pages.workspace import Workspace
from agentmem.runtime.agent import Agent


class Door(Closing):
    open = True

    def close(self) -> None:
        self.open = False


def test_it_is_closed_at_the_end() -> None:
    """The block gets the object itself, and the object is closed after the block."""
    door = Door()
    with door as entered:
        assert entered is door
        assert door.open
    assert not door.open


def test_it_is_closed_after_an_error_that_goes_on() -> None:
    """An error inside the block closes the object too, and is raised."""
    door = Door()
    with pytest.raises(LookupError), door:
        raise LookupError
    assert not door.open


def test_what_can_go_to_another_process(tmp_path: Path) -> None:
    """A workspace goes as its folder and a model as its settings; an agent, a key or a client says what to do."""
    (tmp_path / "a.md").write_text("a")
    again = pickle.loads(pickle.dumps(Workspace(tmp_path)))
    assert again.names() == ("a.md",)
    model = pickle.loads(pickle.dumps(AnthropicModel("claude-sonnet-5-5", max_retries=7)))
    assert (model.name, model.max_retries, model.api_key) == ("claude-sonnet-5-5", 7, None)
    with Agent(ScriptedModel([]), tmp_path) as agent, pytest.raises(ConfigError, match="module:make_agent"):
        pickle.dumps(agent)
    with pytest.raises(ConfigError, match="the key would go along"):
        pickle.dumps(AnthropicModel("claude-sonnet-5-5", api_key="secret"))
