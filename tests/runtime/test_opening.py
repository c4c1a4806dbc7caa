"""agentmem.runtime.opening."""

from pathlib import Path

from agentmem.menu.menu import default_menu
from agentmem.models.scripted import ScriptedModel
from agentmem.runtime.agent import Agent
from agentmem.runtime.opening import instructions, new_opening
from agentmem.transcript.transcript import PinnedPage, read_opening
from agentmem.types import ModelProfile, Options

PROFILE = ModelProfile("anthropic", "claude", "cloud", plain_turn_strips_thinking=True)


def test_an_opening_freezes_what_it_is_given() -> None:
    """The model's name and habit, the menu's definitions in order, pages and options; no system block of no text."""
    page, options = PinnedPage("a.md", "ff", "# A"), Options(effort="low")
    made = new_opening(PROFILE, default_menu(), "", [page], options)
    assert (made.model, made.notes_in_results, made.system) == ("claude", True, ())
    assert [one["name"] for one in made.tools] == list(default_menu().names)
    assert (made.pinned, made.options) == ((page,), options)


def test_an_agent_opens_its_threads_so(tmp_path: Path) -> None:
    """Entry 0 of a new thread is this opening, with the default instructions unless others are given."""
    model = ScriptedModel(["Hello."])
    with Agent(model, tmp_path) as agent:
        agent.run("Hi.", thread="t")
        opened = read_opening(agent.journal.entry("t/0"))
    assert opened == new_opening(model.profile, default_menu(), instructions(None), [])
    assert len(instructions(None)) > 200
    assert instructions("Be brief.") == "Be brief."
