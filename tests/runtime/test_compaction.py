"""Threads that are compacted while they run: declared, metered, resumable, and nothing is lost."""

import json
import logging
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from agentmem.compaction.when import Compaction
from agentmem.context import offload
from agentmem.context.cut import read_cut
from agentmem.context.window import window
from agentmem.errors import BudgetExceeded, ConfigError, ModelOverloaded, ThreadNotFound
from agentmem.menu.menu import tool
from agentmem.meter.ledger import decode
from agentmem.models.scripted import ScriptedModel, Turn, place
from agentmem.pages.workspace import Workspace
from agentmem.recall.recall import JournalRecall
from agentmem.runtime.agent import Agent
from agentmem.runtime.compacting import Pauses
from agentmem.runtime.events import Compacted, Done, Metered
from agentmem.runtime.session import Session
from agentmem.transcript.transcript import read_result, readable
from agentmem.types import Image, Message, Opaque, Recall, Request, Text, ToolCall
from tests.runtime.agents import NOON, clock, kinds
from tests.transcript.transcripts import PNG

BUDGET = 6_000
ROUNDS = 48
GOOD = "## Goal\n- Measure every module. [2]\n\n## Facts\n- measure_module_003 was fast.\n"


def measure(what: str) -> str:
    """Measures a module.

    Args:
        what: its name
    """
    return f"{what} in src/{what}.py took 1{len(what)} ms\n" + f"detail of {what}: nothing to note here\n" * 12


MEASURE = tool(measure, effect="read")


def script(request: Request) -> Turn:
    """Measures module after module, the one before first looked at again."""
    turn = place(request)
    if turn >= ROUNDS:
        return "All measured."
    return ToolCall(f"call_{turn}_1", "measure", json.dumps({"what": f"measure_module_{turn:03d}"}))


def agent(folder: Path, summary: Any = GOOD, turns: Any = script, **settings: Any) -> Agent:
    model = ScriptedModel(turns, by_purpose={"summary": summary})
    given: dict[str, Any] = {"tools": [MEASURE], "system": "Be brief.", "budget": BUDGET, "clock": clock}
    return Agent(model, folder, **{**given, "archive": None, **settings})


def compactions(one: Agent, thread: str = "t") -> list[int]:
    return [entry.seq for entry in one.journal.entries(thread) if entry.kind == "compaction"]


def said(one: Agent) -> list[str]:
    """All that was said, called and given back."""
    kept = ("user", "assistant", "tool_result")
    return [readable(entry) for entry in one.journal.entries("t") if entry.kind in kept]


def rows(one: Agent, thread: str = "t") -> list[Any]:
    return [decode(entry) for entry in one.journal.entries(thread) if entry.kind == "usage"]


def test_a_long_run_stays_below_its_budget(tmp_path: Path) -> None:
    """The run goes on through several compactions; each is told, metered and declared, and no request was too large."""
    with agent(tmp_path) as one:
        events = list(one.stream("Measure every module.", thread="t"))
        told = [event for event in events if isinstance(event, Compacted)]
        assert isinstance(events[-1], Done)
        assert events[-1].result.text == "All measured."
        assert events[-1].result.turns == ROUNDS + 1
        assert len(told) == len(compactions(one)) > 1
        assert all(event.after < event.before for event in told)
        asked = [event for event in told if event.by == "model"]
        assert told[0] in asked and all(not event.attempts for event in told if event not in asked)
        summaries = [row for row in rows(one) if row.purpose == "summary"]
        assert len(summaries) == len(asked)
        assert all(request.estimate <= BUDGET for request in one.model.requests)  # type: ignore[attr-defined]
        answers = [row for row in rows(one) if row.purpose == "answer"]
        assert {row.break_ for row in answers} == {"first", "none", "cut"}
        assert sum(row.break_ == "cut" for row in answers) == len(told)


def test_the_summary_is_asked_for_through_the_cached_prefix(tmp_path: Path) -> None:
    """Its request is one that was sent before, byte for byte, and an instruction; tools and options are the same."""
    with agent(tmp_path) as one:
        one.run("Measure every module.", thread="t")
        requests: list[Request] = one.model.requests  # type: ignore[attr-defined]
        for at, asked in enumerate(requests):
            if asked.purpose != "summary":
                continue
            before = requests[at - 1]
            assert (asked.tools, asked.system, asked.options) == (before.tools, before.system, before.options)
            assert asked.turns[:-1] == before.turns[:-1]
            assert asked.turns[-1].frames[:-1] == before.turns[-1].frames
            assert "Do not call a tool" in asked.turns[-1].frames[-1].value["text"]
        assert all(row.extends > 0 and row.break_ == "none" for row in rows(one) if row.purpose == "summary")


def test_everything_that_left_reads_back(tmp_path: Path) -> None:
    """The transcript with compactions holds the very entries of one without."""
    with agent(tmp_path / "a") as one, agent(tmp_path / "b", compaction=None, budget=60_000) as other:
        one.run("Measure every module.", thread="t")
        other.run("Measure every module.", thread="t")
        assert said(one) == said(other)
        assert not compactions(other)


@pytest.mark.parametrize(
    "summary",
    [
        "",
        "Nothing much happened.",
        ToolCall("s", "measure", "{}"),
        "- lost in lib/never_was_here.py\n- and lib/nor_was_this.py\n",
        "- measure_module_003 again\n" * 2_000,
        lambda request: (_ for _ in ()).throw(ModelOverloaded("busy")),
    ],
    ids=["empty", "drops everything", "calls a tool", "lies", "too long", "overloaded"],
)
def test_a_summariser_that_fails_does_not_stop_the_run(tmp_path: Path, summary: Any) -> None:
    """After two attempts a summary is made without the model, and the names that calls used stay in view."""
    with agent(tmp_path, summary) as one:
        events = list(one.stream("Measure every module.", thread="t"))
        told = [event for event in events if isinstance(event, Compacted)]
        assert told
        assert all((event.by, event.attempts) == ("mechanical", 2) for event in told)
        assert isinstance(events[-1], Done)
        assert events[-1].result.text == "All measured."
        assert sum(row.purpose == "summary" for row in rows(one)) == 2 * len(told)


def test_a_second_attempt_may_succeed(tmp_path: Path) -> None:
    """A refused summary is asked for once more; both requests are in the ledger."""
    answers: Iterator[str] = iter(["", *[GOOD] * 50])
    with agent(tmp_path, lambda request: next(answers)) as one:
        events = list(one.stream("Measure every module.", thread="t"))
        first = next(event for event in events if isinstance(event, Compacted))
        assert (first.by, first.attempts) == ("model", 2)


def test_a_thread_opens_from_its_last_compaction(tmp_path: Path) -> None:
    """A new process folds the same view and tally without reading what left."""
    with agent(tmp_path) as one:
        one.run("Measure every module.", thread="t")
        every = list(one.journal.entries("t"))
        fresh = Session(one.journal, "t").refresh()
        known = one.sessions["t"]
        assert fresh.view == known.view == window(every)
        assert fresh.tally == known.tally
        first = read_cut(every[compactions(one)[-1]]).first
        assert first > len(every) // 2


def test_a_resumed_run_goes_on_behind_a_compaction(tmp_path: Path) -> None:
    """Another agent takes the thread up where the last compaction left it, with the run's turns still counted."""
    with agent(tmp_path) as one:
        for event in one.stream("Measure every module.", thread="t"):
            if isinstance(event, Compacted):
                break
    with agent(tmp_path) as heir:
        result = heir.run(thread="t")
        assert (result.text, result.turns) == ("All measured.", ROUNDS + 1)
        assert kinds(heir, "t").count("tool_result") == ROUNDS


def test_compact_now_and_again(tmp_path: Path) -> None:
    """`compact` works at any time; a second one in a row finds nothing to do, or does no harm; strangers are named."""
    with agent(tmp_path, budget=60_000, compaction=Compaction(tail=300, retained=300, users=200)) as one:
        one.run("Measure every module.", thread="t")
        assert not compactions(one)
        done = one.compact("t")
        assert done is not None
        assert (done.reason, done.after < done.before) == ("asked", True)
        one.compact("t")
        assert one.run("And now?", thread="t").text == "All measured."
        with pytest.raises(ThreadNotFound):
            one.compact("nobody")


def test_without_compaction_nothing_is_ever_compacted(tmp_path: Path) -> None:
    """With None a thread grows until it does not fit."""
    with agent(tmp_path, compaction=None) as one:
        with pytest.raises(BudgetExceeded):
            one.run("Measure every module.", thread="t")
        assert one.compact("t") is None
        assert not compactions(one)


def test_a_budget_without_room_is_refused_before_anything_is_said(tmp_path: Path) -> None:
    """Tools and system that leave no room are a mistake in the settings, named at the start."""
    with agent(tmp_path, system="word " * 5_000) as one:
        with pytest.raises(ConfigError, match="leaves no room"):
            one.run("Hello.", thread="t")
        assert "user" not in kinds(one, "t")


def test_an_answer_that_cannot_fit_is_named(tmp_path: Path) -> None:
    """What must stay and is larger than the budget ends the run with the entry's name, transcript intact."""

    def huge() -> list[Image]:
        """Gives more than any budget, in pictures that no text stands for."""
        return [Image("image/png", PNG)] * 4_000

    pictures = tool(huge, effect="read")
    turns = [ToolCall("call_0_1", "huge", "{}"), "Seen."]
    with agent(tmp_path, turns=turns, tools=[pictures]) as one, pytest.raises(BudgetExceeded, match="t/"):
        one.run("Look.", thread="t")


def test_any_number_of_results_behind_one_reply_fit(tmp_path: Path) -> None:
    """Each page alone is short enough to be shown whole, and all together are twice the budget: the last are short."""
    with Workspace(tmp_path, create=True) as pages:
        for number in range(16):
            text = "\n".join(f"page {number}, row {row}: nothing to note" for row in range(300))
            pages.write(f"page{number}.md", f"{text}\n")
    calls = [ToolCall(f"call_0_{number}", "read", json.dumps({"page": f"page{number}.md"})) for number in range(16)]
    turns: list[Turn] = [calls, ToolCall("call_1_1", "recall", '{"what": "t/20"}'), "All read."]
    with agent(tmp_path, turns=turns, tools=["read", "recall"], budget=40_000) as one:
        assert one.run("Read all.", thread="t").text == "All read."
        whole = [entry for entry in one.journal.entries("t") if entry.kind == "tool_result"]
        assert [f"page {number}, row 299" in readable(entry) for number, entry in enumerate(whole[:16])] == [True] * 16
        shown = [str(request.turns[-1].frames) for request in one.model.requests]  # type: ignore[attr-defined]
        assert "page 0, row 150" in shown[1]
        assert "page 15, row 150" not in shown[1]


def test_a_long_result_is_shown_by_its_ends(tmp_path: Path) -> None:
    """The original is in the journal and on a page; the page can be written again; recall gives it whole."""
    text = "\n".join(f"row {number} of the table" for number in range(3_000))

    def show() -> str:
        """Shows a table."""
        return text

    table = tool(show, effect="read", cap=100_000)
    turns = [ToolCall("call_0_1", "show", "{}"), ToolCall("call_1_1", "recall", '{"what": "t/5"}'), "Done."]
    with agent(tmp_path, turns=turns, tools=[table, "recall"], budget=30_000) as one:
        assert one.run("Show the table.", thread="t").text == "Done."
        [first, second] = [entry for entry in one.journal.entries("t") if entry.kind == "tool_result"]
        assert readable(first) == text
        shown = json.dumps([frame.value for frame in one.sessions["t"].view.frames])
        assert "recall t/5 brings it back" in shown
        assert readable(second).startswith("[part 1 of")
        page = tmp_path / ".agentmem" / "pages" / "t" / "5.txt"
        assert page.read_text() == text
        page.unlink()
        assert offload.rebuild_pages(one.journal, "t", tmp_path) == 1
        assert page.read_text() == text
        one.forget("t")
        assert not page.exists()


def test_a_message_larger_than_the_budget_is_shown_by_its_ends(tmp_path: Path) -> None:
    """A person may paste more than fits: the whole is kept, and the model is told where."""
    with agent(tmp_path, turns=["I see."]) as one:
        assert one.run("word " * 20_000, thread="t").text == "I see."
        [said] = [entry for entry in one.journal.entries("t") if entry.kind == "user"]
        assert readable(said) == "word " * 20_000


def test_edited_pinned_pages_are_refreshed_by_a_compaction(tmp_path: Path) -> None:
    """With a compaction the prefix shows the page as it is now, and the note about it is gone."""
    (tmp_path / "plan.md").write_text("# Plan\n\nfirst")
    with agent(tmp_path, pinned=["plan.md"], budget=60_000, compaction=Compaction(tail=300, retained=300)) as one:
        one.run("Measure every module.", thread="t")
        (tmp_path / "plan.md").write_text("# Plan\n\nsecond")
        one.run("Go on.", thread="t")
        one.compact("t")
        system = [frame.value["text"] for frame in one.sessions["t"].view.prefix if frame.segment == "system"]
        assert "second" in system[-1]
        assert kinds(one, "t")[-1] == "reconfigure"
        (tmp_path / "plan.md").unlink()
        one.run("And on.", thread="t")
        one.compact("t")
        assert one.run("Once more.", thread="t").text == "All measured."


def pauses(one: Agent) -> Pauses:
    assert one.steps.compactor
    return one.steps.compactor.pauses


def test_a_pause_is_used_while_the_cache_is_warm(tmp_path: Path) -> None:
    """Shortly before the cache expires the thread is compacted, once; the next run tells of it."""
    settings = Compaction(tail=300, retained=300, users=200, paths=100, commands=100, files=200, trail=200, lead=299.9)
    with agent(tmp_path, compaction=settings, budget=12_000, price_as="anthropic:claude-sonnet-4-5") as one:
        one.run("Measure every module.", thread="t")
        list(one.stream("Thanks.", thread="t"))
        pauses(one).wait("t")
        before = compactions(one)
        assert [read_cut(one.journal.entry(f"t/{seq}")).reason for seq in before][-1] == "idle"
        events = list(one.stream("Any more?", thread="t"))
        assert any(isinstance(event, Compacted) and event.reason == "idle" for event in events)


def test_new_work_calls_a_pause_off(tmp_path: Path) -> None:
    """A pause that has not come yet leaves no trace, and run() does not begin one by itself."""
    with agent(tmp_path, compaction=Compaction(lead=0.0)) as one:
        list(one.stream("Measure every module.", thread="t"))
        before = compactions(one)
        one.run("And now?", thread="t")
        pauses(one).wait("t")
        assert compactions(one) == before


def test_idle_compacts_where_it_pays(tmp_path: Path) -> None:
    """Who knows that a pause begins says so; a short thread is left alone."""
    settings = Compaction(tail=300, retained=300, users=200)
    with agent(tmp_path, compaction=settings, budget=12_000) as one:
        one.run("Measure every module.", thread="t")
        done = one.idle("t")
        assert done is None or done.reason == "idle"
        assert one.idle("t") is None


def test_an_open_call_survives_a_compaction(tmp_path: Path) -> None:
    """A thread that waits for a person is compacted, and its call is answered as ever."""
    from agentmem.runtime.events import Approval

    def send(what: str) -> str:
        """Sends something.

        Args:
            what: what to send
        """
        return f"sent {what}"

    def turns(request: Request) -> Turn:
        turn = place(request)
        return (
            ToolCall(f"call_{ROUNDS}_1", "send", '{"what": "report"}')
            if turn == ROUNDS
            else script_or_end(request, turn)
        )

    def script_or_end(request: Request, turn: int) -> Turn:
        return "Sent." if turn > ROUNDS else script(request)

    tools = [MEASURE, tool(send, effect="outside")]
    settings = Compaction(tail=300, retained=300, users=200)
    with agent(tmp_path, turns=turns, tools=tools, approve=["send"], budget=60_000, compaction=settings) as one:
        assert one.run("Measure and send.", thread="t").status == "waiting"
        assert one.compact("t") is not None
        assert one.run(Approval(True), thread="t").text == "Sent."
        assert (
            "sent report" in [readable(entry) for entry in one.journal.entries("t") if entry.kind == "tool_result"][-1]
        )


def test_thinking_and_parallel_calls(tmp_path: Path) -> None:
    """Turns with thinking and several calls leave or stay whole through every compaction."""
    thought = Opaque('{"type":"thinking","thinking":"which first?","signature":"c2ln"}')

    def turns(request: Request) -> Turn:
        turn = place(request)
        if turn >= ROUNDS:
            return "All measured."
        names = [json.dumps({"what": f"measure_{part}_{turn:03d}"}) for part in ("left", "right")]
        calls = (ToolCall(f"call_{turn}_{at}", "measure", name) for at, name in enumerate(names, 1))
        return Message("assistant", (thought, *calls))

    with agent(tmp_path, turns=turns) as one:
        assert one.run("Measure both sides.", thread="t").text == "All measured."
        assert len(compactions(one)) > 2
        for request in one.model.requests:  # type: ignore[attr-defined]
            for at, turn in enumerate(request.turns):
                called = [frame.value["id"] for frame in turn.frames if frame.value["type"] == "tool_use"]
                if called:
                    assert turn.frames[0].value["type"] == "thinking"
                    answered = [frame.value.get("tool_use_id") for frame in request.turns[at + 1].frames]
                    assert answered[: len(called)] == called


class Broken:
    """An archive that cannot take anything in."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, int]] = []

    def keep(self, thread: str, last: int) -> None:
        self.asked.append((thread, last))
        raise OSError("disk full")

    def recall(self, thread: str) -> Any:
        raise OSError("disk full")

    def forget(self, thread: str) -> None:
        self.asked.clear()

    def close(self) -> None:
        return None


def test_the_archive_hears_of_what_left_and_cannot_fail_the_run(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """It is told after the cut is appended; its failure is logged and nothing else."""
    archive = Broken()
    with caplog.at_level(logging.CRITICAL), agent(tmp_path, archive=archive) as one:
        assert one.run("Measure every module.", thread="t").text == "All measured."
        cuts = [read_cut(one.journal.entry(f"t/{seq}")).last for seq in compactions(one)]
        assert archive.asked == [("t", last) for last in cuts]


def test_metered_events_cover_every_request(tmp_path: Path) -> None:
    """What a watcher is told adds up to the ledger: answers as Metered, accepted summaries with their Compacted."""
    with agent(tmp_path) as one:
        events = list(one.stream("Measure every module.", thread="t"))
        told = [event.row for event in events if isinstance(event, Metered | Compacted) and event.row]
        assert len(told) == len(rows(one))


def test_a_pause_inside_a_run_compacts_beside_the_open_call(tmp_path: Path) -> None:
    """While a long tool works the thread is compacted; the tool's result joins its call, and the run tells of it."""
    held: list[Agent] = []

    def survey(what: str) -> str:
        """Measures a module, and takes its time.

        Args:
            what: its name
        """
        pauses(held[0]).wait("t")
        return measure(what)

    slow = tool(survey, effect="read", name="measure")
    settings = Compaction(tail=300, retained=300, users=200, lead=299.0)
    seconds = count(NOON)
    with agent(tmp_path, tools=[slow], compaction=settings, budget=12_000, clock=lambda: next(seconds)) as one:
        held.append(one)
        events = list(one.stream("Measure every module.", thread="t"))
        told = [event for event in events if isinstance(event, Compacted)]
        assert "idle" in {event.reason for event in told}
        assert isinstance(events[-1], Done)
        assert events[-1].result.text == "All measured."
        assert kinds(one, "t").count("tool_result") == ROUNDS
        window(one.journal.entries("t"))


def test_a_forked_thread_opens_from_its_ancestors_compaction(tmp_path: Path) -> None:
    """A fork behind a cut begins there; one before it does not know of it."""
    with agent(tmp_path) as one:
        one.run("Measure every module.", thread="t")
        cut = compactions(one)[0]
        after, before = one.fork("t", cut + 3, "after"), one.fork("t", cut - 1, "before")
        known, unknown = one.journal.last(after, "compaction"), one.journal.last(before, "compaction")
        assert known is not None
        assert (known.seq, unknown) == (cut, None)
        for name in (after, before):
            assert Session(one.journal, name).refresh().view == window(one.journal.entries(name))


def test_recall_asks_the_archive_where_there_is_one(tmp_path: Path) -> None:
    """The recall tool searches what the archive of the thread finds, and brings a reference back from the journal."""
    asked: list[str] = []

    class Shelf:
        """An archive that remembers who asked."""

        def keep(self, thread: str, last: int) -> None:
            """Takes nothing in."""

        def recall(self, thread: str) -> Recall:
            asked.append(thread)
            return JournalRecall(one.journal, thread)

        def forget(self, thread: str) -> None:
            """Has nothing to forget."""

        def close(self) -> None:
            """Holds nothing."""

    turns: list[Turn] = [{"calls": [{"recall": {"what": "t/2"}}]}, "Found."]
    with Agent(ScriptedModel(turns), tmp_path, archive=Shelf(), clock=clock) as one:
        one.run("What did I say?", thread="t")
        [result] = [entry.value for entry in one.journal.entries("t") if entry.kind == "tool_result"]
    assert asked == ["t"]
    assert "What did I say?" in str(result)


def test_a_commands_long_output_is_kept_whole(tmp_path: Path) -> None:
    """The model sees the ends of what a command printed, and how to get the rest; recall brings back every line."""
    turns = [
        {"calls": [{"run": {"command": "seq 1 40000"}}]},
        {"calls": [{"recall": {"what": "t/6", "part": 9}}]},
        "Done.",
    ]
    with agent(tmp_path, turns=turns, tools=["run", "recall"], budget=60_000) as one:
        one.run("Count.", thread="t")
        [printed, recalled] = [entry for entry in one.journal.entries("t") if entry.kind == "tool_result"]
        whole = "Exit code 0.\n\n" + "\n".join(map(str, range(1, 40_001)))
        assert readable(printed) == whole
        shown = read_result(printed).content[0]
        assert isinstance(shown, Text)
        assert "Exit code 0.\n\n1\n2\n" in shown.text
        assert shown.text.endswith("\n40000")
        assert "recall t/6 brings it back in parts, word for word" in shown.text
        assert len(shown.text) < 10_000
        assert readable(recalled).startswith("[part 9 of")
        assert (tmp_path / ".agentmem" / "pages" / "t" / "6.txt").read_text() == whole
