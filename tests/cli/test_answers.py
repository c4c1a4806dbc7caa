"""`agentmem answers`: a thin command over the cache."""

from pathlib import Path

import pytest

from agentmem.memory.answers.cache import AnswerCache
from agentmem.memory.answers.values import Answer, Context, Source
from agentmem.pages.workspace import Workspace
from tests.cli.invoke import invoke, invoke_json

STATS = {
    "lookups",
    "hits",
    "misses",
    "excluded",
    "by_type",
    "audited",
    "mismatches",
    "wrong_per_hit",
    "wrong_per_hit_upper95",
    "wrong_per_lookup",
    "invalidated",
    "saved_usd",
    "saved_seconds",
}
"""What scripts may rely on."""


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """A workspace with a few kept answers."""
    with (
        Workspace(tmp_path) as pages,
        AnswerCache(tmp_path / ".agentmem" / "answers", workspace=pages, exact_only=True) as cache,
    ):
        pages.write("returns.md", "# Returns\n\nWithin 30 days.\n")
        cache.put("How do shoes go back?", Answer("By post.", sources=(cache.page("returns.md"),), usd=0.02))
        cache.put("What is it?", Answer("A shop.", sources=(Source("db:shops"),)), context=Context(tenant="anna"))
        cache.get("how do shoes go back")
        cache.get("who is there")
        cache.get("what is my balance?")
    return tmp_path


def test_stats_have_what_scripts_read(workspace: Path) -> None:
    """Counts over all processes."""
    found = invoke_json("answers", "stats", "-w", workspace)
    assert found.keys() >= STATS | {"schema", "basis"}
    assert (found["schema"], found["basis"]) == (1, "measured")
    assert found["hits"] == {"exact": 1, "semantic": 0}
    assert (found["lookups"], found["misses"], found["excluded"]) == (3, 1, 1)
    assert found["invalidated"].keys() == {"ttl", "page", "event", "audit"}
    assert found["wrong_per_hit"] is None
    assert found["saved_usd"] == pytest.approx(0.02)


def test_stats_for_people(workspace: Path) -> None:
    """A table, and whether anybody knows how often it is wrong."""
    result = invoke("answers", "stats", "-w", workspace)
    assert result.exit_code == 0
    assert "No hit was audited yet" in result.stdout
    assert "33.3%" in result.stdout


def test_nothing_kept_is_no_error_and_creates_nothing(tmp_path: Path) -> None:
    """Statistics of nothing are zeros."""
    assert invoke_json("answers", "stats", "-w", tmp_path)["lookups"] == 0
    assert invoke("answers", "explain", "What?", "-w", tmp_path).exit_code == 2
    assert invoke_json("answers", "invalidate", "x.md", "-w", tmp_path)["invalidated"] == 0
    assert list(tmp_path.iterdir()) == []


def test_explain(workspace: Path) -> None:
    """The rule that decided, for the context that serves it, else the fullest."""
    found = invoke_json("answers", "explain", "how do  shoes go back", "-w", workspace)
    assert (found["decision"], found["rule"], found["answer"]) == ("exact", "exact key", "By post.")
    assert found["contexts"] == 2
    shown = invoke("answers", "explain", "What is my balance?", "-w", workspace)
    assert "excluded, by the rule: personal" in shown.stdout
    other = invoke_json("answers", "explain", "how do shoes go back", "--tenant", "anna", "-w", workspace)
    assert other["answer"] is None


def test_invalidate(workspace: Path) -> None:
    """By source, by tenant, all; one of them must be said."""
    assert invoke_json("answers", "invalidate", "returns.md", "-w", workspace)["invalidated"] == 1
    assert invoke_json("answers", "invalidate", "--tenant", "anna", "-w", workspace)["invalidated"] == 1
    assert invoke_json("answers", "invalidate", "--all", "-w", workspace)["invalidated"] == 0
    assert invoke("answers", "invalidate", "-w", workspace).exit_code == 2


def test_a_page_edited_by_hand_is_seen(workspace: Path) -> None:
    """Explaining looks at the pages as they are now."""
    (workspace / "returns.md").write_text("# Returns\n\nNever.\n")
    found = invoke_json("answers", "explain", "how do shoes go back", "-w", workspace)
    assert (found["decision"], found["rule"]) == ("miss", "outdated")
    assert "returns.md" in found["detail"]
