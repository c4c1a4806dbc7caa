"""Our own policy on recorded sessions: within the budget, cheaper, and everything within reach."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from agentmem.kvcache.rules import rules
from agentmem.replay.ours import OURS, Ours
from agentmem.replay.parallel import ReplayPlan, replay_all
from agentmem.replay.policies import Arrival, Sent, Terms
from agentmem.replay.registry import maker
from agentmem.replay.run import chain, replay
from agentmem.replay.session import RecordedSession, opening
from agentmem.replay.tally import Tally
from agentmem.transcript.transcript import block
from agentmem.types import Opaque, Text, ToolCall, ToolResult
from tests.replay.logs import HEAD, Log, call, text, used, working

BUDGET = 46_000


def requests(session: RecordedSession, policy: Ours, *, after: int = 0, pause: float = 0.0) -> list[Sequence[Sent]]:
    """What the policy sends for a session, in which there is a pause before one arrival."""
    sent = []
    for number, one in enumerate(session.exchanges):
        late = pause if number >= after else 0.0
        sent.append(policy.send(Arrival(one.at + late, one.model, one.arrived)))
        policy.reply(one.reply)
    return sent


def reading(pages: int, words: int = 700) -> Log:
    """A log in which pages are read, each with a name of its own, and the first name is used at the end."""
    log = Log()
    log.prompt("count the totals")
    for at in range(pages):
        log.reply(
            f"m{at}", text(f"page {at}"), call(f"c{at}", "Bash", command=f"show {at}"), usage=used(3, 100, HEAD + at)
        )
        log.result(f"c{at}", f"total_of_page_{at:03d}\n" + "nothing more here " * words)
    log.reply("use", call("last", "Bash", command="use total_of_page_001 now"), usage=used(3, 100, HEAD))
    log.result("last", "well")
    log.reply("end", text("done"), usage=used(3, 100, HEAD))
    return log


def test_no_request_is_over_the_budget(tmp_path: Path) -> None:
    """Nor is one for a summary; what left is stood for by a declared cut, and not each needs a new summary."""
    session = reading(60).session(tmp_path)
    terms = Terms(opening(session), BUDGET)
    sent = [one for each in requests(session, Ours(terms)) for one in each]
    assert max(terms.opening.tokens + sum(run.tokens for run in one.runs[1:]) for one in sent) <= BUDGET
    summaries = sum(one.summary is not None for one in sent)
    assert 1 <= summaries <= sum(one.cut for one in sent)


@pytest.mark.parametrize("tools", [("Read",), ("Bash",), ("Read", "Bash")])
def test_results_of_one_reply_fit_the_budget(tmp_path: Path, tools: tuple[str, ...]) -> None:
    """However many calls a reply has, and of whichever tools: behind those that fit, results are shown in short."""
    log = Log()
    log.prompt("count the totals")
    for turn in range(3):
        names = [f"c{turn}_{at}" for at in range(14)]
        calls = [call(name, tools[at % len(tools)], file_path=f"/{name}.md") for at, name in enumerate(names)]
        log.reply(f"m{turn}", text("all of them"), *calls, usage=used(3, 100, HEAD + turn))
        for name in names:
            log.result(name, f"total_of_{name}\n" + "nothing more here " * 900)
    log.reply("end", text("done"), usage=used(3, 100, HEAD))
    session = log.session(tmp_path)
    terms = Terms(opening(session), BUDGET)
    sent = [one for each in requests(session, Ours(terms)) for one in each]
    sizes = [terms.opening.tokens + sum(run.tokens for run in one.runs[1:]) for one in sent]
    assert BUDGET / 2 < max(sizes) <= BUDGET


def test_a_summary_is_asked_for_through_the_cached_prefix(tmp_path: Path) -> None:
    """Its request is the one before and one instruction more."""
    session = reading(60).session(tmp_path)
    before: tuple[object, ...] = ()
    for group in requests(session, Ours(Terms(opening(session), BUDGET))):
        for one in group:
            frames = tuple(frame for run in one.runs for frame in run)
            if one.summary is not None:
                assert frames[:-1] == before
            before = frames


def test_a_pause_is_used_shortly_before_the_cache_expires(tmp_path: Path) -> None:
    """The request for a summary was sent 270 s after the one before, in a pause that was longer; in a short one not."""
    session = reading(14).session(tmp_path)
    terms = Terms(opening(session), 120_000)
    for pause, times in ((600.0, 1), (100.0, 0)):
        sent = requests(session, Ours(terms), after=14, pause=pause)
        paused = [one.at for group in sent for one in group if one.at is not None]
        assert paused == [pytest.approx(session.exchanges[13].at + 270.0)] * times


def figures(session: RecordedSession, name: str) -> Tally:
    joined = chain([session], "anthropic", "claude-opus-4-6")
    return replay(joined, maker(name), BUDGET, partial(rules, provider="anthropic"))


@pytest.mark.parametrize("name", OURS)
def test_what_left_is_within_reach(tmp_path: Path, name: str) -> None:
    """The recall tool brings back, by a printed reference, every string that is needed and not in view."""
    found = figures(reading(60).session(tmp_path), name)
    assert found.needed > 0
    assert found.reached == found.needed
    assert found.cuts > 0


def test_what_nothing_leads_to_is_out_of_reach(tmp_path: Path) -> None:
    """The measure can fail: a string that no entry says is not reached."""
    session = reading(20).session(tmp_path)
    policy = Ours(Terms(opening(session), BUDGET))
    requests(session, policy)
    (event,) = [one for one in chain([session], "anthropic").needs.events() if one.text == "total_of_page_001"]
    assert policy.reaches(event, "")
    assert not policy.reaches(replace(event, text="total_of_page_999"), "I use the total.")


def test_a_chain_without_room_is_named_and_left_out_for_all(tmp_path: Path) -> None:
    """A budget that tools, system and what a compaction keeps take up leaves nothing to compare."""
    path = reading(2).write(tmp_path / "log.jsonl")
    plan = ReplayPlan((path,), ("append-only", "agentmem"), budget=25_000, jobs=1)
    found = replay_all(plan)
    assert [row["missing"] for row in found["policies"]] == ["every chain was left out"] * 2
    assert "a budget of 25,000 leaves no room to work in" in found["skipped"][0]["reason"]
    assert [row["requests"] for row in replay_all(replace(plan, policies=("append-only",)))["policies"]] == [4]


def test_it_costs_less_than_keeping_everything(tmp_path: Path) -> None:
    """On a session far beyond the budget."""
    session = working(40).session(tmp_path)
    ours, all_of_it = (figures(session, name).cost_usd for name in ("agentmem", "append-only"))
    assert 0 < ours <= all_of_it


def test_recorded_frames_become_blocks() -> None:
    """Calls, results with plain text or parts, thinking and pictures without data; nothing is lost on the way."""
    assert block({"type": "tool_use", "id": "a", "name": "Read", "input": {"p": 1}}) == ToolCall("a", "Read", '{"p":1}')
    assert block({"type": "tool_result", "tool_use_id": "a", "content": "x"}) == ToolResult("a", (Text("x"),))
    assert block({"type": "tool_result", "tool_use_id": "a"}) == ToolResult("a", ())
    thinking = {"type": "thinking", "thinking": "hm", "signature": "s"}
    assert isinstance(found := block(thinking), Opaque) and found.wire() == thinking
    picture = {"type": "image", "source": {"type": "unknown"}}
    assert block(picture).wire() == picture
