"""agentmem.runtime.opening."""

from pathlib import Path

from agentmem.menu.menu import default_menu
from agentmem.models.scripted import ScriptedModel
from agentmem.runtime.agent import Agent
from agentmem.runtime.opening import instructions, new_opening
from agentmem.transcript.transcript import PinnedPage, read_opening
from agentmem.types import ModelProfile, Options
from tests.runtime.agents import NOON, agent, clock, kinds

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


def notes(one: Agent, thread: str) -> list[str]:
    return [entry.value["text"] for entry in one.journal.entries(thread) if entry.kind == "note"]


def test_the_date_is_said_once_a_day(tmp_path: Path) -> None:
    """Two runs on one day have one note of the date; the next day has another."""
    now = [NOON]
    with Agent(ScriptedModel(["One.", "Two.", "Three."]), tmp_path, clock=lambda: now[0]) as one:
        one.run("a", thread="t")
        one.run("b", thread="t")
        assert notes(one, "t") == ["[Note] Today is Wednesday, 26 November 2025."]
        now[0] += 24 * 3600
        one.run("c", thread="t")
        assert notes(one, "t")[1:] == ["[Note] Today is Thursday, 27 November 2025."]


def test_an_edited_pinned_page_is_a_note_and_no_change_of_the_prefix(tmp_path: Path) -> None:
    """The frozen page stays in the prefix; what differs now is said once, at the tail."""
    page = tmp_path / "rules.md"
    page.write_text("# Rules\n\nBe kind.\n", encoding="utf-8")
    model = ScriptedModel(["One.", "Two.", "Three."])
    with Agent(model, tmp_path, pinned=["rules.md"], clock=clock) as one:
        one.run("a", thread="t")
        page.write_text("# Rules\n\nBe kind, and brief.\n", encoding="utf-8")
        one.run("b", thread="t")
        one.run("c", thread="t")
        said = notes(one, "t")[1:]
        assert kinds(one, "t").count("note") == 2
    assert len(said) == 1
    assert "is no longer as shown" in said[0]
    assert "+Be kind, and brief." in said[0]
    assert model.requests[0].system == model.requests[-1].system


def test_a_pinned_page_that_is_gone_is_said(tmp_path: Path) -> None:
    """A deleted pinned page is told once, and the run goes on."""
    (tmp_path / "rules.md").write_text("# Rules\n", encoding="utf-8")
    with agent(tmp_path, ["One.", "Two.", "Three."], pinned=["rules.md"]) as one:
        one.run("a", thread="t")
        (tmp_path / "rules.md").unlink()
        one.run("b", thread="t")
        one.run("c", thread="t")
        assert ["deleted" in text for text in notes(one, "t")[1:]] == [True]


def test_a_pinned_page_that_was_put_back_is_said(tmp_path: Path) -> None:
    """When the page is again as frozen, the model hears that too."""
    page = tmp_path / "rules.md"
    page.write_text("# Rules\n", encoding="utf-8")
    with agent(tmp_path, ["One.", "Two.", "Three."], pinned=["rules.md"]) as one:
        one.run("a", thread="t")
        page.write_text("# Other\n", encoding="utf-8")
        one.run("b", thread="t")
        page.write_text("# Rules\n", encoding="utf-8")
        one.run("c", thread="t")
        assert "is again as shown" in notes(one, "t")[-1]
