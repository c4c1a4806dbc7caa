"""agentmem.report.logs: the index, what it reads quickly, and what it leaves to the formats' readers."""

import json
import stat
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agentmem.meter.own_prices import own_prices, use
from agentmem.report.loading import load_paths, split
from agentmem.report.logs.columns import RequestColumns, unpacked
from agentmem.report.logs.index import LogIndex
from agentmem.report.logs.listed import LoggedSession, totals
from agentmem.report.logs.scanning import ResumePoint, Scanned, Unfit, scan
from agentmem.report.summing import report_on
from tests.replay.logs import Log, call, text, used
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
    assert [one.value() for one in found] == [one.value() for one in again]
    whole, told = totals(found), report(logs)
    assert {name: whole[name] for name in SAME} == {name: told[name] for name in SAME}
    assert whole["cost_usd"] == pytest.approx(told["cost_usd"])
    assert whole["unpriced"] == told["unpriced"] == [{"model": "anthropic:my-own-model", "requests": 1}]
    assert [one["model"] for one in whole["prices"]] == [one["model"] for one in told["prices"]]
    assert {one.name for one in found if one.sub_agent} == {"cc3/a7"}
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


def grown(log: Log, ids: list[int]) -> list[str]:
    """The lines of a log with a reply for each id, some of them over several lines, and cuts between."""
    for number in ids:
        if number % 7 == 3:
            log.add("system", None, subtype="compact_boundary")
        log.prompt("go")
        blocks = [text("word"), call(f"c{number}")][: 1 + number % 2]
        log.reply(f"m{number}", *blocks, usage=used(number % 50, 1000 + number, 10 * number))
    return [json.dumps(record) + "\n" for record in log.records]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(1, 90), st.data())
def test_what_has_grown_reads_as_if_it_were_new(tmp_path: Path, replies: int, data: st.DataObject) -> None:
    """Wherever a log ended when it was read before, also within a line, reading on gives all of it, once."""
    whole = "".join(grown(Log(), list(range(replies)))).encode()
    end = data.draw(st.integers(0, len(whole)))
    path = tmp_path / "s.jsonl"
    path.write_bytes(whole)
    fresh = scan(path)
    path.write_bytes(whole[:end])
    before = scan(path)
    path.write_bytes(whole)
    after = scan(path, before)
    assert len(fresh.columns) == replies
    assert after.columns.columns == fresh.columns.columns
    assert after.columns.conversations == fresh.columns.conversations


def test_growth_is_read_from_the_old_end(tmp_path: Path) -> None:
    """What stands before that end is not looked at again; another file of the same name is read whole."""
    log = Log()
    lines = grown(log, list(range(100)))
    path = tmp_path / "s.jsonl"
    path.write_text("".join(lines[:-3]))
    with LogIndex(tmp_path / "sessions.db") as index:
        [first] = listed(index, tmp_path)
        path.write_text("".join(lines).replace('"m5"', '"mX"'))
        [second] = listed(index, tmp_path)
        assert (first.sums.requests, second.sums.requests) == (99, 100)
        path.write_text("\n" + "".join(lines[50:]))
        [third] = listed(index, tmp_path)
        assert third.sums.requests < 100


def test_a_resume_point_is_before_the_last_replies(tmp_path: Path) -> None:
    """They may not have been whole; all before is kept as it is."""
    path = tmp_path / "s.jsonl"
    path.write_text("".join(grown(Log(), list(range(100)))))
    found = scan(path)
    assert 0 < found.resume.offset < path.stat().st_size
    assert 60 <= found.resume.requests < 100
    assert scan(path, Scanned(RequestColumns(), ResumePoint())).columns == found.columns


@pytest.mark.parametrize(
    "line",
    [
        '{"type": "assistant", "message": {"usage": {"input_tokens": 1}}}',
        '{"type": "assistant", "timestamp": 5, "message": {"usage": {"input_tokens": 1}}}',
        '{"type": "assistant", "timestamp": "soon", "message": {"usage": {}}}',
        '{"type": "assistant", "isSidechain": true, "timestamp": "2026-01-01T00:00:00Z", "message": {"usage": {}}}',
        '{"type": "result", "usage": {}}',
        '{"usage": {}}',
        '["usage", {}]',
        "hello",
    ],
)
def test_what_is_not_understood_is_left_to_the_reader(tmp_path: Path, line: str) -> None:
    """Nothing is guessed: such a log is read by its format's own reader."""
    path = tmp_path / "s.jsonl"
    path.write_text(line + "\n")
    with pytest.raises(Unfit):
        scan(path)


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
