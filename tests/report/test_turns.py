"""agentmem.report.turns."""

from dataclasses import astuple
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentmem.meter.ledger import Row
from agentmem.meter.prices import cost, rates
from agentmem.replay.formats.runs import Runs
from agentmem.replay.run import chain
from agentmem.replay.session import RecordedSession
from agentmem.replay.source import RecordingSource
from agentmem.report.turns import ReportTurn, TokenParts, least_usd, turns
from agentmem.transcript.journal import open_journal
from agentmem.types import Extras, ModelProfile, Text, Usage
from tests.report.runs import MODEL, Story, eventful


def read(tmp_path: Path) -> list[ReportTurn]:
    """The turns of the eventful run."""
    with open_journal(tmp_path / "run.db") as journal:
        story = eventful(journal)
        return turns(journal.entries(story.thread), story.thread)


def test_a_context_is_made_of_its_parts(tmp_path: Path) -> None:
    """Tools, system, pages, results and the rest: in the provider's tokens, summing up to the input."""
    with open_journal(tmp_path / "run.db") as journal:
        story = Story(journal)
        story.user("What changed?")
        story.work("The chain was oiled. " * 200)
        story.reply((Text("The chain."),))
        first, second = turns(journal.entries(story.thread), story.thread)
    assert first.parts and second.parts
    for turn, parts in ((first, first.parts), (second, second.parts)):
        assert abs(sum(astuple(parts)) - turn.row.usage.input_tokens) <= 3
    assert (first.parts.results, first.parts.summary) == (0, 0)
    shown = sum(frame.tokens for frame in story.view.frames if frame.value.get("type") == "tool_result")
    assert second.parts.results == pytest.approx(shown, rel=0.01)
    assert second.parts.tail > first.parts.tail > 0
    counts = {frame.segment: frame.tokens for frame in story.view.prefix}  # of the system's blocks the last: a page
    assert first.parts.pages == pytest.approx(counts["system"], rel=0.01)
    assert first.parts.tools == pytest.approx(counts["tool"], rel=0.01)
    assert first.parts.system > first.parts.pages


def test_a_summary_shows_from_the_next_turn_on(tmp_path: Path) -> None:
    """The summariser's own request is the context before it; after the compaction results have left."""
    found = read(tmp_path)
    [asked] = [at for at, turn in enumerate(found) if turn.row.purpose == "summary"]
    before, summarised, after = (found[at].parts for at in (asked - 1, asked, asked + 1))
    assert before and summarised and after
    assert before.summary == summarised.summary == 0
    assert summarised.results > before.results
    assert after.summary > 100
    assert after.results < before.results / 2


def test_turns_are_numbered_over_ancestors_and_belong_to_their_thread(tmp_path: Path) -> None:
    """A fork has its own turns only, numbered as if it had made all of them."""
    with open_journal(tmp_path / "run.db") as journal:
        story = Story(journal)
        story.user("What changed?")
        story.work("Nothing. ", turns=3)
        journal.fork(story.thread, story.view.seq, "fork")
        story.thread = "fork"
        story.work("Nothing. ", turns=2)
        own, forked = (turns(journal.entries(name), name) for name in ("workshop", "fork"))
    assert [turn.number for turn in own] == [1, 2, 3]
    assert [turn.number for turn in forked] == [4, 5]


def test_the_shares_of_the_lower_bound_are_that_of_a_replay(tmp_path: Path) -> None:
    """Where our counts are the provider's, and replies are counted alike, both add up to the same dollars."""
    with open_journal(tmp_path / "run.db") as journal:
        story = Story(journal)
        story.user("What changed?")
        story.work("See stock/part-A12 for it. " * 100, turns=15)
        found = turns(journal.entries(story.thread), story.thread)
    path = str(tmp_path / "run.db")
    [session] = Runs().sessions(RecordingSource("runs", path, 0, path, name=story.thread))
    assert isinstance(session, RecordedSession)
    whole = chain([session], "anthropic", MODEL).lower_bound_usd
    assert whole is not None
    assert sum(turn.bound_usd or 0.0 for turn in found) == pytest.approx(whole, rel=0.02)
    spent = sum(turn.row.cost_usd or 0.0 for turn in found)
    assert 0 < whole < spent


def test_the_bound_knows_no_summaries(tmp_path: Path) -> None:
    """However long a compaction's text is, the bound stays what it was."""
    bounds = []
    for place, words in enumerate((10, 2_000)):
        with open_journal(tmp_path / f"{place}.db") as journal:
            story = Story(journal)
            story.user("What changed?")
            story.work("The chain was oiled. " * 100, turns=4)
            story.summarise("Summary so far: " + "well " * words)
            story.now += 20
            asked = story.view.tokens
            story.reply((Text("The chain."),))
            *_, last = turns(journal.entries(story.thread), story.thread)
            price = rates("anthropic", MODEL)
            assert price and last.bound_usd
            bounds.append((asked, last.bound_usd))
    (small, least), (large, still) = bounds
    assert large > small + 1_500
    assert still == pytest.approx(least, rel=0.01)


def test_a_request_without_a_reply_has_no_share(tmp_path: Path) -> None:
    """It need not have been made, and neither had a summary."""
    found = read(tmp_path)
    for turn in found:
        assert (turn.bound_usd == 0.0) == (turn.row.error is not None or turn.row.purpose == "summary")
    assert rates("anthropic", MODEL) is not None


def test_shares_are_scaled() -> None:
    """The same shares of other tokens; of nothing they stay nothing."""
    assert TokenParts(1, 1, 2, 0, 4, 2).scaled(100) == TokenParts(10, 10, 20, 0, 40, 20)
    assert TokenParts().scaled(100) == TokenParts()


@given(
    uncached=st.integers(0, 200_000),
    read=st.integers(0, 900_000),
    written=st.integers(0, 200_000),
    output=st.integers(0, 30_000),
    counted=st.integers(1, 1_000_000),
    first=st.integers(0, 1_000_000),
    carried=st.integers(0, 1_000_000),
    speed=st.sampled_from(("", "flex", "batch", "fast")),
    model=st.sampled_from(("anthropic:claude-opus-5", "openai:gpt-5.5", "anthropic:claude-sonnet-5-5")),
)
def test_the_bound_is_a_bound(
    uncached: int, read: int, written: int, output: int, counted: int, first: int, carried: int, speed: str, model: str
) -> None:
    """No row costs less than its share of the bound, whatever our counts say, at any tier."""
    usage = Usage("measured", uncached, read, written, 0, output)
    extras = Extras(speed=speed)
    provider, _, name = model.partition(":")
    paid = cost(ModelProfile(provider, name, "cloud"), usage, extras=extras)
    row = Row("t", "agent", "answer", model, "cloud", usage, 1_790_000_000.0, cost_usd=paid.usd, extras=extras)
    least = least_usd(row, counted, first, carried)
    assert (least is None) == (paid.usd is None)
    if least is not None and paid.usd is not None:
        assert 0 <= least <= paid.usd
