"""A person's answers to waiting calls: yes, no, other arguments, or an answer in the tool's place."""

from pathlib import Path

import pytest

from agentmem.errors import ConfigError
from agentmem.menu.menu import tool
from agentmem.menu.permissions import Reach
from agentmem.runtime.agent import Agent
from agentmem.runtime.events import Approval, ToolCalled
from agentmem.transcript.transcript import read_message, readable
from tests.runtime.agents import agent, call, kinds


def ordering(folder: Path, ordered: list[tuple[str, int]]) -> Agent:
    @tool(effect="outside")
    def order(part: str, pieces: int = 1) -> str:
        """Orders a part.

        Args:
            part: its number
            pieces: how many
        """
        ordered.append((part, pieces))
        return f"ordered {pieces} of {part}"

    calls = [call("order", '{"part": "B30", "pieces": 12}', "c1"), call("order", '{"part": "A1"}', "c2")]
    return agent(folder, [calls, "Done."], tools=["write", order], approve=["order"])


def results(one: Agent) -> list[str]:
    return [readable(entry) for entry in one.journal.entries("t") if entry.kind == "tool_result"]


def test_a_call_runs_with_the_persons_arguments(tmp_path: Path) -> None:
    """The model is told, its own call stays as it was, and the other call is answered as before."""
    ordered: list[tuple[str, int]] = []
    with ordering(tmp_path, ordered) as one:
        assert one.run("Order.", thread="t").status == "waiting"
        approval = Approval({"c2": True}, edits={"c1": {"part": "B30", "pieces": 6}})
        assert one.run(approval, thread="t").status == "done"
        assert ordered == [("B30", 6), ("A1", 1)]
        assert results(one)[0].endswith("ordered 6 of B30")
        assert 'It ran with: {"part":"B30","pieces":6}]' in results(one)[0]
        assert results(one)[1] == "ordered 1 of A1"
        reply = next(entry for entry in one.journal.entries("t") if entry.kind == "assistant")
        assert read_message(reply).calls[0].arguments == '{"part": "B30", "pieces": 12}'
        assert kinds(one, "t").count("tool_started") == 2


def test_a_person_answers_in_the_tools_place(tmp_path: Path) -> None:
    """The tool does not run, nothing has begun, and the model reads the answer as the result."""
    ordered: list[tuple[str, int]] = []
    with ordering(tmp_path, ordered) as one:
        one.run("Order.", thread="t")
        result = one.run(Approval(False, "Not today.", answers={"c1": "There are twelve in the cellar."}), thread="t")
        assert result.status == "done"
        assert ordered == []
        assert results(one)[0].endswith("which did not run:] There are twelve in the cellar.")
        assert "Not today." in results(one)[1]
        assert "tool_started" not in kinds(one, "t")


def test_a_stream_shows_the_call_as_it_runs(tmp_path: Path) -> None:
    """The event has the edited arguments."""
    with ordering(tmp_path, []) as one:
        one.run("Order.", thread="t")
        events = list(one.stream(Approval(edits={"c1": {"part": "C"}}), thread="t"))
        assert next(event.call.arguments for event in events if isinstance(event, ToolCalled)) == '{"part":"C"}'


@pytest.mark.parametrize(
    ("approval", "match"),
    [
        (Approval(edits={"c9": {"part": "C"}}), "no call 'c9' waits for a person; there is c1, c2"),
        (Approval(answers={"c9": "x"}), "no call 'c9' waits"),
        (Approval(edits={"c1": {"part": "C"}}, answers={"c1": "x"}), "an edit and an answer"),
        (
            Approval(edits={"c1": {"pieces": "many"}}),
            r"arguments of order \(call 'c1'\) do not fit: .*`part`",
        ),
        (Approval(edits={"c1": "C"}), "must be a mapping"),  # type: ignore[dict-item]
        (Approval(edits={"c1": {"part": {1}}}), "do not fit"),
        (Approval(answers={"c1": " "}), "the answer to call 'c1' must be a text"),
    ],
)
def test_what_does_not_fit_is_refused_before_anything_runs(tmp_path: Path, approval: Approval, match: str) -> None:
    """The run waits on, and a better answer ends it."""
    ordered: list[tuple[str, int]] = []
    with ordering(tmp_path, ordered) as one:
        one.run("Order.", thread="t")
        with pytest.raises(ConfigError, match=match):
            one.run(approval, thread="t")
        assert ordered == []
        assert one.run(Approval(), thread="t").status == "done"
        assert ordered == [("B30", 12), ("A1", 1)]


def test_an_answer_comes_from_another_process(tmp_path: Path) -> None:
    """Edits go through the checkpoint like a yes."""
    ordered: list[tuple[str, int]] = []
    with ordering(tmp_path, ordered) as one:
        one.run("Order.", thread="t")
    with ordering(tmp_path, ordered) as one:
        assert one.run(Approval(edits={"c1": {"part": "C"}}), thread="t").status == "done"
    assert ordered == [("C", 1), ("A1", 1)]


def test_an_edit_opens_no_way_to_files_that_steer(tmp_path: Path) -> None:
    """Where such changes are refused, other arguments do not get them through."""
    turns = [call("write", '{"page": "notes.md", "text": "x"}', "c1"), "Done."]
    with agent(tmp_path, turns, tools=["write"], approve=["write"], reach=Reach(steering="refuse")) as one:
        one.run("Write.", thread="t")
        one.run(Approval(edits={"c1": {"page": "Makefile", "text": "all:"}}), thread="t")
        assert not (tmp_path / "Makefile").exists()
        assert "steers other programs" in results(one)[0]
