"""What calls leave behind goes on from one compaction to the next: paths, commands, and lines of files."""

import json
from collections.abc import Iterator
from typing import Any

from agentmem.compaction.acceptance import fallback
from agentmem.compaction.plan import Plan, plan
from agentmem.compaction.regions import regions
from agentmem.compaction.traces import packed, same, unpacked
from agentmem.compaction.when import Compaction
from agentmem.context.window import View, extend
from agentmem.transcript import transcript
from agentmem.types import Draft, Text, ToolCall, ToolResult
from tests.compaction.conversations import BUDGET, OPENING, view_of
from tests.transcript.transcripts import entries, reply

SIZES = Compaction(tail=100, users=100, user=60, summary=200, index=200, names=200, fresh=0, retained=0)
LINES = [f"    value_{at} = compute({at})" for at in range(60)]


def numbered(first: int, last: int) -> str:
    return "\n".join(f"{at + 1:6}→{LINES[at]}" for at in range(first, last))


class Session:
    """A made session, call by call."""

    def __init__(self) -> None:
        self.drafts: list[Draft] = [OPENING, transcript.user("Please mend the values.")]

    def call(self, tool: str, given: dict[str, Any], result: str, *, failed: bool = False) -> None:
        number = f"c{len(self.drafts)}"
        self.drafts.append(reply(Text("Well."), ToolCall(number, tool, json.dumps(given))))
        self.drafts.append(transcript.tool_result(ToolResult(number, (Text(result),), failed)))

    def much(self) -> None:
        """Much that says nothing."""
        self.call("Bash", {"command": "seq 900"}, " ".join(map(str, range(900))))
        self.call("Bash", {"command": "true"}, "")


def cut(view: View) -> tuple[Plan, View]:
    made = plan(view, "t", SIZES, BUDGET)
    assert made is not None
    draft = fallback(made)
    return made, extend(view, next(_entries(draft, view.seq + 1)))


def _entries(draft: Draft, seq: int) -> Iterator[Any]:
    yield from (one for one in entries([OPENING] * seq + [draft]) if one.seq == seq)


def files(made: Plan) -> str:
    return "\n".join(part.block.text for part in made.lists if part.kind == "files" and isinstance(part.block, Text))


def test_an_edit_is_made_in_what_was_read_before_it() -> None:
    """The new line is shown among those around it, and the old one nowhere; a failed edit changes nothing."""
    session = Session()
    session.call("Read", {"file_path": "/w/src/a.py", "limit": 30}, numbered(0, 30))
    session.call("Edit", {"file_path": "/w/src/a.py", "old_string": LINES[5], "new_string": "    pass"}, "Updated.")
    session.call("Edit", {"file_path": "/w/src/a.py", "old_string": LINES[6], "new_string": "x"}, "No.", failed=True)
    session.much()
    shown = files(cut(view_of(session.drafts))[0]).splitlines()
    at = shown.index("    pass")
    assert (shown[at - 1], shown[at + 1]) == (LINES[4], LINES[6])
    assert LINES[5] not in shown and "x" not in shown
    assert "[lines 1-30]" in shown


def test_an_edit_after_a_cut_is_made_in_what_the_cut_kept() -> None:
    """What was read before the first cut is shown after the second as later calls left it."""
    session = Session()
    session.call("Read", {"file_path": "/w/src/a.py"}, numbered(0, 40))
    session.much()
    _, view = cut(view_of(session.drafts))
    later = Session()
    later.drafts = [OPENING] * (view.seq + 1)
    later.call("Edit", {"file_path": "src/a.py", "old_string": LINES[5], "new_string": "    pass"}, "Updated.")
    later.much()
    for entry in entries(later.drafts)[view.seq + 1 :]:
        view = extend(view, entry)
    shown = files(cut(view)[0]).splitlines()
    assert "    pass" in shown and LINES[4] in shown and LINES[5] not in shown


def test_a_command_that_names_a_file_ends_what_is_known_of_it() -> None:
    """Its lines may be others now; what git may have changed is said to be in doubt."""
    session = Session()
    for name in ("a.py", "b.py"):
        session.call("Read", {"file_path": f"/w/src/{name}"}, numbered(0, 20))
    session.call("Bash", {"command": "cd src && sed -i s/value/other/ a.py && git stash"}, "")
    session.much()
    shown = files(cut(view_of(session.drafts))[0])
    assert "/w/src/a.py" not in shown
    assert "may have changed it" in shown.split("/w/src/b.py")[1].splitlines()[0]


def test_calls_are_listed_after_every_cut() -> None:
    """Files by state and folder, then paths that were only named; commands with the number that recall takes."""
    session = Session()
    session.call("Read", {"file_path": "/w/src/a.py"}, numbered(0, 3))
    session.call("Write", {"file_path": "/w/src/b.py", "content": "b = 1\n"}, "Created.")
    session.call("Bash", {"command": "go test ./pkg/things/..."}, "ok")
    session.much()
    made, view = cut(view_of(session.drafts))
    texts = {part.kind: part.block.text for part in made.lists if isinstance(part.block, Text)}
    assert "- made in /w/src/: b.py [" in texts["paths"] and "- read in /w/src/: a.py [" in texts["paths"]
    assert "- pkg: things" in texts["paths"]
    assert [part.kind for part in made.lists] == ["commands", "paths"]
    assert "go test ./pkg/things/..." in texts["commands"]
    assert view.cut is not None
    again = unpacked(view.cut.traces)
    assert packed(again).items() <= view.cut.traces.items()
    assert list(again.paths) == ["/w/src/a.py", "/w/src/b.py", "pkg/things"]


def test_files_share_the_room() -> None:
    """No file takes it all while others wait; what is left goes to the latest."""
    session = Session()
    for name in ("a.py", "b.py", "c.py"):
        session.call("Read", {"file_path": f"/w/{name}"}, numbered(0, 60))
    session.much()
    known = unpacked(cut(view_of(session.drafts))[1].cut.traces)  # type: ignore[union-attr]
    sizes = [sum(len(one.lines) for one in file.stretches) for file in regions(known.files.values(), 900, 250)]
    assert len(sizes) == 3
    assert sizes[0] > sizes[1] >= sizes[2] > 10


def test_a_path_is_the_same_by_its_end() -> None:
    """Where one is the end of the other; not where two could be meant."""
    assert same("src/a.py", ["/w/src/a.py", "/w/b.py"]) == "/w/src/a.py"
    assert same("a.py", ["/w/src/a.py", "/w/lib/a.py"]) is None
    assert same("ba.py", ["a.py"]) is None
