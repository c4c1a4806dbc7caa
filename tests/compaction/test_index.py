"""The index of what left: lines, and exact names behind them."""

from dataclasses import replace

from agentmem.compaction.index import LONGEST, index
from agentmem.compaction.plan import Plan
from agentmem.tokens import count
from agentmem.transcript import transcript
from agentmem.types import Draft, Text, ToolCall, ToolResult
from tests.compaction.conversations import SMALL, conversation, planned
from tests.transcript.transcripts import reply

WIDE = replace(SMALL, fresh=400)
NONE = replace(SMALL, fresh=0)


def seen(*texts: str) -> list[Draft]:
    """A conversation in which nobody has used what some results said."""
    made = conversation(2)
    for at, text in enumerate(texts):
        made += [reply(ToolCall(f"r{at}", "read", "{}")), transcript.tool_result(ToolResult(f"r{at}", (Text(text),)))]
    return [*made, reply(Text("well " * 300)), transcript.user("go on")]


def named(found: Plan) -> list[str]:
    return [name for line in index(found, "") for name in line.names]


def test_names_that_were_read_have_their_place_in_the_index() -> None:
    """A name that no call has used yet is still found beside the entry that says it."""
    found = planned(seen("the helper is parse_invoice_total and so on"), WIDE)
    lines = {name: line.seq for line in index(found, "") for name in line.names}
    assert lines["parse_invoice_total"] == max(one.origin.seq for one in found.leaving if "parse_invoice" in one.text)
    assert "parse_invoice_total" not in named(planned(seen("the helper is parse_invoice_total"), NONE))


def test_what_is_said_anyway_is_not_repeated() -> None:
    """A name in the summary, or one that a newer line has, takes no room in the index."""
    found = planned(seen("uses parse_invoice_total", "has parse_invoice_total"), WIDE)
    assert named(found).count("parse_invoice_total") == 1
    assert all("parse_invoice_total" not in line.names for line in index(found, "It is parse_invoice_total."))


def test_the_room_is_kept() -> None:
    """However much was read, names that nobody used take no more than their room; long ones are left out."""
    text = " ".join(f"helper_number_{at:04d}" for at in range(900)) + " " + "/".join(f"folder_{at}" for at in range(30))
    found = planned(seen(text, text.replace("helper", "second")), WIDE)
    fresh = [name for name in named(found) if name.startswith(("helper", "second", "folder"))]
    assert len(fresh) > 20
    assert sum(count(name) + 1 for name in fresh) <= 400
    assert all(count(name) + 1 <= LONGEST for name in fresh)


def test_what_stands_there_often_comes_first() -> None:
    """A name that a result repeats says more about it than one that occurs once."""
    found = planned(seen(" ".join(f"single_name_{at:03d}" for at in range(300)) + " often_said_name" * 9), WIDE)
    assert "often_said_name" in named(found)
