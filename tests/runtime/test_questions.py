"""Questions to an agent: answered from the workspace, kept with the pages that they came from."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from agentmem.answers.values import Answer
from agentmem.errors import ConfigError
from agentmem.menu.menu import make_menu, tool
from agentmem.pages.workspace import Workspace
from agentmem.runtime.agent import Agent
from agentmem.runtime.stops import Limits
from agentmem.types import ToolCall
from tests.answers.caches import QUIET, opened
from tests.objects import ObjectServer
from tests.runtime.agents import agent, call

READ = call("read", '{"page": "returns.md#Returns"}')
FIND = call("find", '{"words": "shipping days"}')


@pytest.fixture
def pages(tmp_path: Path) -> Workspace:
    workspace = Workspace(tmp_path)
    for name, text in (("returns", "Within 30 days."), ("shipping", "Shipping takes two days."), ("about", "A shop.")):
        workspace.write(f"{name}.md", f"# {name.title()}\n\n{text}\n")
    return workspace


def asked(pages: Workspace, turns: list[Any], **settings: Any) -> Agent:
    """An agent over the pages, with a cache that needs no model."""
    one = agent(pages.root, turns, **settings)
    one.answers = opened(pages.root / ".agentmem" / "answers", workspace=one.workspace, settings=QUIET)
    return one


def sources(answer: Answer | None) -> set[str]:
    assert answer is not None
    return {one.name for one in answer.sources}


def test_an_answer_is_kept_with_its_pages(pages: Workspace) -> None:
    """Those it read and those a search showed; the model is not asked again until one of them changes."""
    with asked(pages, [READ, FIND, "Within 30 days."]) as one:
        first = one.ask("how do shoes go back")
        assert (first.text, first.how) == ("Within 30 days.", "fresh")
        assert sources(first.answer) == {"returns.md", "shipping.md"}
        assert one.ask("shoes go back how do").how == "semantic"
        pages.append("about.md", "More.\n")
        assert one.ask("How do shoes go back?").how == "exact"
        pages.replace("returns.md", "30", "20")
        assert one.ask("How do shoes go back?").how == "fresh"
        one.answers.close()


def test_pinned_pages_are_sources(pages: Workspace) -> None:
    """They stand in the prefix, so the answer depends on them."""
    with asked(pages, ["A shop."], pinned=["about.md"]) as one:
        assert sources(one.ask("what is it").answer) == {"about.md"}
        one.answers.close()


def test_asking_changes_nothing(pages: Workspace) -> None:
    """A tool that writes refuses; the run of its own leaves other threads as they are."""
    turns = [call("write", '{"page": "new.md", "text": "x"}'), "I may not write."]
    with asked(pages, turns) as one:
        assert one.ask("please write a page").text == "I may not write."
        assert not (pages.root / "new.md").exists()
        one.answers.close()


def test_a_plan_is_no_side_effect(pages: Workspace) -> None:
    """It is the thread's own."""
    with asked(pages, [call("plan", '{"steps": ["look"]}'), "A shop."]) as one:
        kept = one.ask("what is it").kept
        assert kept
        one.answers.close()


def test_an_answer_that_was_cut_short_is_not_kept(pages: Workspace) -> None:
    """A limit stopped the run."""
    with asked(pages, [READ, "late"], limits=Limits(max_turns=1)) as one:
        kept = one.ask("how do shoes go back").kept
        assert kept is not None
        assert "incomplete" in kept.reason
        one.answers.close()


def test_a_page_that_changes_while_it_is_read(pages: Workspace) -> None:
    """The answer is given, and not kept."""

    def touch() -> str:
        """Changes a page behind the agent's back."""
        (pages.root / "returns.md").write_text("# Returns\n\nNever.\n")
        return "done"

    menu = make_menu(["read", tool(touch, effect="read")])
    with asked(pages, [READ, call("touch"), "Within 30 days."], tools=menu) as one:
        kept = one.ask("how do shoes go back").kept
        assert kept is not None
        assert "returns.md" in kept.reason
        one.answers.close()


def test_models_instructions_and_tenants_are_apart(pages: Workspace) -> None:
    """An answer made under other instructions, or for another tenant, is none of theirs."""
    with asked(pages, ["one"]) as one:
        assert [one.ask("what is it", tenant=name).how for name in ("a", "b", "a")] == ["fresh", "fresh", "exact"]
        one.answers.close()
    with asked(pages, ["two"], system="Be brief.") as one:
        assert one.ask("what is it", tenant="a").text == "two"
        one.answers.close()


def test_asking_with_asyncio(pages: Workspace) -> None:
    """Many at once make one run."""

    async def work(one: Agent) -> list[str]:
        return [answered.text for answered in await asyncio.gather(*(one.aask("what is it") for _ in range(20)))]

    with asked(pages, ["A shop."]) as one:
        assert asyncio.run(work(one)) == ["A shop."] * 20
        one.answers.close()


def test_arguments_that_name_no_page_are_no_sources(pages: Workspace) -> None:
    """Whatever the model wrote."""
    odd = [ToolCall(f"c{at}", "read", text) for at, text in enumerate(('{"page": "../x"}', '{"page": ""}', "no json"))]
    with asked(pages, [[*odd], "A shop."]) as one:
        assert sources(one.ask("what is it").answer) == set()
        one.answers.close()


def test_what_a_tool_reads_decides_who_may_have_the_answer(pages: Workspace) -> None:
    """An answer from a user's records stays with the user; one from live data is not kept."""

    @tool(effect="read", reads=["user"])
    def plan_of() -> str:
        """The plan of the user who asks."""
        return "gold"

    @tool(effect="read", reads=["live"])
    def queue() -> str:
        """How many people wait now."""
        return "four"

    menu = make_menu([plan_of, queue])
    with asked(pages, [call("plan_of", "{}"), "Gold."], tools=menu) as one:
        assert one.ask("which plan applies", user="anna").kept
        assert one.ask("which plan applies", user="anna").how == "exact"
        assert one.ask("which plan applies", user="ben").how == "fresh"
        one.answers.close()
    with asked(pages, [call("queue", "{}"), "Four."], tools=menu) as one:
        live = one.ask("which line is longest", user="anna").kept
        assert live is not None
        assert "live" in live.reason
        one.answers.close()


def test_agents_on_several_hosts_share_their_answers(
    tmp_path: Path, objects: ObjectServer, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """``answers`` names the address: the second agent does not ask its model. A missing right is said at once."""
    for name, value in objects.environ().items():
        monkeypatch.setenv(name, value)
    given = {"answers": objects.url("asked"), "database": postgres_url, "archive": None}
    for host, turns, how in (("one", ["At six."], "fresh"), ("two", [], "exact")):
        with agent(tmp_path / host, turns, **given) as one:
            assert (one.ask("When does it open?").text, one.ask("When does it open?").how) == ("At six.", "exact")
            assert one.answers.stats()["lookups"] == {"fresh": 2, "exact": 4}[how]
        assert not (tmp_path / host / ".agentmem" / "answers").exists()
    for name, value in objects.environ("reader").items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ConfigError, match="lack a right at s3://agents/readonly"):
        agent(tmp_path / "three", [], **{**given, "answers": objects.url("readonly")})
    with pytest.raises(ConfigError, match="need a database that every host reaches"):
        agent(tmp_path / "four", [], answers=objects.url("asked"))
