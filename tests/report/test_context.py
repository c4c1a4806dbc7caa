"""agentmem.report.context."""

from pathlib import Path

from agentmem.report.context import context_now
from agentmem.report.loading import load_run
from agentmem.transcript.journal import open_journal
from tests.replay.logs import Log, call, text, used
from tests.report.runs import eventful
from tests.report.test_loading import one


def test_kinds_of_a_log_sum_to_the_window(tmp_path: Path) -> None:
    """What was not recorded takes its size from the usage; every block has a kind."""
    log = Log()
    log.prompt("What is in the drawer? " * 20)
    log.reply("1", call("c1", "Bash", command="ls drawer"), usage=used(10, 8_000, 0))
    log.result("c1", "Seven of A12. " * 40)
    log.reply("2", text("Seven."), usage=used(10, 300, 8_000))
    now = context_now(one(log.write(tmp_path / "s.jsonl")))
    kinds = now.kinds()
    assert sum(kinds.values()) == now.tokens
    assert kinds.keys() == {"system", "results", "calls", "replies", "messages"}
    assert 8_310 <= now.tokens <= 8_330
    assert now.largest()[0].kind == "system"
    assert "Bash Seven of A12." in {block.name[:18] for block in now.blocks if block.kind == "results"}


def test_pages_and_the_next_compaction_of_a_run(tmp_path: Path) -> None:
    """A pinned page stands under its name; a run that was compacted tells where the next cut is to be expected."""
    with open_journal(tmp_path / "a.db") as journal:
        eventful(journal, "workshop")
        now = context_now(load_run(journal, "workshop"))
    assert now.pages.keys() == {"Team.md"}
    assert now.limited_by == "where it was compacted so far"
    assert now.kinds()["summary"] > 0
    assert now.value()["tokens_left"] == max(0, (now.limit or 0) - now.tokens)
