"""`agentmem answers`: a thin command over the cache."""

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from agentmem.answers.cache import AnswerCache
from agentmem.answers.values import Answer, AnswerScope, Labelled, Source
from agentmem.cli.answers import opened_cache
from agentmem.pages.workspace import Workspace
from agentmem.recall.embedder import available
from agentmem.transcript.journal import open_journal
from tests.cli.invoke import invoke, invoke_json
from tests.objects import ObjectServer
from tests.report.runs import eventful

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
    "judge",
    "wrong_per_hit_corrected",
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
        cache.put("What is it?", Answer("A shop.", sources=(Source("db:shops"),)), context=AnswerScope(tenant="anna"))
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
    for given in (("stats",), ("explain", "What?"), ("drop", "What?")):
        shown = invoke("answers", *given, "-w", tmp_path)
        assert "No answers are kept here yet" in " ".join(shown.output.split())
        assert shown.exit_code == (0 if given == ("stats",) else 2)
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


def test_the_page_has_a_section_on_answers(workspace: Path) -> None:
    """The same numbers, in the data that the page draws; none where there is no cache."""
    with open_journal(workspace / ".agentmem" / "agentmem.db") as journal:
        eventful(journal)
    output = workspace / "report.html"
    assert invoke("report", "-w", workspace, "-o", output).exit_code == 0
    assert '"lookups":3,"hits":{"exact":1,"semantic":0}' in output.read_text(encoding="utf-8")
    assert "No hit was audited yet" in output.read_text(encoding="utf-8")


SAME = ("How can I {0}?", "How do I {0}?")
ACTS = tuple(
    f"{verb} a {thing}" for verb in ("rent", "sell", "paint", "lend") for thing in ("boat", "bike", "tent", "van")
)


def test_pairs_are_sampled_and_tuned_on(tmp_path: Path) -> None:
    """Too few labels are refused, with how many are needed."""
    if available():
        pytest.skip("needs the embedder")
    log = tmp_path / "log.txt"
    log.write_text("\n".join(one.format(act) for act in ACTS for one in SAME))
    pairs = tmp_path / "pairs.csv"
    sampled = invoke("answers", "sample", log, "-o", pairs, "--pairs", "20", "-w", tmp_path)
    assert sampled.exit_code == 0, sampled.stderr
    lines = pairs.read_text().splitlines()
    assert lines[0].startswith("left,right,label")
    assert 1 < len(lines) <= 21
    pairs.write_text("\n".join([lines[0], *(line.replace(",,", ",same,", 1) for line in lines[1:])]))
    refused = invoke("answers", "tune", pairs, "-w", tmp_path)
    assert refused.exit_code == 2
    assert "label" in refused.stderr
    assert not (tmp_path / ".agentmem").exists()


def test_pairs_without_a_label_are_not_tuned_on(tmp_path: Path) -> None:
    """As they come from `sample`: it says which column to fill in, and nothing is kept."""
    (tmp_path / "pairs.csv").write_text("left,right,label\nHow long?,How far?,\n", encoding="utf-8")
    shown = invoke("answers", "tune", tmp_path / "pairs.csv", "-w", tmp_path)
    assert shown.exit_code == 2 and "fill in the column label" in " ".join(shown.output.split())


def test_audited_answers_are_labelled_and_measure_the_judge(tmp_path: Path) -> None:
    """Pairs with both answers go out, come back with labels, and what the judge got wrong stands in the statistics."""
    if available():
        pytest.skip("needs the embedder")
    pairs = tmp_path / "pairs.csv"
    refused = invoke("answers", "sample", "--audits", "-o", pairs, "-w", tmp_path)
    assert refused.exit_code == 2
    assert "No answers are kept here yet" in refused.stderr
    assert invoke("answers", "sample", "-o", pairs, "-w", tmp_path).exit_code == 2
    with AnswerCache(tmp_path / ".agentmem" / "answers", exact_only=True) as cache:
        cache.put("How do I rent a boat?", "At the pier.")
        for served, fresh in (("At the pier.", "At the pier."), ("It costs 5 euros.", "It costs 6 euros.")):
            cache.store.label(
                Labelled("rent a boat", "How do I rent a boat?", True, "faq", 0.9, served, fresh, "audit")
            )
    assert invoke("answers", "sample", "--audits", "-o", pairs, "-w", tmp_path).exit_code == 0
    lines = pairs.read_text().splitlines()
    assert lines[0] == "left,right,label,kind,similarity,served,fresh"
    pairs.write_text("\n".join([lines[0], *(line.replace(",,", ",same,", 1) for line in lines[1:])]))
    found = invoke_json("answers", "judge", pairs, "-w", tmp_path)["judge"]
    assert (found["same"], found["alarmed"], found["different"]) == (2, 1, 0)
    assert found["missed_upper95"] is None
    assert invoke_json("answers", "stats", "-w", tmp_path)["judge"] == found
    pairs.write_text("left,right,label\na,b,same\n")
    nothing = invoke("answers", "judge", pairs, "-w", tmp_path)
    assert nothing.exit_code == 2
    assert "--audits" in nothing.stderr


def test_a_log_with_answers_is_played(tmp_path: Path) -> None:
    """What is too short is refused with how much is needed, and nothing is kept."""
    if available():
        pytest.skip("needs the embedder")
    log = tmp_path / "log.csv"
    rows = (f"{one.format(act)},{act}" for act in ACTS for one in SAME)
    log.write_text("\n".join(["question,answer", *rows]))
    refused = invoke("answers", "tune", log, "-w", tmp_path)
    assert refused.exit_code == 2
    assert "questions in all" in refused.stderr
    assert not (tmp_path / ".agentmem").exists()
    certified = invoke_json("answers", "tune", log, "--limit", "0.9", "-w", tmp_path)
    assert certified["tuned"][0]["certified"]
    assert (tmp_path / ".agentmem" / "answers" / "policies.json").exists()


def test_a_wrong_answer_is_dropped(workspace: Path) -> None:
    """`drop` names the answer that is no longer served, and says so where nothing is."""
    with opened_cache(workspace) as cache:
        assert cache is not None
        kept = cache.store.longest_unchecked(cache.store.scopes()[0], float("inf"), 1)[0]
    assert invoke_json("answers", "drop", kept.question, "-w", workspace)["dropped"] == [kept.answer]
    assert invoke_json("answers", "drop", kept.question, "-w", workspace)["dropped"] == []
    assert invoke("answers", "drop", kept.question, "-w", workspace).exit_code == 0


@pytest.fixture
def shared(tmp_path: Path, objects: ObjectServer, postgres_url: str) -> Mapping[str, str]:
    """The variables of a workspace whose answers are in a bucket and a database that hosts share; none are there."""
    (tmp_path / "agentmem.toml").write_text(f'answers = "{objects.url("shared")}"\ndatabase = "{postgres_url}"\n')
    return {**objects.environ(), "AGENTMEM_TRUST": "1"}


def test_answers_of_several_hosts_are_shown_and_removed(
    tmp_path: Path, shared: Mapping[str, str], objects: ObjectServer, postgres_url: str
) -> None:
    """The place in agentmem.toml is that of the commands: nothing is made there by asking what it has."""
    assert invoke_json("answers", "stats", "-w", tmp_path, environ=shared)["lookups"] == 0
    with open_journal(postgres_url) as journal:
        assert not journal.storage.run(
            "SELECT 1 FROM pg_namespace WHERE position(current_schema() || '_answers_' in nspname) = 1"
        )
    keep = [sys.executable, "-c", KEEP, objects.url("shared"), postgres_url]
    subprocess.run(keep, env=objects.environ(), check=True)
    found = invoke_json("answers", "stats", "-w", tmp_path, environ=shared)
    assert (found["lookups"], found["hits"]["exact"]) == (1, 1)
    assert (
        invoke_json("answers", "explain", "When does it open?", "-w", tmp_path, environ=shared)["answer"] == "At six."
    )
    assert invoke_json("answers", "invalidate", "--all", "-w", tmp_path, environ=shared)["invalidated"] == 1
    assert not (tmp_path / ".agentmem" / "answers").exists()


KEEP = """
import sys
from agentmem import Answer, AnswerCache

with AnswerCache(sys.argv[1], database=sys.argv[2], exact_only=True) as cache:
    cache.put("When does it open?", Answer("At six."))
    cache.get("when does it open")
"""


def test_a_place_that_cannot_be_used_is_a_sentence(tmp_path: Path, objects: ObjectServer, postgres_url: str) -> None:
    """A right that is missing, and a database that other hosts do not have."""
    environ = {"AGENTMEM_ANSWERS": objects.url("readonly"), "AGENTMEM_DATABASE": postgres_url}
    refused = invoke("answers", "stats", "-w", tmp_path, environ={**environ, **objects.environ("reader")})
    assert refused.exit_code == 2
    assert "lack a right at s3://agents/readonly" in refused.stderr
    alone = invoke(
        "answers", "stats", "-w", tmp_path, environ={**environ, **objects.environ(), "AGENTMEM_DATABASE": ""}
    )
    assert alone.exit_code == 2
    assert "need a database that every host reaches" in alone.stderr
