"""agentmem.report.logs: the index, what it reads quickly, and what it leaves to the formats' readers."""

import json
import sqlite3
import stat
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from agentmem.meter.own_prices import own_prices, use
from agentmem.report.loading import load_paths, split
from agentmem.report.logs.columns import RequestColumns, unpacked
from agentmem.report.logs.index import LogIndex, stamp, there
from agentmem.report.logs.listed import LoggedSession, totals
from agentmem.report.summing import report_on
from tests.replay.logs import Log, text, used
from tests.report.test_loading import talk

SAME = ("requests", "input_tokens", "output_tokens", "cache_read_tokens", "cache_write_1h_tokens", "hit_rate")


def listed(index: LogIndex, *paths: Path, **choice: Any) -> list[LoggedSession]:
    """The sessions that an index gives."""
    return [one for one in index.load(paths, **choice) if isinstance(one, LoggedSession)]


def report(folder: Path) -> dict[str, Any]:
    """What the formats' own readers say of a folder."""
    return report_on(split(load_paths([folder]))[0], None)


def odd(folder: Path) -> None:
    """Logs that the quick way does not read: other bytes, no times, two records on a line, another format."""
    plain = talk(folder, "dd4").read_text()
    (folder / "wide.jsonl").write_text(plain.replace("dd4", "ww1"), encoding="utf-16")
    (folder / "two.jsonl").write_text(plain.replace("dd4", "tt1").replace("}\n{", "}{"))
    (folder / "timeless.jsonl").write_text(plain.replace("dd4", "nn1").replace('"timestamp"', '"time"'))
    wire = {"at": 5, "request": {"model": "gpt-5.6", "messages": [{"role": "user", "content": "hi"}]}}
    usage = {"prompt_tokens": 900, "completion_tokens": 30, "prompt_tokens_details": {"cache_write_tokens": 512}}
    wire["response"] = {"id": "w1", "choices": [{"message": {"role": "assistant", "content": "hello"}}], "usage": usage}
    (folder / "wire.jsonl").write_text(json.dumps(wire) + "\n")


def test_an_index_says_what_the_readers_say(tmp_path: Path) -> None:
    """Tokens, dollars, unpriced models and rows of price lists are those of a report; a copy of a log adds nothing."""
    logs = tmp_path / "logs"
    logs.mkdir()
    first = talk(logs, "aa1")
    (logs / "bb2.jsonl").write_text(first.read_text())
    agent = Log(model="my-own-model")
    agent.prompt("look", isSidechain=True, agentId="a7")
    agent.reply("s1", text("Found."), usage=used(5, 4000, 0), isSidechain=True, agentId="a7")
    agent.write(logs / "cc3.jsonl")
    odd(logs)
    with LogIndex(tmp_path / "sessions.db") as index:
        found, again = listed(index, logs), listed(index, logs)
        kept = report_on(split(index.observed([logs]))[0], None)
    assert [one.value() for one in found] == [one.value() for one in again]
    whole, told = totals(found), report(logs)
    assert {name: whole[name] for name in SAME} == {name: told[name] for name in SAME}
    assert whole["cost_usd"] == pytest.approx(told["cost_usd"])
    assert whole["unpriced"] == told["unpriced"] == [{"model": "anthropic:my-own-model", "requests": 1}]
    assert [one["model"] for one in whole["prices"]] == [one["model"] for one in told["prices"]]
    for name in ("breaks", "cuts", "expiries", "peak_context_tokens", "unpriced"):
        assert kept[name] == told[name]
    assert {name: kept[name] for name in SAME} == {name: told[name] for name in SAME}
    assert {one.name for one in found if one.sub_agent} == {"cc3/agent-a7"}
    assert {one.format for one in found} == {"claude-code", "wire-log"}


def test_an_unchanged_file_is_not_opened_again(tmp_path: Path) -> None:
    """What the index tells of a file holds until its size or time changes."""
    log = talk(tmp_path, "aa1")
    with LogIndex(tmp_path / "sessions.db") as index:
        before = listed(index, tmp_path)
        log.chmod(0)
        assert [one.value() for one in listed(index, tmp_path)] == [one.value() for one in before]
        log.chmod(0o600)
        log.write_text("".join(log.read_text().splitlines(keepends=True)[:2]))
        assert [one.sums.requests for one in listed(index, tmp_path)] == [1]


def test_choices_hold(tmp_path: Path) -> None:
    """By time, within a session too, and by file; what was chosen once does not limit the next."""
    (tmp_path / "a").mkdir()
    talk(tmp_path / "a", "aa1")
    talk(tmp_path, "bb2")
    with LogIndex(tmp_path / "sessions.db") as index:
        [one, two] = listed(index, tmp_path)
        late = listed(index, tmp_path, since=one.ended - 1)
        assert [each.sums.requests for each in late] == [1, 1]
        assert not listed(index, tmp_path, since=max(one.ended, two.ended) + 1)
        assert [each.name for each in listed(index, tmp_path, takes=lambda file: file.parent != tmp_path)] == ["aa1"]
        assert sum(each.sums.requests for each in listed(index, tmp_path)) == 8


def test_other_prices_are_counted_anew(tmp_path: Path) -> None:
    """Dollars follow prices of one's own as soon as they count."""
    talk(tmp_path, "aa1")
    with LogIndex(tmp_path / "sessions.db") as index:
        [usual] = listed(index, tmp_path)
    use(own_prices({"claude-*": {"input": 0, "output": 0}}))
    try:
        with LogIndex(tmp_path / "sessions.db") as index:
            [free] = listed(index, tmp_path)
    finally:
        use()
    assert usual.sums.usd > 0 == free.sums.usd
    assert [row.table for row in free.prices] == ["agentmem.toml"]


def test_it_is_private_holds_no_words_and_survives_damage(tmp_path: Path) -> None:
    """Only its owner may read it; no text of a conversation is in it; a broken one is made anew."""
    logs, cache = tmp_path / "logs", tmp_path / "cache" / "sessions.db"
    logs.mkdir()
    talk(logs, "aa1")
    with LogIndex(cache) as index:
        listed(index, logs)
    assert stat.S_IMODE(cache.stat().st_mode) == 0o600
    assert b"drawer" not in cache.read_bytes()
    for file in cache.parent.iterdir():
        file.unlink()
    cache.write_bytes(b"no database " * 100)
    with LogIndex(cache) as index:
        assert len(listed(index, logs)) == 1


def test_columns_that_are_cut_off_are_refused() -> None:
    """Bytes that are no columns are a ValueError, never wrong numbers."""
    whole = RequestColumns().packed()
    assert len(unpacked(whole)) == 0
    for broken in (b"", whole[:4], whole[:8] + b"{"):
        with pytest.raises(ValueError):
            unpacked(broken)


def test_what_could_not_be_kept_is_read_again(tmp_path: Path) -> None:
    """A full disk, or somebody who empties the index, costs time and no session."""
    (tmp_path / "logs").mkdir()
    path, cache = talk(tmp_path / "logs", "aa1"), tmp_path / "sessions.db"
    with LogIndex(cache) as index:
        stamps, _ = there([tmp_path / "logs"])
        known = dict(index.refresh(stamps))
        before = [one.turns for one in index.rows(str(path))]
        with closing(sqlite3.connect(cache)) as other:
            other.execute("DELETE FROM indexed")
            other.commit()
        assert [one.turns for one in index.rows(str(path))] == before
        [late] = index.counted(known, since=known[str(path)].sessions[0].ended - 1)
        assert late.sums.requests == 1


def test_a_database_has_changed_where_its_log_beside_has(tmp_path: Path) -> None:
    """SQLite writes into a file of its own first."""
    path = tmp_path / "runs.db"
    path.write_bytes(b"x" * 10)
    alone = stamp(path)
    (tmp_path / "runs.db-wal").write_bytes(b"y" * 7)
    assert alone is not None and (stamp(path) or (0, 0))[0] == alone[0] + 7
    assert stamp(tmp_path / "gone.db") is None
