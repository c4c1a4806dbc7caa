"""agentmem.report.loading."""

import json
from pathlib import Path

import pytest

from agentmem.errors import ConfigError
from agentmem.meter.report import report
from agentmem.report.loading import Choice, Observed, diagnose_path, load_paths, load_run, split
from agentmem.report.summing import NO_TEXT, NO_USAGE, report_on
from agentmem.transcript.journal import open_journal
from tests.agents.coding import CodingAgent
from tests.agents.faults import time_in_system
from tests.agents.provider import answered
from tests.replay.logs import Log, call, text, used
from tests.report.runs import eventful


def one(path: Path, choice: Choice | None = None) -> Observed:
    """The one conversation in ``path``."""
    observed, _ = split(load_paths([path], choice or Choice()))
    assert len(observed) == 1
    return observed[0]


def talk(folder: Path, name: str = "3f2a", **cut: str) -> Path:
    """A session of four requests, the third of which finds the cache expired."""
    log = Log()
    log.prompt("What is in the drawer? " * 20)
    log.reply(f"{name}-1", call("c1"), usage=used(10, 8_000, 0))
    log.result("c1", "Seven of A12. " * 40)
    log.reply(f"{name}-2", text("Seven."), usage=used(10, 300, 8_000))
    log.now += 900
    log.prompt("And of B7?")
    log.reply(f"{name}-3", text("None."), usage=used(10, 8_400, 0))
    log.prompt("Thank you.")
    log.reply(f"{name}-4", text("You are welcome."), usage=used(10, 90, 8_400))
    return log.write(folder / f"{name}.jsonl")


def wirelog(path: Path, *agents: CodingAgent) -> Path:
    """A wire log of agents that work at the same time."""
    lines = answered(request for agent in agents for request in agent.requests())
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def test_the_tokens_are_those_of_the_log(tmp_path: Path) -> None:
    """What the log reports is what a report adds up, and the dollars come from it."""
    seen = one(talk(tmp_path))
    numbers = report(seen.rows, seen.name)
    assert (numbers["requests"], numbers["input_tokens"], numbers["cache_read_tokens"]) == (4, 33_230, 16_400)
    assert (numbers["basis"], numbers["cost_basis"]) == ("measured", "measured")
    assert numbers["cost_usd"] > 0
    assert [turn.row.break_ for turn in seen.turns] == ["first", "none", "expiry", "none"]


def test_a_loss_has_its_request_cause_and_price(tmp_path: Path) -> None:
    """A prefix that had lain too long is named at the request that paid for it again."""
    [found] = one(talk(tmp_path)).findings
    assert (found.request, found.previous, found.cause) == (3, 2, "expiry")
    assert found.tokens_lost == 8_300
    assert found.usd_lost is not None
    assert found.usd_lost > 0


def test_parts_sum_to_what_the_provider_counted(tmp_path: Path) -> None:
    """Each turn's parts are in the provider's tokens, to rounding."""
    for turn in one(talk(tmp_path)).turns:
        assert turn.parts is not None
        parts = turn.parts
        whole = parts.tools + parts.system + parts.pages + parts.summary + parts.results + parts.tail
        assert abs(whole - turn.row.usage.input_tokens) <= 3


def test_no_turn_costs_less_than_its_bound(tmp_path: Path) -> None:
    """A log's bound is one, at every turn."""
    for turn in one(talk(tmp_path)).turns:
        assert turn.bound_usd is not None
        assert turn.row.cost_usd is not None
        assert 0 < turn.bound_usd <= turn.row.cost_usd


def test_a_compaction_is_declared_and_its_summary_counted(tmp_path: Path) -> None:
    """Behind a compact boundary the context is the summary; the loss is the log's own."""
    log = Log()
    log.prompt("Look at every drawer. " * 400)
    log.reply("1", text("I did. " * 50), usage=used(10, 9_000, 0))
    log.add("system", subtype="compact_boundary")
    log.prompt("This session is continued. Summary: all drawers were seen. " * 20, isCompactSummary=True)
    log.prompt("Go on.")
    log.reply("2", text("Done."), usage=used(10, 5_000, 4_000))
    seen = one(log.write(tmp_path / "s.jsonl"))
    assert [turn.row.break_ for turn in seen.turns] == ["first", "cut"]
    assert seen.turns[1].parts is not None
    assert seen.turns[1].parts.summary > 0
    assert seen.compactions == (9_010,)
    assert {finding.declared for finding in seen.findings} == {True}


def test_replies_of_one_short_id_are_two(tmp_path: Path) -> None:
    """A server of one's own may count its replies from 0 in each run: both runs count whole."""
    for name, start in (("a", 0.0), ("b", 50_000.0)):
        log = Log()
        log.now += start
        for number in range(3):
            log.prompt(f"question {number} of {name}")
            log.reply(f"msg_{number}", text("answer"))
        log.write(tmp_path / f"{name}.jsonl")
    observed, skipped = split(load_paths([tmp_path]))
    assert [len(one.turns) for one in observed] == [3, 3]
    assert not skipped


def test_a_reply_that_stands_in_two_logs_counts_once(tmp_path: Path) -> None:
    """A resumed session begins with a copy of another's replies."""
    first = talk(tmp_path)
    copied = tmp_path / "4b.jsonl"
    copied.write_text(first.read_text())
    observed, skipped = split(load_paths([tmp_path]))
    assert [len(found.turns) for found in observed] == [4]
    assert skipped == ()


def test_sessions_are_chosen_by_name_project_and_time(tmp_path: Path) -> None:
    """Each option leaves out what does not fit."""
    for project, name in (("garden", "aa1"), ("kitchen", "bb2")):
        (tmp_path / project).mkdir()
        talk(tmp_path / project, name)
    names = {
        choice: [found.name for found in split(load_paths([tmp_path], choice))[0]]
        for choice in (Choice(session="bb"), Choice(project="garden"), Choice(since=9e9), Choice())
    }
    assert list(names.values()) == [["bb2"], ["aa1"], [], ["aa1", "bb2"]]


def test_agents_side_by_side_are_no_breaks(tmp_path: Path) -> None:
    """The requests of three agents in one wire log are three conversations, and nothing is lost."""
    log = wirelog(tmp_path / "wire.jsonl", *(CodingAgent(seed, turns=5) for seed in (1, 2, 3)))
    observed, _ = split(load_paths([log]))
    assert sorted(len(found.turns) for found in observed) == [5, 5, 5]
    assert not [finding for found in observed for finding in found.findings]
    assert {turn.row.break_ for found in observed for turn in found.turns} == {"first", "none"}


def test_a_wire_log_tells_the_same_in_why_and_in_a_report(tmp_path: Path) -> None:
    """The page's losses are those of `agentmem why`, at the numbers of the log's lines."""
    log = wirelog(tmp_path / "wire.jsonl", CodingAgent(1, turns=4, fault=time_in_system))
    told = diagnose_path(log)
    assert [finding.request for _, finding in told.losses] == [2, 3, 4]
    assert list(one(log).findings) == [finding for _, finding in told.losses]
    assert [turn.number for turn in one(log).turns] == [1, 2, 3, 4]


def test_a_run_of_ours_is_the_same_by_name_and_by_file(tmp_path: Path) -> None:
    """A database named as a file gives what its thread gives."""
    with open_journal(tmp_path / "a.db") as journal:
        eventful(journal, "workshop")
        own = load_run(journal, "workshop")
    by_file = one(tmp_path / "a.db")
    assert by_file.turns == own.turns
    assert by_file.findings == own.findings
    assert own.compactions
    assert [page for _, page in own.pages] == ["Team.md"]


def test_a_folder_with_nothing_in_it_says_what_to_do(tmp_path: Path) -> None:
    """No conversation is an error with its reason, for one that was left out and one that cannot be read."""
    talk(tmp_path)
    with pytest.raises(ConfigError, match="widen --since"):
        diagnose_path(tmp_path, Choice(session="zz"))
    (tmp_path / "notes.jsonl").write_text("hello\n")
    with pytest.raises(ConfigError, match="no format that can be read"):
        diagnose_path(tmp_path / "notes.jsonl")


def test_what_a_format_lacks_is_null_with_a_reason(tmp_path: Path) -> None:
    """Without usage nothing is said of a cache, without text nothing of what was new; the reason stands beside."""
    talk = [{"role": "user", "content": "How many? " * 40}, {"role": "assistant", "content": "Seven."}]
    (tmp_path / "list.json").write_text(json.dumps(talk))
    bare = report_on([one(tmp_path / "list.json")], "list")
    assert (bare["hit_rate"], bare["cache_read_tokens"], bare["cost_usd"]) == (None, None, None)
    assert bare["input_tokens"] > 40
    assert bare["unknown"] == [NO_USAGE]
    event = {"ts": "2026-01-05T14:30:41Z", "model": "claude-opus-4-6", "inp": 3, "cw": 50, "cr": 7, "out": 2}
    (tmp_path / "ledger.jsonl").write_text(json.dumps({"session": "s", "events": [event]}) + "\n")
    numbers = report_on([one(tmp_path / "ledger.jsonl")], "s")
    assert (numbers["redo_tokens"], numbers["by_agent"][0]["new_tokens"]) == (None, None)
    assert numbers["cache_read_tokens"] == 7
    assert numbers["unknown"] == [NO_TEXT]


def test_since_takes_requests_and_not_whole_sessions(tmp_path: Path) -> None:
    """Of a session that began before, only what was sent since counts, with the losses of those."""
    whole = one(talk(tmp_path))
    since = whole.turns[2].row.at
    late = one(talk(tmp_path), Choice(since=since))
    assert late.turns == whole.turns[2:]
    assert [finding.request for finding in late.findings] == [3]
