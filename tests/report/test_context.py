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


def test_what_would_leave_is_what_stands_before_the_last_reply(tmp_path: Path) -> None:
    """Old results, calls and replies; the newest words of a person stay, and so does what the head holds."""
    log = Log()
    for number in range(6):
        log.prompt(f"Question {number}. " + "word " * 500)
        log.reply(f"{number}a", call(f"c{number}", "Bash", command="ls"), usage=used(10, 8_000, 0))
        log.result(f"c{number}", "Seven of A12. " * 500)
        log.reply(f"{number}b", text("Seven. " * 50), usage=used(10, 20_000, 0))
    log.reply("early", call("d", "Bash", command="ls"), usage=used(10, 21_000, 0))
    log.result("d", "Five of A12. " * 500)
    log.reply("last", call("c", "Bash", command="ls"), usage=used(10, 21_000, 0))
    log.result("c", "Eight of A12. " * 500)
    now = context_now(one(log.write(tmp_path / "s.jsonl")))
    leaving, kinds = now.leaving(), now.kinds()
    assert leaving["results"] == kinds["results"], "those of the last reply have not been sent"
    assert 0 < leaving["calls"] < kinds["calls"]
    assert 0 < leaving["messages"] < kinds["messages"]
    assert not leaving.keys() & {"tools", "system", "pages"}
    assert now.value()["leaving"] == leaving


def test_a_short_conversation_has_nothing_to_leave(tmp_path: Path) -> None:
    """All of it is tail."""
    log = Log()
    log.prompt("Hello.")
    log.reply("1", text("Hello."), usage=used(10, 8_000, 0))
    assert context_now(one(log.write(tmp_path / "s.jsonl"))).leaving() == {}
