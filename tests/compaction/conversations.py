"""Long conversations for the tests of compaction: files are read, and what they hold is used in later calls."""

import json
from collections.abc import Iterator

from agentmem.compaction.plan import Plan, plan
from agentmem.compaction.when import Compaction
from agentmem.context.window import View, window
from agentmem.transcript import transcript
from agentmem.transcript.transcript import Opening
from agentmem.types import Draft, Text, ToolCall, ToolResult
from tests.transcript.transcripts import entries, reply

SMALL = Compaction(tail=300, retained=400, users=200, user=60, summary=300, index=300, names=200)
"""Sizes for conversations of a few thousand tokens, as they stand: give a budget of 60,000 or more."""
BUDGET = 60_000
OPENING = transcript.opening(Opening("m", system=("Be brief.",)))


def name(number: int) -> str:
    """The exact name that file ``number`` brings in."""
    return f"compute_total_{number:03d}"


def round_of(number: int, uses: int | None = None) -> Iterator[Draft]:
    """A file is read, and the next call uses the name in it (or in file ``uses``)."""
    text = f"src/module_{number:03d}.py\ndef {name(number)}():\n" + "    pass  # nothing to see in this line\n" * 12
    yield reply(Text(f"Reading {number}."), _call(number, "a", "read", f"src/module_{number:03d}.py"))
    yield transcript.tool_result(ToolResult(f"c{number}a", (Text(text),)))
    yield reply(_call(number, "b", "find", name(number if uses is None else uses)))
    yield transcript.tool_result(ToolResult(f"c{number}b", (Text("found once"),)))


def conversation(rounds: int = 12) -> list[Draft]:
    """An opening, a task and so many rounds; the last result waits for the model."""
    made = [OPENING, transcript.user("Count all totals. The limit is 8642 per module.")]
    for number in range(rounds):
        made += round_of(number)
    return made


def view_of(made: list[Draft]) -> View:
    return window(entries(made))


def planned(made: list[Draft], settings: Compaction = SMALL) -> Plan:
    """The plan for a conversation, which must have one."""
    found = plan(view_of(made), "t", settings, BUDGET)
    assert found is not None
    return found


def shown(view: View) -> str:
    """All that a view says, as text."""
    return "\n".join(json.dumps(frame.value, ensure_ascii=False) for frame in view.frames)


def _call(number: int, part: str, tool: str, what: str) -> ToolCall:
    return ToolCall(f"c{number}{part}", tool, json.dumps({"what": what}))
