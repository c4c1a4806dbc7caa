"""Answers made from pages: a changed page removes its own answers, and no others."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from agentmem.answers.cache import AnswerCache
from agentmem.answers.values import Answer
from agentmem.errors import ConfigError, PageNotFound
from agentmem.pages.workspace import Workspace
from tests.answers.caches import opened

PAGES = ("returns.md", "shipping.md", "about.md")


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    with Workspace(tmp_path / "pages", create=True) as made:
        for name in PAGES:
            made.write(name, f"# {name}\n\nText.\n")
        yield made


@pytest.fixture
def cache(tmp_path: Path, workspace: Workspace) -> Iterator[AnswerCache]:
    """A cache with an answer from each page, and one from all three."""
    with opened(tmp_path / "answers", workspace=workspace) as made:
        for name in PAGES:
            made.put(f"question on {name}", Answer("It is blue.", sources=(made.page(name),)))
        made.put("question on everything", Answer("It is red.", sources=tuple(map(made.page, PAGES))))
        yield made


CHANGES: dict[str, Callable[[Workspace], object]] = {
    "edited": lambda pages: pages.append("returns.md", "More.\n"),
    "moved": lambda pages: pages.move("returns.md", "other.md"),
    "deleted": lambda pages: pages.delete("returns.md"),
    "edited by another": lambda pages: (pages.root / "returns.md").write_text("# New\n"),
    "deleted by another": lambda pages: (pages.root / "returns.md").unlink(),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_page_takes_its_answers(cache: AnswerCache, workspace: Workspace, change: str) -> None:
    """A changed page removes its answers at once, whoever changed it. Answers of other pages stay."""
    CHANGES[change](workspace)
    assert cache.get("question on returns.md") is None
    assert cache.get("question on everything") is None
    assert cache.get("question on shipping.md") is not None
    assert cache.get("question on about.md") is not None
    assert cache.stats()["entries"] == 2
    assert cache.stats()["invalidated"]["page"] == 2


def test_changes_here_remove_without_being_asked(cache: AnswerCache, workspace: Workspace) -> None:
    """The workspace reports its own changes, so answers go without a lookup."""
    workspace.append("about.md", "More.\n")
    assert cache.store.count() == 2


def test_a_cache_that_fails_is_not_in_the_way_of_an_edit(cache: AnswerCache, workspace: Workspace) -> None:
    """If the cache fails, the page is still written, and its answers are not served."""
    cache.store.database.run("DROP TABLE events")
    workspace.append("returns.md", "More.\n")
    assert "More." in workspace.text("returns.md")
    assert cache.get("question on returns.md") is None


def test_what_changes_no_page_changes_no_answer(cache: AnswerCache, workspace: Workspace) -> None:
    """A new page, or an edit that changes nothing, removes no answers."""
    workspace.write("new.md", "# New\n")
    workspace.write("returns.md", "# returns.md\n\nText.\n")
    assert cache.store.count() == 4
    assert cache.get("question on returns.md") is not None


def test_a_page_that_came_back_is_the_same_page(cache: AnswerCache, workspace: Workspace) -> None:
    """A page that is restored counts as the same page, but its answers went when it changed."""
    workspace.append("returns.md", "More.\n")
    workspace.write("returns.md", "# returns.md\n\nText.\n")
    assert cache.get("question on returns.md") is None


def test_an_answer_from_a_page_that_changed_meanwhile_is_not_kept(cache: AnswerCache, workspace: Workspace) -> None:
    """An answer is not kept if a page that it was made from changed meanwhile."""

    def answering(question: str) -> Answer:
        source = cache.page("about.md")
        (workspace.root / "about.md").write_text("# Another\n")
        return Answer("It is green.", sources=(source,))

    answered = cache.ask("what colour", answering)
    assert answered.kept is not None
    assert "about.md" in answered.kept.reason


def test_without_a_workspace_nothing_from_pages_is_served(tmp_path: Path, cache: AnswerCache) -> None:
    """Without a workspace pages cannot be checked. So answers from pages are not served, but stay in the cache."""
    with opened(tmp_path / "answers") as blind:
        assert blind.get("question on about.md") is None
        assert "no workspace" in blind.explain("question on about.md").detail
        with pytest.raises(ConfigError, match="no workspace"):
            blind.page("about.md")
    assert cache.get("question on about.md") is not None


def test_a_source_must_be_there(cache: AnswerCache) -> None:
    """A page that does not exist cannot be a source."""
    with pytest.raises(PageNotFound):
        cache.page("missing.md")
