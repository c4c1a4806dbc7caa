"""Facts on pages are kept, edited by people, superseded and found."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from langgraph.store.memory import InMemoryStore

from agentmem.errors import PageExists, PageNotFound, WorkspaceError
from agentmem.memory.facts import AT_ONCE, Fact, Facts, page, page_of, place_of, read
from agentmem.memory.store import LanceStore
from agentmem.pages.workspace import Workspace
from tests.recall.threads import Hashed

ANNA = ("users", "anna")


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    with Workspace(tmp_path / "pages", create=True) as opened:
        yield opened


@pytest.fixture(params=["langgraph", "lance"])
def facts(request: pytest.FixtureRequest, workspace: Workspace, tmp_path: Path) -> Facts:
    """Facts, over either store."""
    index = {"dims": 64, "embed": lambda texts: Hashed().embed(texts).tolist()}
    if request.param == "langgraph":
        return Facts(workspace, InMemoryStore(index=index), clock=lambda: 0.0)  # type: ignore[arg-type]  # a plain dict
    return Facts(workspace, LanceStore(tmp_path / "store", embedder=Hashed()), clock=lambda: 0.0)


def test_a_fact_is_a_page(facts: Facts, workspace: Workspace) -> None:
    """A fact is a page under its name, with its source and its day."""
    facts.remember(ANNA, "tea", "Anna drinks Earl Grey.", source="main/12")
    assert workspace.page("memory/users/anna/tea.md").text == (
        "---\nsources: [main/12]\nremembered: '1970-01-01'\n---\n# tea\n\nAnna drinks Earl Grey.\n"
    )
    assert facts.get(ANNA, "tea") == Fact(ANNA, "tea", "Anna drinks Earl Grey.", ("main/12",), "1970-01-01")
    assert facts.get(ANNA, "coffee") is None


def test_facts_are_found_by_what_they_say(facts: Facts) -> None:
    """Facts of the namespace and those below are found by their text, the best match first."""
    facts.remember(ANNA, "tea", "she drinks strong tea", source="main/1")
    facts.remember(ANNA, "bike", "her bicycle is green", source="main/2")
    facts.remember(("users", "ben"), "bike", "his bicycle is red", source="main/3")
    assert [fact.name for fact in facts.search(ANNA, "bicycle green")] == ["bike", "tea"]
    assert [fact.namespace[1] for fact in facts.search(("users",), "bicycle is red", 2)] == ["ben", "anna"]


def test_what_a_person_edits_counts(facts: Facts, workspace: Workspace) -> None:
    """The next search sees a changed text, a new page and a deleted page."""
    facts.remember(ANNA, "tea", "she drinks tea", source="main/1")
    workspace.replace("memory/users/anna/tea.md", "drinks tea", "drinks cocoa")
    workspace.write("memory/users/anna/cat.md", "Her cat is called Mo.\n")
    found = {fact.name: fact for fact in facts.search(ANNA, "cocoa")}
    assert found["tea"].text == "she drinks cocoa"
    assert found["tea"].sources == ("main/1",)
    assert found["cat"] == Fact(ANNA, "cat", "Her cat is called Mo.", ("memory/users/anna/cat.md",))
    workspace.delete("memory/users/anna/tea.md")
    assert [fact.name for fact in facts.search(ANNA, "cocoa")] == ["cat"]


def test_a_fact_can_supersede_another(facts: Facts, workspace: Workspace) -> None:
    """The new fact has both sources. The old one stays, names the new one, and is not found by default."""
    facts.remember(ANNA, "home", "Anna lives in Bonn", source="main/1")
    moved = facts.remember(ANNA, "home since May", "Anna lives in Ulm", source="side/7", supersedes="home")
    assert moved.sources == ("side/7", "main/1")
    assert moved.supersedes == ("home",)
    assert [fact.text for fact in facts.search(ANNA, "where does Anna live")] == ["Anna lives in Ulm"]
    old = facts.get(ANNA, "home")
    assert old is not None
    assert (old.text, old.sources, old.superseded_by) == ("Anna lives in Bonn", ("main/1",), "home since May")
    assert {fact.name for fact in facts.search(ANNA, "Anna lives", superseded=True)} == {"home", "home since May"}


def test_nothing_is_overwritten_unasked(facts: Facts) -> None:
    """Another text under an existing name is refused. The same text again, from the same source, does nothing."""
    facts.remember(ANNA, "tea", "green", source="main/1")
    facts.remember(ANNA, "tea", "green", source="main/1")
    with pytest.raises(PageExists, match="supersedes"):
        facts.remember(ANNA, "tea", "black", source="main/2")
    with pytest.raises(PageNotFound):
        facts.remember(ANNA, "x", "y", source="main/2", supersedes="nothing")
    with pytest.raises(WorkspaceError, match="source"):
        facts.remember(ANNA, "x", "y", source=" ")


def test_a_fact_that_is_said_again_has_both_sources(facts: Facts) -> None:
    """The day stays that of the first time; search sees the new source."""
    facts.remember(ANNA, "tea", "green", source="main/1")
    again = facts.remember(ANNA, "tea", "green", source="main/9")
    assert again.sources == ("main/1", "main/9")
    assert [fact.sources for fact in facts.search(ANNA, "green")] == [("main/1", "main/9")]


def test_more_facts_than_are_read_at_once(facts: Facts, workspace: Workspace) -> None:
    """A second look finds nothing changed, and a page that is gone is a fact that is gone, however many there are."""
    many = AT_ONCE + 5
    folder = workspace.root / "memory" / "users" / "anna"
    folder.mkdir(parents=True)
    for number in range(many):
        (folder / f"{number}.md").write_text(f"number {number}\n", encoding="utf-8")
    assert facts.refresh() == many
    assert facts.refresh() == 0
    workspace.delete("memory/users/anna/3.md")
    assert facts.refresh() == 1


def test_a_forgotten_fact_is_gone(facts: Facts, workspace: Workspace) -> None:
    """A forgotten fact's page is deleted, and search no longer finds it."""
    facts.remember(ANNA, "tea", "green", source="main/1")
    facts.forget(ANNA, "tea")
    assert facts.search(ANNA, "green") == []
    assert workspace.names("memory") == ()


@pytest.mark.parametrize("name", ["a/b", "..", ".hidden", 'say "x": 100%?', "東京", "C:\\x", "50%2F"])
def test_any_name_has_a_page_of_its_own(facts: Facts, name: str) -> None:
    """A name may have any characters. Its page is always inside the folder."""
    assert place_of(page_of(ANNA, name)) == (("memory", *ANNA), name)
    facts.remember(ANNA, name, "text", source="main/1")
    assert [fact.name for fact in facts.search(ANNA, "text")] == [name]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("just a line", "just a line"),
        ("# Title\n\nbody\n\n# More\n", "body\n\n# More"),
        ("---\nsources: [\n---\nbody", "body"),
        ("---\n- a list\n---\r\nbody", "body"),
        ("", ""),
    ],
)
def test_pages_that_people_write(text: str, said: str) -> None:
    """Pages without front matter, with broken front matter, or without a title count. The page is their source."""
    fact = read(text, ANNA, "x", "memory/users/anna/x.md")
    assert (fact.text, fact.sources) == (said, ("memory/users/anna/x.md",))


def test_a_page_reads_back() -> None:
    """A page reads back as the fact, also with headings and characters of YAML."""
    fact = Fact(ANNA, "x", "# head\n\n--- : [a]", ("main/1", "a: b"), "2026-11-23", ("old", "[o]"), "new: {}")
    assert read(page(fact), ANNA, "x", "memory/x.md") == fact
