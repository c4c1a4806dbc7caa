"""agentmem.report.blocks."""

from pathlib import Path

from agentmem.report.blocks import KINDS, BlockTable
from agentmem.report.data import Gathered, gathered
from agentmem.report.loading import Observed, load_paths, load_run
from agentmem.transcript.journal import open_journal
from tests.report.runs import eventful
from tests.ui.desk import featured, wire_log


def of_log(folder: Path) -> Gathered:
    """The featured session of the desk."""
    found = [one for one in load_paths([featured().write(folder)]) if isinstance(one, Observed)]
    return gathered(found, "featured")


def sent(data: dict, turn: int) -> list[int]:  # type: ignore[type-arg]  # as the page reads it
    """The numbers of a turn's blocks, found as the page finds them."""
    blocks = data["blocks"]
    return [*blocks["heads"][blocks["head"][turn]], *blocks["lists"][blocks["list"][turn]][: blocks["length"][turn]]]


def test_every_turn_of_a_log_has_its_blocks(tmp_path: Path) -> None:
    """What the page puts together from the table is what was sent, also after a compaction, and of sub-agents."""
    found = of_log(tmp_path)
    assert len(found.turns) == 52
    for at, turn in enumerate(found.turns):
        assert turn.sent is not None
        assert [found.table.frames[number] for number in sent(found.data, at)] == list(turn.sent.sent)
    kinds = {KINDS[kind] for kind in found.data["blocks"]["kind"]}
    assert {"summary", "results", "calls", "replies", "messages", "system"} <= kinds


def test_every_turn_of_a_run_of_ours_has_its_blocks(tmp_path: Path) -> None:
    """Tools, system and pages in the head, and the reply behind what was sent."""
    with open_journal(tmp_path / "run.db") as journal:
        observed = load_run(journal, eventful(journal).thread)
    found = gathered([observed], "workshop")
    head = [KINDS[found.data["blocks"]["kind"][number]] for number in found.data["blocks"]["heads"][0]]
    assert head == ["tools", "system", "pages"]
    answered = [turn for turn in found.turns if not turn.row.error and turn.row.purpose == "answer"]
    assert all(turn.sent and turn.sent.reply for turn in answered)


def test_a_block_belongs_to_the_turn_that_first_had_it(tmp_path: Path) -> None:
    """Its own result comes a turn later; a reply belongs to the turn that was answered by it."""
    found = of_log(tmp_path)
    first = found.table.first_turns()
    assert sorted(first) == list(range(len(found.table.frames)))
    for number, turn in first.items():
        earlier = [at for at in range(turn) if number in sent(found.data, at)]
        assert not earlier


def test_what_is_not_known_has_no_place() -> None:
    """A ledger's request has no blocks."""
    table = BlockTable()
    table.add(None)
    assert table.value()["list"] == [-1]
    assert table.first_turns() == {}


def test_a_break_shows_the_block_that_changed(tmp_path: Path) -> None:
    """The line of the system prompt with the time in it, on both sides."""
    found = gathered([one for one in load_paths([wire_log(tmp_path / "w.jsonl")]) if isinstance(one, Observed)], "w")
    at = next(at for at, one in enumerate(found.events) if one.kind == "break")
    difference = found.difference(at)
    assert difference is not None
    changed = [row for row in difference["rows"] if row[4] is not None]
    assert changed[0][1] == "It is 10:00 on Sunday." and changed[0][3] == "It is 10:01 on Sunday."


def test_a_saved_page_holds_the_texts(tmp_path: Path) -> None:
    """Of every block and event, under their numbers."""
    found = of_log(tmp_path)
    whole = found.whole()
    assert len(whole["bodies"]) == len(found.table.frames)
    assert set(whole["diffs"]) == {str(at) for at in range(len(found.events))}
