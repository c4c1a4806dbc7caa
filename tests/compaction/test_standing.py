"""What must survive stands after any number of cuts, whatever the summary says."""

import json
import re
from dataclasses import replace

import pytest

from agentmem.compaction.acceptance import accept, fallback
from agentmem.compaction.standing import Standing, StandingLine, read_standing, standing_text
from agentmem.context.cut import compaction, read_cut
from agentmem.transcript import transcript
from agentmem.types import Draft, Text, ToolCall, ToolResult
from tests.compaction.conversations import SMALL, conversation, name, planned, round_of, shown, view_of
from tests.compaction.test_statements import LOG
from tests.transcript.transcripts import entries, reply

RULE, WRONG = "Never touch the migrations folder.", "No, the limit is 9753 per module."
FORGETFUL = f"## Facts\n- {name(3)} is defined somewhere.\n"
"""A summary that drops what people said."""


def talked() -> list[Draft]:
    """A conversation with a rule, and a correction behind a long paste."""
    return [
        *conversation(4),
        transcript.user(RULE),
        *(draft for at in range(4, 8) for draft in round_of(at)),
        transcript.user(f"{LOG}\n\n{WRONG}"),
        *(draft for at in range(8, 14) for draft in round_of(at)),
    ]


@pytest.mark.parametrize("cuts", [1, 3, 10])
def test_what_people_said_survives_any_number_of_cuts(cuts: int) -> None:
    """Rule, correction and open task stand word for word after each cut, and of the paste nothing does."""
    made, number = talked(), 14
    for _ in range(cuts):
        made.append(fallback(planned(made)))
        said = shown(view_of(made))
        assert RULE in said and WRONG in said and "Count all totals." in said
        assert "never retry" not in said
        for _ in range(8):
            made += round_of(number)
            number += 1


def test_a_summary_that_drops_them_is_repaired() -> None:
    """What a model leaves out stands beside its summary; what it says word for word is not said twice."""
    made = [
        *talked(),
        reply(Text("Done.")),
        transcript.user("Go to the next module and look."),
        *round_of(20),
        *round_of(21),
    ]
    settings = replace(SMALL, users=0)
    said = shown(view_of([*made, accept(planned(made, settings), FORGETFUL)]))
    assert all(re.search(rf"- \d+ {re.escape(words)}", said) for words in (RULE, WRONG))
    faithful = f"{FORGETFUL}- {RULE}\n- {WRONG}\n"
    again = shown(view_of([*made, accept(planned(made, settings), faithful)]))
    assert not any(re.search(rf"- \d+ {re.escape(words)}", again) for words in (RULE, WRONG))


def test_the_trail_agrees_with_the_calls() -> None:
    """After two cuts every file stands with its last state."""

    def call(at: int, tool: str, **arguments: str) -> list[Draft]:
        asked = reply(ToolCall(f"f{at}", tool, json.dumps(arguments)))
        return [asked, transcript.tool_result(ToolResult(f"f{at}", (Text("done"),)))]

    made = [
        *conversation(3),
        *call(1, "write", page="a/one.md"),
        *call(2, "write", page="a/two.md"),
        *call(3, "read", page="b/three.md"),
    ]
    made += [draft for at in range(3, 9) for draft in round_of(at)]
    made.append(fallback(planned(made)))
    made += [*call(4, "edit", page="a/one.md", action="append"), *call(5, "edit", page="a/two.md", action="delete")]
    made += [draft for at in range(9, 16) for draft in round_of(at)]
    made.append(fallback(planned(made)))
    said = shown(view_of(made))
    assert "- changed in a/: one.md" in said
    assert "- deleted in a/: two.md" in said
    assert "- read in b/: three.md" in said


def test_a_long_open_task_stays_in_part() -> None:
    """What is asked stays, however long the message; it says how to have the whole."""
    task = f"Please mend the import.\n\n{LOG}\n\nTell me which rows were lost."
    made = [
        *conversation(3),
        reply(Text("Done.")),
        transcript.user(task),
        *(d for at in range(3, 12) for d in round_of(at)),
    ]
    for _ in range(2):
        made.append(fallback(planned(made)))
        said = shown(view_of(made))
        assert "Please mend the import." in said and "Tell me which rows were lost." in said
        assert "said by the person, in part" in said and "never retry" not in said
        made += [draft for at in range(30, 40) for draft in round_of(at)]


def test_rules_in_a_projects_file_stand() -> None:
    """What a project tells agents is kept when the file's text has left; other lines are not."""
    page = "# Notes\n\n- Never push to main.\n- The service is small.\n- Always run the linter first.\n"
    read = [
        reply(ToolCall("p", "Read", '{"file_path": "/repo/CLAUDE.md"}')),
        transcript.tool_result(ToolResult("p", (Text(page),))),
    ]
    made = [*conversation(1), *read, *(draft for at in range(1, 12) for draft in round_of(at))]
    said = shown(view_of([*made, fallback(planned(made))]))
    assert "Never push to main." in said and "Always run the linter first." in said
    assert "The service is small." not in said


def test_what_has_no_room_is_counted() -> None:
    """The newest people's rules come first; the others are told by number and reference."""
    lines = tuple(
        StandingLine(at, "rule", f"Never touch folder number {at} of the old archive.") for at in range(1, 30)
    )
    now = Standing((*lines, StandingLine(40, "project", "Always be kind.")))
    said = standing_text(now, "t", "", (), 100)
    assert lines[-1].text in said and lines[0].text not in said
    assert "recall brings them back" in said and "t/1-" in said
    assert standing_text(now, "t", "\n".join(one.text for one in now.lines), (), 100) == ""


def test_what_people_told_stands_while_there_is_room() -> None:
    """Behind all rules: a sentence without a marked word has room when they have theirs."""
    lines = tuple(StandingLine(at, "rule", f"Never touch folder number {at}.") for at in range(1, 4))
    told = StandingLine(9, "said", "The second replica is the one that matters.")
    now = Standing((*lines, told))
    assert told.text in standing_text(now, "t", "", (), 200)
    tight = standing_text(now, "t", "", (), 40)
    assert told.text not in tight and all(one.text in tight for one in lines)
    made = [*conversation(2), transcript.user(told.text), *(draft for at in range(2, 10) for draft in round_of(at))]
    found = planned([*made, reply(Text("Done.")), transcript.user("Count the rest."), *round_of(11), *round_of(12)])
    assert told.text in [one.text for one in found.stands.lines if one.kind == "said"]


def test_all_rules_and_corrections_have_room() -> None:
    """However many people made, all stand word for word after three cuts, and lines of files have less room."""
    words = [f"Never write to table {at} of the archive." for at in range(20)]
    words += [f"No, column {at} takes {at + 100} rows." for at in range(20)]
    made = conversation(2)
    for at, one in enumerate(words):
        made += [transcript.user(one), *round_of(at + 2)]
    settings = replace(SMALL, standing=100)
    for cut in range(3):
        found = planned(made, settings)
        assert found.sizes.standing > 400 and found.sizes.least == settings.least
        made.append(fallback(found))
        said = shown(view_of(made))
        assert not [one for one in words if one not in said]
        made += [draft for at in range(8) for draft in round_of(100 + 10 * cut + at)]


def test_the_shortest_of_what_people_told_come_first() -> None:
    """Any of them may be a correction, so more of them stand in the same room."""
    long = StandingLine(9, "said", "It was a long day and the team talked about this and that until the evening came.")
    short = tuple(StandingLine(at, "said", f"Door {at} opens inside.") for at in range(1, 7))
    said = standing_text(Standing((*short, long)), "t", "", (), 70)
    assert all(one.text in said for one in short) and long.text not in said


def test_it_reads_back_from_an_entry() -> None:
    """What a compaction keeps for the next one is what it wrote; older entries keep nothing."""
    found = planned(talked())
    (entry,) = entries([fallback(found)])[-1:]
    assert read_standing(read_cut(entry).standing) == replace(found.stands, open=())
    bare = json.loads(compaction(read_cut(entry)).data)
    del bare["standing"]
    assert read_standing(bare.get("standing", {})) == Standing()
